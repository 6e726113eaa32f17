//! Unique claims.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use store::{ClaimError, Class, Error, Settlement, Store, Tag};
use tokio::task::JoinSet;

use crate::bench::{Bench, Note, note};

/// A subscription takes a device: reserve, record, confirm.
async fn associate(store: &Store, device: &Tag, subscription: &str) -> Result<(), ClaimError> {
    store.reserve(device, subscription).await?;
    let tag = store.tag(subscription).map_err(Error::from)?;
    let mut transaction = store.transaction(&tag, Class::Record);
    transaction.put(&note(1)).if_absent();
    store.commit(transaction).await?;
    store.confirm(device, subscription).await
}

pub(crate) async fn of_64_concurrent_claims_for_one_device_one_holds(bench: &Bench) {
    let device = bench.store.tag("dev_1").unwrap();
    let mut claims = JoinSet::new();
    for number in 0..64 {
        let (store, device) = (bench.store.clone(), device.clone());
        claims.spawn(async move {
            let subscription = format!("sub_{number}");
            let result = associate(&store, &device, &subscription).await;
            (subscription, result)
        });
    }
    let mut holder = None;
    for (subscription, result) in claims.join_all().await {
        match result {
            Ok(()) => assert_eq!(holder.replace(subscription), None, "two holders"),
            Err(ClaimError::Held { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    let holder = holder.expect("a holder");
    let claim = bench.store.claim(&device).await.unwrap().unwrap();
    assert_eq!(
        (claim.holder.as_str(), claim.confirmed),
        (holder.as_str(), true)
    );
    let mut relied_on = HashSet::new();
    for number in 0..64 {
        let subscription = format!("sub_{number}");
        let tag = bench.store.tag(&subscription).unwrap();
        let recorded = bench.store.read::<Note>(&tag).await.unwrap().is_some();
        if recorded && bench.store.holds(&device, &subscription).await.unwrap() {
            relied_on.insert(subscription);
        }
    }
    assert_eq!(relied_on, HashSet::from([holder]));
}

pub(crate) async fn a_claim_is_relied_on_only_once_confirmed_and_until_released(bench: &Bench) {
    let store = &bench.store;
    let device = store.tag("dev_1").unwrap();
    assert_eq!(store.claim(&device).await.unwrap(), None);
    store.reserve(&device, "a").await.unwrap();
    store.reserve(&device, "a").await.unwrap();
    assert!(!store.holds(&device, "a").await.unwrap());
    let held = store.reserve(&device, "b").await.unwrap_err();
    assert!(matches!(held, ClaimError::Held { confirmed: false }));
    assert_eq!(held.cause(), cause::Cause::AlreadyExists);
    assert!(matches!(
        store.confirm(&device, "b").await,
        Err(ClaimError::Lost)
    ));
    store.confirm(&device, "a").await.unwrap();
    store.confirm(&device, "a").await.unwrap();
    assert!(store.holds(&device, "a").await.unwrap());
    assert!(!store.holds(&device, "b").await.unwrap());
    let held = store.reserve(&device, "b").await.unwrap_err();
    assert!(matches!(held, ClaimError::Held { confirmed: true }));

    store.release(&device, "b").await.unwrap();
    assert!(store.holds(&device, "a").await.unwrap());
    store.release(&device, "a").await.unwrap();
    store.release(&device, "a").await.unwrap();
    store.reserve(&device, "b").await.unwrap();
}

pub(crate) async fn a_scrub_settles_what_was_never_confirmed(bench: &Bench) {
    let store = &bench.store;
    for (device, holder) in [("d1", "recorded"), ("d2", "abandoned"), ("d3", "done")] {
        let device = store.tag(device).unwrap();
        store.reserve(&device, holder).await.unwrap();
    }
    let done = store.tag("d3").unwrap();
    store.confirm(&done, "done").await.unwrap();

    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let ask = |_: Tag, holder: String| {
        asked.lock().unwrap().push(holder.clone());
        async move {
            Ok(match holder.as_str() {
                "recorded" => Settlement::Confirm,
                _ => Settlement::Free,
            })
        }
    };
    let young = store
        .scrub_claims(Duration::from_secs(60), ask)
        .await
        .unwrap();
    assert_eq!(young, Default::default());
    assert!(asked.lock().unwrap().is_empty());

    let scrubbed = store.scrub_claims(Duration::ZERO, ask).await.unwrap();
    assert_eq!((scrubbed.confirmed, scrubbed.freed), (1, 1));
    let recorded = store.tag("d1").unwrap();
    assert!(store.holds(&recorded, "recorded").await.unwrap());
    let abandoned = store.tag("d2").unwrap();
    assert_eq!(store.claim(&abandoned).await.unwrap(), None);
    // The holder that was too slow learns that it has nothing.
    let late = store.confirm(&abandoned, "abandoned").await;
    assert!(matches!(late, Err(ClaimError::Lost)));
    assert!(store.holds(&done, "done").await.unwrap());
    asked.lock().unwrap().sort();
    assert_eq!(*asked.lock().unwrap(), ["abandoned", "recorded"]);
}

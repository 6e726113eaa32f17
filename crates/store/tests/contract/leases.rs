//! Leases.

use std::time::Duration;

use store::Class;
use tokio::task::JoinSet;

use crate::bench::{Bench, Note, eventually, note};

const LONG: Duration = Duration::from_secs(60);

pub(crate) async fn of_64_concurrent_takers_one_gets_the_lease(bench: &Bench) {
    let tag = bench.store.tag("scheduler").unwrap();
    let mut takers = JoinSet::new();
    for _ in 0..64 {
        let (store, tag) = (bench.store.clone(), tag.clone());
        takers.spawn(async move { store.take_lease(&tag, "run", LONG).await.unwrap() });
    }
    let taken = takers.join_all().await;
    assert_eq!(taken.iter().flatten().count(), 1);
    assert!(
        taken
            .into_iter()
            .flatten()
            .all(|lease| { lease.remaining() > LONG / 2 && lease.remaining() <= LONG })
    );
}

pub(crate) async fn tokens_grow_and_a_late_holder_writes_nothing(bench: &Bench) {
    let store = &bench.store;
    let tag = store.tag("scheduler").unwrap();
    let short = Duration::from_millis(100);
    let mut late = store.take_lease(&tag, "run", short).await.unwrap().unwrap();
    let mut next = None;
    eventually(Duration::from_secs(2), "the end of the lease", || async {
        store.take_lease(&tag, "run", LONG).await.unwrap().is_some()
    })
    .await;
    assert_eq!(late.remaining(), Duration::ZERO);
    assert!(!store.renew_lease(&mut late).await.unwrap());
    let mut transaction = store.transaction(&tag, Class::Session);
    transaction.put(&note(1));
    late.guard(&mut transaction);
    assert!(store.commit(transaction).await.unwrap_err().is_conflict());
    let token = late.token();
    store.release_lease(late).await.unwrap();
    assert!(store.take_lease(&tag, "run", LONG).await.unwrap().is_none());

    let other = store.take_lease(&tag, "other", LONG).await.unwrap();
    assert!(next.replace(other.unwrap()).is_none());
    let next = next.unwrap();
    assert!(next.token() > token);
}

pub(crate) async fn a_holder_renews_writes_and_releases(bench: &Bench) {
    let store = &bench.store;
    let tag = store.tag("scheduler").unwrap();
    let mut lease = store.take_lease(&tag, "run", LONG).await.unwrap().unwrap();
    let token = lease.token();
    assert!(store.renew_lease(&mut lease).await.unwrap());
    assert_eq!(lease.token(), token);
    let mut transaction = store.transaction(&tag, Class::Session);
    transaction.put(&note(1));
    lease.guard(&mut transaction);
    store.commit(transaction).await.unwrap();
    assert!(store.read::<Note>(&tag).await.unwrap().is_some());

    let mut transaction = store.transaction(&tag, Class::Session);
    transaction.delete::<Note>();
    lease.release_with(&mut transaction);
    store.commit(transaction).await.unwrap();
    let again = store.take_lease(&tag, "run", LONG).await.unwrap().unwrap();
    assert!(again.token() > token);
}

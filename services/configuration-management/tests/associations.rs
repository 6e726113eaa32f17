//! The function on a real store.
#![expect(clippy::unwrap_used, reason = "a failed preparation fails the test")]

use std::sync::Arc;
use std::time::Duration;

use configuration_management::{
    Association, CloseAssociationError, Kind, OpenAssociationError, ResolveServiceIdError,
    close_association, free_claims, look_up_by_ue_id, open_association, resolve_service_id,
};
use identifiers::{Gpsi, SubscriptionId, Supi, TenantId, UeServiceId};
use store::{Database, ManualClock, Store};

#[tokio::test]
async fn an_association_is_found_by_supi_gpsi_and_service_id() {
    let store = store().await;
    let band = association("asc-1", 1);
    open_association(&store, &band).await.unwrap();

    assert_eq!(
        look_up_by_ue_id(&store, "imsi-001010000000001")
            .await
            .unwrap(),
        std::slice::from_ref(&band)
    );
    assert_eq!(
        look_up_by_ue_id(&store, "msisdn-88100000001")
            .await
            .unwrap(),
        std::slice::from_ref(&band)
    );
    assert_eq!(
        resolve_service_id(&store, &band.ue_service_id)
            .await
            .unwrap(),
        band
    );
    assert_eq!(
        look_up_by_ue_id(&store, "imsi-001010000000002")
            .await
            .unwrap(),
        []
    );
    assert!(look_up_by_ue_id(&store, "001010000000001").await.is_err());
}

// TS 33.501 Y.2: a UE Service ID belongs to one subscription.
#[tokio::test]
async fn a_service_id_has_one_holder() {
    let store = store().await;
    open_association(&store, &association("asc-1", 1))
        .await
        .unwrap();
    let thief = Association {
        ue_service_id: association("asc-1", 1).ue_service_id,
        ..association("asc-2", 2)
    };
    assert!(matches!(
        open_association(&store, &thief).await,
        Err(OpenAssociationError::Claim(_))
    ));
    assert_eq!(
        look_up_by_ue_id(&store, "imsi-001010000000002")
            .await
            .unwrap(),
        []
    );
}

#[tokio::test]
async fn sixty_four_openings_at_once_leave_one_holder() {
    let store = store().await;
    let openings = (0..64).map(|n| {
        let store = store.clone();
        let contender = Association {
            ue_service_id: UeServiceId::parse("wanted@msgin5g.berth.test").unwrap(),
            ..association(&format!("asc-{n}"), n)
        };
        async move { open_association(&store, &contender).await.is_ok() }
    });
    let won = futures::future::join_all(openings)
        .await
        .into_iter()
        .filter(|won| *won)
        .count();
    assert_eq!(won, 1);
}

#[tokio::test]
async fn opening_again_changes_nothing_and_other_content_is_refused() {
    let store = store().await;
    let band = association("asc-1", 1);
    open_association(&store, &band).await.unwrap();
    open_association(&store, &band).await.unwrap();
    let other = Association {
        tenant_id: TenantId::parse("other").unwrap(),
        ..band
    };
    assert!(matches!(
        open_association(&store, &other).await,
        Err(OpenAssociationError::Differs)
    ));
}

#[tokio::test]
async fn a_closed_association_is_gone_and_its_service_id_free() {
    let store = store().await;
    let band = association("asc-1", 1);
    open_association(&store, &band).await.unwrap();
    close_association(&store, &band.subscription_id, "asc-1")
        .await
        .unwrap();
    close_association(&store, &band.subscription_id, "asc-1")
        .await
        .unwrap();

    assert_eq!(
        look_up_by_ue_id(&store, "imsi-001010000000001")
            .await
            .unwrap(),
        []
    );
    let resolved = resolve_service_id(&store, &band.ue_service_id).await;
    assert!(matches!(resolved, Err(ResolveServiceIdError::NotFound)));
    let next = Association {
        ue_service_id: band.ue_service_id,
        ..association("asc-2", 2)
    };
    open_association(&store, &next).await.unwrap();
    assert_eq!(
        look_up_by_ue_id(&store, "imsi-001010000000002")
            .await
            .unwrap(),
        [next]
    );
}

#[tokio::test]
async fn a_reservation_that_a_crash_left_is_freed_and_a_used_one_stays() {
    let clock = Arc::new(ManualClock::at(1_767_225_600_000));
    let database = Database::memory_with_clock(clock.clone()).await.unwrap();
    let store = database.for_function("configuration-management").unwrap();
    let used = association("asc-1", 1);
    open_association(&store, &used).await.unwrap();
    let left = store.tag("left@msgin5g.berth.test").unwrap();
    store
        .reserve(&left, "imsi-001010000000009 asc-9")
        .await
        .unwrap();

    assert_eq!(free_claims(&store).await.unwrap(), 0, "it may only be slow");
    clock.advance(Duration::from_secs(601));
    assert_eq!(free_claims(&store).await.unwrap(), 1);
    assert!(store.claim(&left).await.unwrap().is_none());
    assert_eq!(
        resolve_service_id(&store, &used.ue_service_id)
            .await
            .unwrap(),
        used
    );
}

#[tokio::test]
async fn closing_what_never_was_succeeds() {
    let store = store().await;
    let unknown = association("asc-9", 9);
    let closed: Result<(), CloseAssociationError> =
        close_association(&store, &unknown.subscription_id, "asc-9").await;
    closed.unwrap();
}

async fn store() -> Store {
    Database::memory()
        .await
        .unwrap()
        .for_function("configuration-management")
        .unwrap()
}

fn association(id: &str, n: u32) -> Association {
    Association {
        association_id: id.to_owned(),
        subscription_id: SubscriptionId::generate(1_767_225_600_000 + u64::from(n), [1; 10]),
        supi: Supi::parse(&format!("imsi-00101{n:010}")).unwrap(),
        gpsi: Some(Gpsi::parse(&format!("msisdn-881{n:08}")).unwrap()),
        ue_service_id: UeServiceId::parse(&format!("ue-{n}@msgin5g.berth.test")).unwrap(),
        tenant_id: TenantId::parse("lab").unwrap(),
        kind: Kind::Direct,
    }
}

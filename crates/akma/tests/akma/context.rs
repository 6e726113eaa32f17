use core::time::Duration;

use akma::{
    AfId, AkmaContext, AnchorKey, GetApplicationKeyError, RegisterError, Registration, k_af,
};
use cause::Cause;
use identifiers::{AKid, Fqdn, Gpsi, UaStarId};
use secret::KAkma;

const GRACE: Duration = Duration::from_secs(600);
const NOW: u64 = 1_800_000_000_000;
const DAY: Duration = Duration::from_secs(86_400);

pub(crate) fn a_kid(epoch: u64) -> AKid {
    AKid::parse(&format!("0.{epoch}@5gc.mnc001.mcc001.3gppnetwork.org")).unwrap()
}

pub(crate) fn anchor_key(epoch: u64) -> AnchorKey {
    AnchorKey {
        a_kid: a_kid(epoch),
        k_akma: KAkma::new([epoch as u8; 32]),
        gpsi: Some(Gpsi::parse("msisdn-491701234567").unwrap()),
        authentication_epoch: epoch,
    }
}

pub(crate) fn af_id() -> AfId {
    AfId {
        fqdn: Fqdn::parse("msgin5g.berth.test").unwrap(),
        ua_star_id: UaStarId::tls12([0xC0, 0xA8]),
    }
}

fn context(epochs: &[u64]) -> AkmaContext {
    let mut context = AkmaContext::default();
    for epoch in epochs {
        context.register(anchor_key(*epoch), GRACE, NOW).unwrap();
    }
    context
}

#[test]
fn first_registration_is_known_and_forgets_nothing() {
    let mut context = AkmaContext::default();
    assert!(context.lookup(&a_kid(1), NOW).is_none());
    let outcome = context.register(anchor_key(1), GRACE, NOW);
    assert_eq!(outcome, Ok(Registration::Stored { forgotten: vec![] }));
    let found = context.lookup(&a_kid(1), NOW).unwrap();
    assert!(found.anchor_key == anchor_key(1));
    assert_eq!(found.registered_at_ms, NOW);
}

#[test]
fn same_registration_again_changes_nothing_and_gives_no_longer_life() {
    let mut context = context(&[1]);
    let before = context.clone();
    let outcome = context.register(anchor_key(1), GRACE, NOW + 5_000);
    assert_eq!(outcome, Ok(Registration::Repeated));
    assert!(context == before);
}

#[test]
fn same_epoch_with_other_content_is_refused() {
    let mut context = context(&[3]);
    let before = context.clone();
    for other in [
        AnchorKey {
            k_akma: KAkma::new([9; 32]),
            ..anchor_key(3)
        },
        AnchorKey {
            a_kid: a_kid(9),
            ..anchor_key(3)
        },
        AnchorKey {
            gpsi: None,
            ..anchor_key(3)
        },
    ] {
        let refused = context.register(other, GRACE, NOW).unwrap_err();
        assert_eq!(refused, RegisterError::OtherContent);
        assert_eq!(refused.cause(), Cause::Conflict);
        assert!(context == before);
    }
}

#[test]
fn older_epoch_is_refused_even_if_it_was_once_registered() {
    let mut context = context(&[1, 4]);
    let before = context.clone();
    for late in [0, 1, 3] {
        let refused = context.register(anchor_key(late), GRACE, NOW).unwrap_err();
        assert_eq!(refused.cause(), Cause::StaleAuthenticationEpoch);
        assert!(context == before);
    }
}

#[test]
fn replaced_a_kid_is_known_until_its_grace_period_ends() {
    let context = context(&[1, 2]);
    let end = NOW + 600_000;
    assert!(context.lookup(&a_kid(2), end + 1).is_some());
    assert!(context.lookup(&a_kid(1), end - 1).is_some());
    assert!(context.lookup(&a_kid(1), end).is_none());
}

#[test]
fn third_registration_forgets_the_first_at_once() {
    let mut context = context(&[1, 2]);
    let outcome = context.register(anchor_key(3), GRACE, NOW + 1);
    let forgotten = vec![a_kid(1)];
    assert_eq!(outcome, Ok(Registration::Stored { forgotten }));
    assert!(context.lookup(&a_kid(1), NOW + 1).is_none());
    assert!(context.lookup(&a_kid(2), NOW + 1).is_some());
}

#[test]
fn registration_without_grace_forgets_all_before_it() {
    let mut context = context(&[1, 2]);
    let outcome = context.register(anchor_key(3), Duration::ZERO, NOW);
    let forgotten = vec![a_kid(2), a_kid(1)];
    assert_eq!(outcome, Ok(Registration::Stored { forgotten }));
    assert!(context.previous.is_none());
    assert!(context.lookup(&a_kid(2), NOW).is_none());
}

#[test]
fn superseded_key_is_erased_when_its_grace_period_is_over() {
    let mut context = context(&[1, 2]);
    assert_eq!(context.forget_superseded(NOW + 599_999), None);
    assert_eq!(context.forget_superseded(NOW + 600_000), Some(a_kid(1)));
    assert_eq!(context.forget_superseded(NOW + 600_000), None);
    assert!(context.previous.is_none());
}

// TS 33.535 7.1 Context_Remove
#[test]
fn removal_has_no_grace_and_a_late_registration_does_not_undo_it() {
    let mut context = context(&[1, 2]);
    assert_eq!(context.remove(), [a_kid(2), a_kid(1)]);
    for epoch in [1, 2] {
        assert!(context.lookup(&a_kid(epoch), NOW).is_none());
        let refused = context.register(anchor_key(epoch), GRACE, NOW);
        assert_eq!(refused, Err(RegisterError::StaleAuthenticationEpoch));
    }
    assert_eq!(context.remove(), []);
    context.register(anchor_key(3), GRACE, NOW).unwrap();
    assert!(context.lookup(&a_kid(3), NOW).is_some());
    assert!(context.previous.is_none());
}

// TS 33.535 6.2, A.4
#[test]
fn application_key_is_the_same_with_the_same_end_however_often_it_is_asked_for() {
    let context = context(&[1]);
    for ask_ms in [NOW, NOW + 1, NOW + 86_399_999] {
        let key = context
            .application_key(&a_kid(1), &af_id(), DAY, ask_ms)
            .ok()
            .unwrap();
        assert!(key.k_af == k_af(&KAkma::new([1; 32]), &af_id()));
        assert_eq!(key.expires_at_ms, NOW + 86_400_000);
        assert_eq!(key.anchor_key.authentication_epoch, 1);
    }
}

#[test]
fn application_key_is_refused_after_its_life_and_for_unknown_a_kids() {
    let context = context(&[1, 2]);
    let refused = |epoch, lifetime, at_ms| {
        let error = context
            .application_key(&a_kid(epoch), &af_id(), lifetime, at_ms)
            .err()
            .unwrap();
        assert_eq!(error.cause(), Cause::UnknownAKid);
        error
    };
    assert_eq!(
        refused(2, DAY, NOW + 86_400_000),
        GetApplicationKeyError::Expired
    );
    assert_eq!(
        refused(2, Duration::ZERO, NOW),
        GetApplicationKeyError::Expired
    );
    assert_eq!(
        refused(1, DAY, NOW + 600_000),
        GetApplicationKeyError::UnknownAKid
    );
    assert_eq!(refused(7, DAY, NOW), GetApplicationKeyError::UnknownAKid);
}

#[test]
fn times_at_the_end_of_time_do_not_overflow() {
    let mut context = AkmaContext::default();
    context
        .register(anchor_key(1), Duration::MAX, u64::MAX)
        .unwrap();
    context
        .register(anchor_key(2), Duration::MAX, u64::MAX)
        .unwrap();
    let key = context.application_key(&a_kid(2), &af_id(), Duration::MAX, u64::MAX - 1);
    assert_eq!(key.ok().unwrap().expires_at_ms, u64::MAX);
}

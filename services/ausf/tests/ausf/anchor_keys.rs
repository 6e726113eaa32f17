//! What the AAnF hears of an authentication.

use std::time::{Duration, Instant};

use aka::UeResult;
use akma::{AKidFormat, a_tid, k_akma};
use cause::Cause;
use identifiers::{Plmn, RoutingIndicator, Supi};

use crate::aka::{answer, confirm, is_success, start, usim};
use crate::peers::{SUPI, eventually};
use crate::world::{ANCHOR_KEY_WAIT, World};

/// One authentication that must succeed.
async fn authenticate(world: &World) -> UeResult {
    let challenge = start(world).await;
    let answered = answer(&mut usim(), &challenge);
    let confirmed = confirm(world, &challenge.auth_ctx_id, Some(&answered.res_star)).await;
    assert!(is_success(&confirmed.unwrap(), &answered));
    answered
}

/// The AAnF has what the UE derives, once, with the epoch of that vector.
fn assert_registered(world: &World, answered: &UeResult, epoch: u64) {
    let registrations = world.anchor_keys.registrations.lock().unwrap();
    let [registration] = registrations.as_slice() else {
        panic!("{} registrations", registrations.len());
    };
    let supi = Supi::parse(SUPI).unwrap();
    let expected = AKidFormat::default().a_kid(
        &RoutingIndicator::parse("0").unwrap(),
        &a_tid(&answered.k_ausf, &supi.kdf_form()),
        &Plmn::new("001", "01").unwrap(),
    );
    assert!(registration.a_kid == expected.unwrap());
    assert!(registration.k_akma == k_akma(&answered.k_ausf, &supi.kdf_form()));
    assert!(registration.supi == supi);
    assert_eq!(registration.authentication_epoch, epoch);
}

#[tokio::test]
async fn the_anchor_key_is_registered_before_success_is_told() {
    let world = World::new().await;
    let answered = authenticate(&world).await;
    assert_registered(&world, &answered, 1);
}

#[tokio::test]
async fn an_aanf_that_does_not_answer_delays_success_a_little_and_gets_the_key_later() {
    let world = World::new().await;
    let places = world.anchor_keys.places.forget_permits(usize::MAX);
    let begin = Instant::now();
    let answered = authenticate(&world).await;
    let took = begin.elapsed();
    assert!(took >= ANCHOR_KEY_WAIT, "{took:?}");
    assert!(took < 2 * ANCHOR_KEY_WAIT, "{took:?}");
    let usually = ausf::AusfConfig::default().anchor_key_wait;
    assert_eq!(usually, Duration::from_millis(300));
    assert_eq!(world.anchor_keys.count(), 0);
    world.anchor_keys.places.add_permits(places);
    eventually(|| world.anchor_keys.count() == 1).await;
    assert_registered(&world, &answered, 1);
}

#[tokio::test]
async fn an_aanf_that_is_down_gets_the_key_later() {
    let world = World::new().await;
    *world.anchor_keys.refuses.lock().unwrap() = Some(Cause::UpstreamFailure);
    let answered = authenticate(&world).await;
    *world.anchor_keys.refuses.lock().unwrap() = None;
    eventually(|| world.anchor_keys.count() == 1).await;
    assert_registered(&world, &answered, 1);
}

#[tokio::test]
async fn a_key_that_a_newer_one_has_overtaken_is_settled() {
    let mut world = World::new().await;
    *world.anchor_keys.refuses.lock().unwrap() = Some(Cause::StaleAuthenticationEpoch);
    authenticate(&world).await;
    *world.anchor_keys.refuses.lock().unwrap() = None;
    world.restart().await;
    let answered = authenticate(&world).await;
    assert_registered(&world, &answered, 2);
}

#[tokio::test]
async fn a_crash_between_result_and_registration_loses_no_key() {
    let mut world = World::new().await;
    world.stop_outbox().await;
    let answered = authenticate(&world).await;
    assert_eq!(world.anchor_keys.count(), 0);
    world.restart().await;
    eventually(|| world.anchor_keys.count() == 1).await;
    assert_registered(&world, &answered, 1);
}

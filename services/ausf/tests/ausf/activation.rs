//! What becomes of a credential set that is proven for the first time.

use std::sync::atomic::Ordering;

use cause::Cause;

use crate::aka::{answer, confirm, is_success, start, usim};
use crate::peers::eventually;
use crate::world::World;

async fn with_candidate() -> World {
    let world = World::new().await;
    world.vault.candidate.store(true, Ordering::SeqCst);
    world
}

fn is_activated(world: &World) -> bool {
    let activations = world.manager.activations.lock().unwrap();
    let expected = ("sub_1", "dev_1", "crd_1");
    activations.iter().any(|(subscription, device, set)| {
        (subscription.as_str(), device.as_str(), set.as_str()) == expected
    })
}

#[tokio::test]
async fn a_proven_candidate_is_promoted_before_success_and_told_to_the_subscription_manager() {
    let world = with_candidate().await;
    let challenge = start(&world).await;
    assert_eq!(world.vault.promoted.load(Ordering::SeqCst), 0);
    let answered = answer(&mut usim(), &challenge);
    let confirmed = confirm(&world, &challenge.auth_ctx_id, Some(&answered.res_star)).await;
    // The commit is the one of the promotion.
    assert!(is_success(&confirmed.unwrap(), &answered));
    assert!(world.vault.promoted.load(Ordering::SeqCst) >= 1);
    assert!(is_activated(&world));
    assert_eq!(world.anchor_keys.count(), 1);
}

#[tokio::test]
async fn an_active_set_is_neither_promoted_nor_told() {
    let world = World::new().await;
    let challenge = start(&world).await;
    let answered = answer(&mut usim(), &challenge);
    let confirmed = confirm(&world, &challenge.auth_ctx_id, Some(&answered.res_star)).await;
    assert!(is_success(&confirmed.unwrap(), &answered));
    assert_eq!(world.vault.promoted.load(Ordering::SeqCst), 0);
    assert!(!is_activated(&world));
}

#[tokio::test]
async fn a_wrong_res_star_promotes_nothing() {
    let world = with_candidate().await;
    let challenge = start(&world).await;
    confirm(&world, &challenge.auth_ctx_id, None).await.unwrap();
    assert_eq!(world.vault.promoted.load(Ordering::SeqCst), 0);
    assert!(!is_activated(&world));
}

#[tokio::test]
async fn without_promotion_there_is_no_success_and_the_same_answer_works_later() {
    let world = with_candidate().await;
    *world.vault.promote_refused.lock().unwrap() = Some(Cause::UpstreamFailure);
    let challenge = start(&world).await;
    let answered = answer(&mut usim(), &challenge);
    let given = Some(&answered.res_star);
    let refused = confirm(&world, &challenge.auth_ctx_id, given).await;
    assert_eq!(
        refused.err().map(|error| error.cause()),
        Some(Cause::UpstreamFailure)
    );
    assert_eq!(world.anchor_keys.count(), 0);
    *world.vault.promote_refused.lock().unwrap() = None;
    let confirmed = confirm(&world, &challenge.auth_ctx_id, given).await;
    assert!(is_success(&confirmed.unwrap(), &answered));
    eventually(|| is_activated(&world) && world.anchor_keys.count() == 1).await;
}

#[tokio::test]
async fn a_proven_set_becomes_active_even_if_nobody_asks_again() {
    let mut world = with_candidate().await;
    *world.vault.promote_refused.lock().unwrap() = Some(Cause::UpstreamFailure);
    let challenge = start(&world).await;
    let answered = answer(&mut usim(), &challenge);
    let refused = confirm(&world, &challenge.auth_ctx_id, Some(&answered.res_star)).await;
    assert!(refused.is_err());
    world.stop_outbox().await;
    *world.vault.promote_refused.lock().unwrap() = None;
    world.restart().await;
    eventually(|| is_activated(&world)).await;
    assert!(!world.vault.candidate.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_crash_after_the_result_loses_neither_activation_nor_key() {
    let mut world = with_candidate().await;
    world.stop_outbox().await;
    let challenge = start(&world).await;
    let answered = answer(&mut usim(), &challenge);
    let confirmed = confirm(&world, &challenge.auth_ctx_id, Some(&answered.res_star)).await;
    assert!(is_success(&confirmed.unwrap(), &answered));
    assert!(!is_activated(&world) && world.anchor_keys.count() == 0);
    world.restart().await;
    eventually(|| is_activated(&world) && world.anchor_keys.count() == 1).await;
}

#[tokio::test]
async fn neither_the_aanf_nor_the_subscription_manager_holds_up_the_other() {
    for aanf_is_down in [true, false] {
        let world = with_candidate().await;
        let down = Some(Cause::UpstreamFailure);
        if aanf_is_down {
            *world.anchor_keys.refuses.lock().unwrap() = down;
        } else {
            *world.manager.activations_refused.lock().unwrap() = down;
        }
        let challenge = start(&world).await;
        let answered = answer(&mut usim(), &challenge);
        let confirmed = confirm(&world, &challenge.auth_ctx_id, Some(&answered.res_star)).await;
        assert!(is_success(&confirmed.unwrap(), &answered));
        assert_eq!(is_activated(&world), aanf_is_down);
        assert_eq!(world.anchor_keys.count(), usize::from(!aanf_is_down));
        *world.anchor_keys.refuses.lock().unwrap() = None;
        *world.manager.activations_refused.lock().unwrap() = None;
        eventually(|| is_activated(&world) && world.anchor_keys.count() == 1).await;
    }
}

#[tokio::test]
async fn a_context_that_is_consumed_during_promotion_gives_no_key_but_the_set_is_active() {
    let world = with_candidate().await;
    let challenge = start(&world).await;
    let answered = answer(&mut usim(), &challenge);
    let places = world.vault.places.forget_permits(usize::MAX);
    let id = &challenge.auth_ctx_id;
    let wrong_overtakes = async {
        eventually(|| world.vault.promotions_asked.load(Ordering::SeqCst) >= 1).await;
        let consumed = confirm(&world, id, None).await.unwrap();
        world.vault.places.add_permits(places);
        consumed
    };
    let (right, wrong) = tokio::join!(
        confirm(&world, id, Some(&answered.res_star)),
        wrong_overtakes
    );
    assert!(!is_success(&wrong, &answered));
    assert!(!is_success(&right.unwrap(), &answered));
    assert_eq!(world.anchor_keys.count(), 0);
    eventually(|| is_activated(&world)).await;
}

//! Proofs that come more than once.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ausf::Origin;
use cause::Cause;
use onboarding::{Frame, Reject};
use tokio::sync::Barrier;

use crate::device::{Device, opened, send_proof, trusting};
use crate::world::{OTHER_NETWORK, World, gateway, origin, snn};

async fn cause(world: &World, frame: &[u8], origin: &Origin) -> Option<Cause> {
    let outcome = send_proof(world, frame, origin).await;
    outcome.err().map(|error| error.cause())
}

#[tokio::test]
async fn the_same_proof_gets_the_same_octets_for_a_minute_whatever_the_manager_would_answer_now() {
    let world = trusting().await;
    let (waiting, frame) = Device::inline().proof(&world).await;
    world.advance(Duration::from_secs(50));
    let first = send_proof(&world, &frame, &origin()).await.unwrap();
    for _ in 0..3 {
        world.advance(Duration::from_secs(19));
        let again = send_proof(&world, &frame, &origin()).await.unwrap();
        assert_eq!(again.frame, first.frame);
        assert_eq!(again.limited_session, first.limited_session);
    }
    opened(&waiting, &first.frame);
    assert_eq!(world.manager.calls.load(Ordering::SeqCst), 1);
    *world.manager.refuses.lock().unwrap() = Some(Cause::UpstreamFailure);
    let again = send_proof(&world, &frame, &origin()).await.unwrap();
    assert_eq!(again.frame, first.frame);
    world.advance(Duration::from_secs(3));
    assert_eq!(
        cause(&world, &frame, &origin()).await,
        Some(Cause::ChallengeStale)
    );
}

#[tokio::test]
async fn the_answer_survives_a_restart() {
    let mut world = trusting().await;
    let (_, frame) = Device::inline().proof(&world).await;
    let first = send_proof(&world, &frame, &origin()).await.unwrap();
    world.restart().await;
    let again = send_proof(&world, &frame, &origin()).await.unwrap();
    assert_eq!(again.frame, first.frame);
}

#[tokio::test]
async fn two_identical_proofs_at_once_have_one_effect_and_one_answer() {
    let world = trusting().await;
    let (waiting, frame) = Device::inline().proof(&world).await;
    // Both are past everything but the answer, and each would be answered with other parameters.
    *world.manager.meeting.lock().unwrap() = Some(Arc::new(Barrier::new(2)));
    let from = origin();
    let (one, other) = tokio::join!(
        send_proof(&world, &frame, &from),
        send_proof(&world, &frame, &from)
    );
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(world.manager.calls.load(Ordering::SeqCst), 2);
    assert_eq!(world.manager.devices.lock().unwrap().len(), 1);
    assert_eq!(one.frame, other.frame);
    assert_eq!(one.limited_session, other.limited_session);
    let read = opened(&waiting, &one.frame);
    assert_eq!(
        read.parameters.expires,
        one.limited_session.expires_at_ms / 1_000
    );
}

#[tokio::test]
async fn another_proof_is_refused_once_one_was_taken() {
    let world = trusting().await;
    let device = Device::inline();
    let challenged = device.challenge(&world).await.unwrap();
    let (_, first) = device.prove(challenged.clone(), Some(1));
    let (_, second) = device.prove(challenged, Some(2));
    let accepted = send_proof(&world, &first, &origin()).await.unwrap();
    assert_eq!(
        cause(&world, &second, &origin()).await,
        Some(Cause::ProofInvalid)
    );
    let again = send_proof(&world, &first, &origin()).await.unwrap();
    assert_eq!(again.frame, accepted.frame);
    assert_eq!(world.manager.devices.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn of_two_different_proofs_at_once_one_is_taken() {
    let world = trusting().await;
    let device = Device::inline();
    let challenged = device.challenge(&world).await.unwrap();
    let (_, first) = device.prove(challenged.clone(), Some(1));
    let (_, second) = device.prove(challenged, Some(2));
    let from = origin();
    let (one, other) = tokio::join!(cause(&world, &first, &from), cause(&world, &second, &from));
    let mut outcomes = [one, other];
    outcomes.sort();
    assert_eq!(outcomes, [None, Some(Cause::ProofInvalid)]);
}

#[tokio::test]
async fn bad_proofs_consume_nothing_and_eight_of_them_close_the_session() {
    let world = trusting().await;
    let device = Device::inline();
    for (bad, accepted) in [(7, true), (8, false)] {
        let (_, good) = device.proof(&world).await;
        let Ok(Frame::Proof(body, session)) = Frame::decode(&good) else {
            panic!("no Proof");
        };
        for n in 0..bad {
            let mut broken = body.to_vec();
            let last = broken.len() - 1 - n;
            broken[last] ^= 1;
            let broken = Frame::Proof(&broken, session).encode();
            assert_eq!(
                cause(&world, &broken, &origin()).await,
                Some(Cause::ProofInvalid)
            );
        }
        let outcome = cause(&world, &good, &origin()).await;
        assert_eq!(
            outcome,
            (!accepted).then_some(Cause::ChallengeStale),
            "{bad}"
        );
    }
    assert_eq!(world.manager.devices.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_proof_belongs_to_the_gateway_the_device_and_the_network_of_its_start() {
    let world = trusting().await;
    let (_, frame) = Device::inline().proof(&world).await;
    for elsewhere in [
        Origin {
            gateway: gateway("two").to_string(),
            ..origin()
        },
        Origin {
            ue_reference: "8".to_owned(),
            ..origin()
        },
        Origin {
            serving_network_name: snn(OTHER_NETWORK),
            ..origin()
        },
    ] {
        // Others cannot close the session either.
        for _ in 0..9 {
            assert_eq!(
                cause(&world, &frame, &elsewhere).await,
                Some(Cause::ChallengeStale)
            );
        }
    }
    let accepted = send_proof(&world, &frame, &origin()).await.unwrap();
    let elsewhere = Origin {
        ue_reference: "8".to_owned(),
        ..origin()
    };
    assert_eq!(
        cause(&world, &frame, &elsewhere).await,
        Some(Cause::ChallengeStale)
    );
    let again = send_proof(&world, &frame, &origin()).await.unwrap();
    assert_eq!(again.frame, accepted.frame);
}

#[tokio::test]
async fn a_challenge_expires_after_a_minute() {
    let world = trusting().await;
    let (_, frame) = Device::inline().proof(&world).await;
    world.advance(Duration::from_secs(60));
    assert_eq!(
        cause(&world, &frame, &origin()).await,
        Some(Cause::ChallengeStale)
    );
    assert_eq!(world.manager.calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn while_the_manager_is_down_the_device_is_told_to_wait_and_its_proof_works_later() {
    let world = trusting().await;
    let (waiting, frame) = Device::inline().proof(&world).await;
    *world.manager.refuses.lock().unwrap() = Some(Cause::UpstreamFailure);
    let error = send_proof(&world, &frame, &origin()).await.unwrap_err();
    assert_eq!(error.cause(), Cause::TemporarilyUnavailable);
    let reject = error.reject();
    let Ok(Frame::Reject(body)) = Frame::decode(&reject) else {
        panic!("no Reject");
    };
    let reject = Reject::decode(body).unwrap();
    assert_eq!((reject.cause, reject.retry_after), (15, Some(5)));
    *world.manager.refuses.lock().unwrap() = None;
    world.advance(Duration::from_secs(30));
    let accepted = send_proof(&world, &frame, &origin()).await.unwrap();
    opened(&waiting, &accepted.frame);
}

#[tokio::test]
async fn what_the_manager_says_of_the_device_reaches_it() {
    let world = trusting().await;
    for cause in [
        Cause::DeviceBlocked,
        Cause::CloneSuspected,
        Cause::RateLimited,
    ] {
        *world.manager.refuses.lock().unwrap() = Some(cause);
        let error = Device::inline().onboard(&world).await.unwrap_err();
        assert_eq!(error.cause(), cause);
    }
}

//! OWA as it should go.

use std::time::Duration;

use ausf::{Origin, start_owa};
use cause::Cause;
use onboarding::{Frame, NetworkProofLevel, OperatorRoots};

use crate::device::{Device, opened, send_proof, trusting};
use crate::world::{origin, ue_address};

#[tokio::test]
async fn a_device_with_an_inline_chain_is_handed_to_the_subscription_manager() {
    let world = trusting().await;
    let device = Device::inline();
    let (waiting, frame) = device.proof(&world).await;
    let accepted = send_proof(&world, &frame, &origin()).await.unwrap();
    let onboarded = opened(&waiting, &accepted.frame);
    assert_eq!(onboarded.parameters.session, accepted.session);
    assert_eq!(
        onboarded.parameters.expires,
        accepted.limited_session.expires_at_ms / 1_000
    );
    assert!(world.fetcher.asked.lock().unwrap().is_empty());

    let devices = world.manager.devices.lock().unwrap();
    let taken = &devices[accepted.session.as_bytes()];
    assert_eq!(
        (taken.manufacturer.as_str(), taken.serial.as_str()),
        ("maker", "BAND-4711")
    );
    assert_eq!(taken.certificate_chain, [device.certificate]);
    assert!(taken.pdp_dtls_key == onboarded.keys.pdp_dtls);
    assert!(taken.package_key == onboarded.keys.package);
    assert_eq!(taken.ue_address, ue_address());
    assert_eq!(taken.gateway, origin().gateway);
    assert!(!taken.network_proven && !taken.headless);
}

#[tokio::test]
async fn a_certificate_is_fetched_by_its_url_with_the_bounds_of_its_manufacturer_and_then_cached() {
    let world = trusting().await;
    let device = Device::by_url();
    let answers = [(device.url.clone(), vec![device.certificate.clone()])];
    world.fetcher.answers.lock().unwrap().extend(answers);
    device.onboard(&world).await.unwrap();
    {
        let asked = world.fetcher.asked.lock().unwrap();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].url, device.url);
        assert_eq!(asked[0].allowed_networks, ["127.0.0.1/32"]);
        assert_eq!(asked[0].allowed_ports, [8443]);
        assert_eq!(asked[0].server_anchors, [vec![1]]);
        assert_eq!(
            asked[0].host_overrides,
            ["certificates.maker.test=127.0.0.1"]
        );
    }
    // The certificate server is gone, the device comes again.
    world.fetcher.answers.lock().unwrap().clear();
    device.onboard(&world).await.unwrap();
    assert_eq!(world.fetcher.asked.lock().unwrap().len(), 1);
    world.advance(Duration::from_secs(24 * 3_600 + 1));
    let error = device.onboard(&world).await.unwrap_err();
    assert_eq!(error.cause(), Cause::CertificateNotReachable);
}

#[tokio::test]
async fn a_cookie_binds_start_source_and_time() {
    let world = trusting().await;
    let owa = &world.ausf.one_way;
    let roots = OperatorRoots::default();
    let start =
        |from: Origin, frame: Vec<u8>| async move { start_owa(owa, &frame, &from).await.unwrap() };
    let is_retry = |frame: &[u8]| matches!(Frame::decode(frame), Ok(Frame::Retry(_)));

    let (mut waiting, first) = Device::inline().offer().start().unwrap();
    let retry = start(origin(), first).await;
    assert!(is_retry(&retry));
    let onboarding::device::ChallengeAnswer::Retry(second) =
        waiting.receive(&retry, &roots, None).unwrap()
    else {
        panic!("no Retry");
    };
    for elsewhere in [
        Origin {
            ue_reference: "8".to_owned(),
            ..origin()
        },
        Origin {
            gateway: "nf/access-gateway/two".to_owned(),
            ..origin()
        },
    ] {
        assert!(is_retry(&start(elsewhere, second.clone()).await));
    }
    // Another Start with this cookie.
    let mut offer = Device::inline().offer();
    offer.nonce = [1; 32];
    let (mut other, _) = offer.start().unwrap();
    let onboarding::device::ChallengeAnswer::Retry(other) =
        other.receive(&retry, &roots, None).unwrap()
    else {
        panic!("no Retry");
    };
    assert!(is_retry(&start(origin(), other).await));

    assert!(!is_retry(&start(origin(), second.clone()).await));
    world.advance(Duration::from_secs(29));
    assert!(!is_retry(&start(origin(), second.clone()).await));
    world.advance(Duration::from_secs(60));
    assert!(is_retry(&start(origin(), second).await));
}

#[tokio::test]
async fn a_cookie_is_good_over_midnight() {
    let world = trusting().await;
    world.advance(Duration::from_secs(86_400 - 5));
    let owa = &world.ausf.one_way;
    let (mut waiting, first) = Device::inline().offer().start().unwrap();
    let retry = start_owa(owa, &first, &origin()).await.unwrap();
    let roots = OperatorRoots::default();
    let Ok(onboarding::device::ChallengeAnswer::Retry(again)) =
        waiting.receive(&retry, &roots, None)
    else {
        panic!("no Retry");
    };
    world.advance(Duration::from_secs(10));
    let answer = start_owa(owa, &again, &origin()).await.unwrap();
    assert!(matches!(Frame::decode(&answer), Ok(Frame::Challenge(_))));
}

#[tokio::test]
async fn a_device_that_demands_it_gets_a_challenge_signed_under_its_operator_root() {
    let world = trusting().await;
    let device = Device {
        demanded: NetworkProofLevel::OperatorChain,
        ..Device::inline()
    };
    let challenged = device.challenge(&world).await.unwrap();
    assert!(challenged.network_proof().is_some());
    let (_, frame) = device.prove(challenged, None);
    let accepted = send_proof(&world, &frame, &origin()).await.unwrap();
    assert!(world.manager.devices.lock().unwrap()[accepted.session.as_bytes()].network_proven);

    world
        .vault
        .signs
        .store(false, std::sync::atomic::Ordering::SeqCst);
    // The vault does not answer for the moment: the device is told to come again.
    let error = device.challenge(&world).await.err().unwrap();
    assert_eq!(error.cause(), Cause::TemporarilyUnavailable);
}

#[tokio::test]
async fn challenges_and_fetches_have_budgets_of_their_own() {
    let world = trusting().await;
    // Fetches of certificates that are not there.
    let device = Device::by_url();
    let mut causes = Vec::new();
    for _ in 0..51 {
        let outcome = device.onboard(&world).await;
        causes.push(outcome.unwrap_err().cause());
    }
    assert!(
        causes[..50]
            .iter()
            .all(|cause| *cause == Cause::CertificateNotReachable)
    );
    assert_eq!(causes[50], Cause::RateLimited);
    // A device that needs no fetch is not held up.
    Device::inline().onboard(&world).await.unwrap();
}

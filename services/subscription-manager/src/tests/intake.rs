//! Devices come in, sessions open and end.

use std::time::Duration;

use cause::Cause;
use onboarding::NetworkProofLevel;

use super::device::Device;
use super::world::{START_MS, World, outbox};
use crate::procedures::end_session::{end_overdue_sessions, end_session};
use crate::procedures::find_session::{FindSessionError, find_live_session, find_session_at};
use crate::procedures::open_session::{AuthenticatedDevice, open_session};
use crate::records::SessionState;

async fn refusal(world: &World, device: &AuthenticatedDevice) -> Cause {
    let context = world.context();
    open_session(&context, &outbox(&context), device)
        .await
        .unwrap_err()
        .cause()
}

#[tokio::test]
async fn the_same_authentication_is_answered_the_same() {
    let world = World::new().await;
    let device = Device::new("4711").authenticate(1).handed_over();
    let context = world.context();
    let first = open_session(&context, &outbox(&context), &device)
        .await
        .unwrap();
    assert_eq!(first, START_MS + 15 * 60 * 1000);
    world.clock.advance(Duration::from_secs(30));
    let again = world.context();
    assert_eq!(
        open_session(&again, &outbox(&again), &device)
            .await
            .unwrap(),
        first
    );
}

#[tokio::test]
async fn a_repeated_authentication_opens_no_ended_session_again() {
    let world = World::new().await;
    let device = Device::new("4711").authenticate(1).handed_over();
    let context = world.context();
    open_session(&context, &outbox(&context), &device)
        .await
        .unwrap();
    end_session(&context, &device.session).await.unwrap();
    assert_eq!(refusal(&world, &device).await, Cause::ChallengeStale);
    assert_eq!(
        world.session_state(&device.session).await,
        SessionState::Expired
    );
}

#[tokio::test]
async fn a_session_is_of_one_authentication() {
    let world = World::new().await;
    let device = Device::new("4711");
    world.open(&device.authenticate(1)).await;
    let mut other = device.authenticate(1).handed_over();
    other.proof.push(0);
    assert_eq!(refusal(&world, &other).await, Cause::Conflict);
    let mut stranger = Device::new("4712").authenticate(1).handed_over();
    stranger.session = other.session;
    assert_eq!(
        refusal(&world, &stranger).await,
        Cause::MandatoryElementIncorrect
    );
}

#[tokio::test]
async fn what_contradicts_the_certificate_is_refused() {
    let world = World::new().await;
    let device = Device::new("4711").authenticate(1).handed_over();
    let other = Device::new("4712").authenticate(1).handed_over();
    let cases = [
        (
            AuthenticatedDevice {
                serial: "4712".to_owned(),
                ..device.clone()
            },
            Cause::DeviceIdentityMismatch,
        ),
        (
            AuthenticatedDevice {
                device_id: other.device_id.clone(),
                ..device.clone()
            },
            Cause::DeviceIdentityMismatch,
        ),
        (
            AuthenticatedDevice {
                certificate: other.certificate.clone(),
                ..device.clone()
            },
            Cause::DeviceIdentityMismatch,
        ),
        (
            AuthenticatedDevice {
                certificate: vec![1, 2, 3],
                ..device.clone()
            },
            Cause::CertificateChainInvalid,
        ),
        (
            AuthenticatedDevice {
                challenge: vec![0xff],
                ..device.clone()
            },
            Cause::MalformedMessage,
        ),
        (
            AuthenticatedDevice {
                challenge: other.challenge,
                ..device.clone()
            },
            Cause::MandatoryElementIncorrect,
        ),
        (
            AuthenticatedDevice {
                demanded: NetworkProofLevel::Voucher,
                ..device
            },
            Cause::NetworkProofUnavailable,
        ),
    ];
    for (n, (device, cause)) in cases.into_iter().enumerate() {
        assert_eq!(refusal(&world, &device).await, cause, "case {n}");
    }
}

#[tokio::test]
async fn a_newer_session_of_a_device_ends_the_older() {
    let world = World::new().await;
    let device = Device::new("4711");
    let (first, second) = (device.authenticate(1), device.authenticate(2));
    world.open(&first).await;
    world.open(&second).await;
    let ended = world.session(&first.session).await;
    assert_eq!(ended.record().state(), SessionState::Expired);
    assert!(ended.record().pdp_dtls_key.is_empty() && ended.record().package_key.is_empty());
    assert_eq!(
        world.session_state(&second.session).await,
        SessionState::Limited
    );
}

#[tokio::test]
async fn sessions_end_by_time_and_on_demand() {
    let world = World::new().await;
    let (early, late) = (
        Device::new("4711").authenticate(1),
        Device::new("4712").authenticate(2),
    );
    let context = world.context();
    world.open(&early).await;
    world.clock.advance(Duration::from_secs(10 * 60));
    world.open(&late).await;
    assert_eq!(end_overdue_sessions(&context).await.unwrap(), 0);

    world.clock.advance(Duration::from_secs(5 * 60));
    // The clock alone is enough; the sweep makes it known.
    assert!(matches!(
        find_live_session(&context, &early.session).await,
        Err(FindSessionError::Ended)
    ));
    assert_eq!(
        world.session_state(&early.session).await,
        SessionState::Limited
    );
    assert_eq!(end_overdue_sessions(&context).await.unwrap(), 1);
    assert_eq!(end_overdue_sessions(&context).await.unwrap(), 0);
    assert_eq!(
        world.session_state(&early.session).await,
        SessionState::Expired
    );

    end_session(&context, &late.session).await.unwrap();
    end_session(&context, &late.session).await.unwrap();
    assert!(matches!(
        find_live_session(&context, &late.session).await,
        Err(FindSessionError::Ended)
    ));
}

#[tokio::test]
async fn a_device_is_known_by_its_own_ports_alone() {
    let world = World::new().await;
    let (first, second) = (
        Device::new("4711").authenticate(1),
        Device::new("4712").authenticate(3),
    );
    world.open(&first).await;
    world.open(&second).await;
    let context = world.context();
    let ip = first.ue_address.ip;
    for (authentication, port) in [
        (&first, 20_016),
        (&first, 20_031),
        (&second, 20_048),
        (&second, 20_063),
    ] {
        assert_eq!(
            find_session_at(&context, ip, port).await.unwrap().id,
            authentication.session,
            "{port}"
        );
    }
    for port in [0, 20_015, 20_032, 20_047, 20_064, u16::MAX] {
        assert!(
            matches!(
                find_session_at(&context, ip, port).await,
                Err(FindSessionError::Unknown)
            ),
            "{port}"
        );
    }
    assert!(
        find_session_at(&context, [127, 0, 0, 2].into(), 20_016)
            .await
            .is_err()
    );
    assert_eq!(
        find_session_at(&context, "::ffff:127.0.0.1".parse().unwrap(), 20_016)
            .await
            .unwrap()
            .id,
        first.session
    );
    end_session(&context, &first.session).await.unwrap();
    assert!(find_session_at(&context, ip, 20_016).await.is_err());
}

#[tokio::test]
async fn keys_at_rest_are_sealed() {
    let world = World::new().await;
    let authentication = Device::new("4711").authenticate(1);
    let session = world.open(&authentication).await;
    let record = format!("{:?}", session.record());
    for key in [&authentication.pdp_dtls_key, &authentication.package_key] {
        assert!(!record.contains(&format!("{:?}", key.expose())[1..90]));
    }
}

//! Clients that get no session.

use std::sync::atomic::Ordering;
use std::time::Duration;

use coap_tokio::ConnectError;
use dtls::{AlertDescription, CloseReason, FailureReason};
use secret::SecretBytes;

use crate::harness::{Bench, Keys, client_config, config, key, until};

fn failure(error: Result<coap_tokio::Client, ConnectError>) -> FailureReason {
    match error.err() {
        Some(ConnectError::Handshake(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

// RFC 4279 2: an unknown identity and a wrong key are not to be told apart
#[tokio::test]
async fn a_wrong_key_and_an_unknown_identity_look_the_same() {
    let bench = Bench::start().await;
    let mut wrong_key = client_config(bench.address(), "alice");
    for (_, key) in &mut wrong_key.keys {
        *key = SecretBytes::new(b"another key".to_vec());
    }
    let wrong_key = failure(bench.connect(wrong_key).await);
    let unknown = client_config(bench.address(), "nobody");
    let unknown = failure(bench.connect(unknown).await);
    assert_eq!(wrong_key, unknown);
    assert_eq!(
        unknown,
        FailureReason::PeerAlert(AlertDescription::DECRYPT_ERROR)
    );
    let stats = bench.server.stats();
    assert_eq!(
        (stats.handshakes_failed, stats.handshakes_completed),
        (2, 0)
    );
    assert_eq!(stats.sessions, 0);
    bench.stop().await;
}

#[tokio::test]
async fn a_lookup_that_is_not_available_is_told_apart_from_a_wrong_key() {
    let keys = Keys {
        unavailable: true,
        ..Keys::new()
    };
    let bench = Bench::with(config(), keys).await;
    let refused = failure(bench.connect(client_config(bench.address(), "alice")).await);
    assert_eq!(
        refused,
        FailureReason::PeerAlert(AlertDescription::INTERNAL_ERROR)
    );
    assert_eq!(bench.keys.lookups.load(Ordering::Relaxed), 1);
    bench.stop().await;
}

#[tokio::test]
async fn a_server_with_another_hint_is_refused() {
    let bench = Bench::start().await;
    let mut right = client_config(bench.address(), "alice");
    right.expected_hint = Some(b"3GPP-AKMA".to_vec());
    assert!(bench.connect(right.clone()).await.is_ok());
    let mut wrong = right;
    wrong.expected_hint = Some(b"3GPP-BOOTSTRAPPING".to_vec());
    let refused = bench.connect(wrong).await;
    assert!(matches!(refused.err(), Some(ConnectError::Hint)));
    bench.stop().await;
}

#[tokio::test]
async fn nobody_at_the_address_is_a_time_out() {
    let bench = Bench::start().await;
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut config = client_config(silent.local_addr().unwrap(), "alice");
    config.handshake_timeout = Duration::from_millis(100);
    assert_eq!(
        failure(bench.connect(config).await),
        FailureReason::TimedOut
    );
    bench.stop().await;
}

#[tokio::test]
async fn keys_that_dtls_cannot_use_are_refused_before_anything_is_sent() {
    let bench = Bench::start().await;
    let mut config = client_config(bench.address(), "alice");
    for (_, key) in &mut config.keys {
        *key = SecretBytes::new(vec![1; 65]);
    }
    let refused = bench.connect(config).await;
    assert!(matches!(refused.err(), Some(ConnectError::Key(_))));
    assert_eq!(bench.server.stats().datagrams_received, 0);
    bench.stop().await;
}

#[tokio::test]
async fn a_session_ends_when_its_key_does() {
    let keys = Keys {
        expires_at_unix_ms: Some(1_000_400),
        ..Keys::new()
    };
    let mut server = config();
    server.wall_clock = coap_tokio::WallClock::new(|| 1_000_000);
    let bench = Bench::with(server, keys).await;
    let client = bench.client("alice").await;
    assert_eq!(client.closed().await, CloseReason::PeerClosed);
    until(|| bench.server.stats().sessions == 0).await;
    let closed = bench.resources.closed.lock().unwrap().clone();
    assert_eq!(closed, ["alice Expired"]);
    bench.stop().await;
}

#[tokio::test]
async fn datagrams_that_are_nothing_are_counted_and_ignored() {
    let bench = Bench::start().await;
    let stranger = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    for datagram in [&b""[..], b"garbage", &[22; 600], &key("alice")] {
        stranger.send_to(datagram, bench.address()).unwrap();
    }
    until(|| bench.server.stats().datagrams_ignored == 4).await;
    assert!(bench.client("alice").await.session().epoch() > 0);
    bench.stop().await;
}

//! Beginnings and ends: closing, revoking, draining, restarting.

use coap::{Code, Request};
use coap_tokio::{ExchangeError, ServerConfig};
use dtls::{AlertDescription, CloseReason};

use crate::harness::{Bench, Keys, client_config, config, until};

#[tokio::test]
async fn closing_ends_both_sides() {
    let bench = Bench::start().await;
    let client = bench.client("alice").await;
    let session = bench.newest_session(1).await;
    client.close().await;
    assert_eq!(session.closed().await, CloseReason::PeerClosed);
    assert_eq!(client.closed().await, CloseReason::LocalClose);
    assert_eq!(
        client.request(Request::get("/who")).await,
        Err(ExchangeError::Closed)
    );
    until(|| bench.server.stats().sessions == 0).await;
    bench.stop().await;
}

#[tokio::test]
async fn dropping_the_client_closes_its_session() {
    let bench = Bench::start().await;
    drop(bench.client("alice").await);
    let session = bench.newest_session(1).await;
    assert_eq!(session.closed().await, CloseReason::PeerClosed);
    bench.stop().await;
}

#[tokio::test]
async fn revoking_ends_the_sessions_that_are_picked() {
    let bench = Bench::start().await;
    let alice = bench.client("alice").await;
    let bob = bench.client("bob").await;
    bench
        .server
        .revoke_where(|device| device.name == "alice")
        .await;
    let reason = alice.closed().await;
    assert_eq!(
        reason,
        CloseReason::PeerAlert(AlertDescription::ACCESS_DENIED)
    );
    assert!(bob.request(Request::get("/who")).await.is_ok());
    let session = bench.newest_session(2).await;
    session.revoke().await;
    bob.closed().await;
    assert_eq!(session.closed().await, CloseReason::Revoked);
    bench.stop().await;
}

#[tokio::test]
async fn a_new_handshake_from_the_same_address_replaces_the_session() {
    let bench = Bench::start().await;
    let first = bench.client("alice").await;
    let session = bench.newest_session(1).await;
    let local = first.local_address();
    let slow = {
        let first = first.clone();
        async move { first.request(Request::get("/slow")).await }
    };
    let waiting = bench.tasks.tracker.spawn(slow);
    until(|| bench.server.stats().requests == 1).await;
    // the device loses its state without a word, and its socket with it
    waiting.abort();
    let raw = raw_restart(first, local).await;
    let mut config = client_config(bench.address(), "alice");
    config.local = Some(raw);
    let second = bench.connect(config).await.unwrap();
    assert!(matches!(
        session.closed().await,
        CloseReason::Replaced(_) | CloseReason::PeerClosed
    ));
    // the answer of the first session does not leave in the second
    bench.resources.gate.add_permits(1);
    until(|| bench.server.stats().answers_dropped == 1).await;
    assert!(second.request(Request::get("/who")).await.is_ok());
    bench.stop().await;
}

/// Ends a client and gives its address back.
async fn raw_restart(
    client: coap_tokio::Client,
    local: std::net::SocketAddr,
) -> std::net::SocketAddr {
    client.close().await;
    drop(client);
    let mut address = local;
    address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    loop {
        if std::net::UdpSocket::bind(address).is_ok() {
            return address;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_server_that_ends_finishes_what_it_has_begun() {
    let bench = Bench::start().await;
    let client = bench.client("alice").await;
    let slow = client.request(Request::get("/slow"));
    let end = async {
        until(|| bench.server.stats().requests == 1).await;
        // the client has to live on, so that only the server is told
        bench.resources.gate.add_permits(1);
    };
    let (response, ()) = tokio::join!(slow, end);
    assert_eq!(response.unwrap().code, Code::CONTENT);
    bench.stop().await;
}

#[tokio::test]
async fn a_draining_server_answers_what_runs_and_refuses_the_rest() {
    let bench = Bench::start().await;
    // tasks of its own, so that the client does not end with the server
    let outside = coap_tokio::Tasks::default();
    let config = client_config(bench.address(), "alice");
    let handler = std::sync::Arc::new(coap_tokio::ServesNothing);
    let client = coap_tokio::Client::connect(config, handler, &outside)
        .await
        .unwrap();
    let slow = client.request(Request::get("/slow"));
    let end = async {
        until(|| bench.server.stats().requests == 1).await;
        bench.tasks.token.cancel();
        let refused = client.request(Request::get("/who")).await.unwrap();
        assert_eq!(refused.code, Code::SERVICE_UNAVAILABLE);
        assert!(refused.max_age().is_some());
        bench.resources.gate.add_permits(1);
    };
    let (response, ()) = tokio::join!(slow, end);
    assert_eq!(response.unwrap().code, Code::CONTENT);
    assert_eq!(client.closed().await, CloseReason::PeerClosed);
    bench.stop().await;
}

#[tokio::test]
async fn a_retired_server_ends_sessions_as_they_fall_idle_and_takes_no_others() {
    let bench = Bench::start().await;
    let idle = bench.client("bob").await;
    let busy = bench.client("alice").await;
    let slow = busy.request(Request::get("/slow"));
    let retire = async {
        until(|| bench.server.stats().requests == 1).await;
        bench.server.retire().await;
        assert_eq!(idle.closed().await, CloseReason::PeerClosed);
        assert_eq!(bench.server.stats().sessions, 1);
        bench.resources.gate.add_permits(1);
    };
    let (response, ()) = tokio::join!(slow, retire);
    assert_eq!(response.unwrap().code, Code::CONTENT);
    assert_eq!(busy.closed().await, CloseReason::PeerClosed);
    assert_eq!(bench.server.stats().closings.closed, 2);

    let mut config = client_config(bench.address(), "alice");
    config.handshake_timeout = std::time::Duration::from_millis(300);
    assert!(bench.connect(config).await.is_err());
    assert_eq!(bench.server.stats().handshakes_started, 2);
    bench.stop().await;
}

#[tokio::test]
async fn a_device_comes_back_after_the_server_was_restarted() {
    let bench = Bench::start().await;
    let address = bench.address();
    let client = bench.client("alice").await;
    assert!(client.request(Request::get("/who")).await.is_ok());
    bench.stop().await;
    client.closed().await;
    let restarted = ServerConfig {
        listen: address,
        ..config()
    };
    let bench = Bench::with(restarted, Keys::new()).await;
    let client = bench.client("alice").await;
    assert_eq!(
        client.request(Request::get("/who")).await.unwrap().payload,
        b"alice"
    );
    bench.stop().await;
}

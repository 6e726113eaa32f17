//! Requests of devices, small and large.

use std::sync::atomic::Ordering;
use std::time::Duration;

use coap::{Code, ContentFormat, Reliability, Request};
use coap_tokio::{Limits, ServerConfig};
use dtls::CipherSuite;

use crate::harness::{Bench, Keys, client_config, config, until};

#[tokio::test]
async fn a_request_is_answered_with_what_the_lookup_learned() {
    let bench = Bench::start().await;
    let client = bench.client("alice").await;
    let response = client.request(Request::get("/who")).await.unwrap();
    assert_eq!(
        (response.code, &response.payload[..]),
        (Code::CONTENT, &b"alice"[..])
    );
    let missing = client.request(Request::get("/nowhere")).await.unwrap();
    assert_eq!(missing.code, Code::NOT_FOUND);
    let once = client
        .session()
        .request_with(Request::get("/who"), Reliability::NonConfirmable)
        .await;
    assert_eq!(once.unwrap().payload, b"alice");
    let stats = bench.server.stats();
    assert_eq!((stats.sessions, stats.requests), (1, 3));
    assert_eq!(
        (stats.handshakes_started, stats.handshakes_completed),
        (1, 1)
    );
    assert_eq!(stats.hello_verify_requests, 1);
    bench.stop().await;
}

#[tokio::test]
async fn each_suite_carries_requests() {
    let bench = Bench::start().await;
    for suite in CipherSuite::ALL {
        let mut config = client_config(bench.address(), "alice");
        config.keys.retain(|(offered, _)| *offered == suite);
        let client = bench.connect(config).await.unwrap();
        assert_eq!(client.session().suite(), suite);
        assert!(client.request(Request::get("/who")).await.is_ok());
        client.close().await;
    }
    bench.stop().await;
}

// RFC 7959
#[tokio::test]
async fn large_bodies_pass_in_blocks() {
    let bench = Bench::start().await;
    let client = bench.client("alice").await;
    let body: Vec<u8> = (0..=255).cycle().take(30_000).collect();
    let post = Request::post("/echo", ContentFormat::OCTET_STREAM, body.clone());
    let response = client.request(post).await.unwrap();
    assert!(response.payload == body);
    let large = client.request(Request::get("/large")).await.unwrap();
    assert_eq!(large.payload, vec![7; 20_000]);
    assert_eq!(bench.resources.runs.load(Ordering::Relaxed), 2);
    bench.stop().await;
}

#[tokio::test]
async fn blocks_fit_into_small_datagrams() {
    let mut server = config();
    server.dtls.max_datagram = 256;
    let bench = Bench::with(server, Keys::new()).await;
    let mut device = client_config(bench.address(), "alice");
    device.max_datagram = 300;
    let client = bench.connect(device).await.unwrap();
    let post = Request::post("/echo", ContentFormat::OCTET_STREAM, vec![5; 3000]);
    assert_eq!(client.request(post).await.unwrap().payload, [5; 3000]);
    assert_eq!(bench.server.stats().send_errors, 0);
    bench.stop().await;
}

#[tokio::test]
async fn clients_do_not_disturb_each_other() {
    let bench = Bench::start().await;
    let (alice, bob) = tokio::join!(bench.client("alice"), bench.client("bob"));
    let ask = async |client: &coap_tokio::Client, name: &str| {
        for _ in 0..50 {
            let response = client.request(Request::get("/who")).await.unwrap();
            assert_eq!(response.payload, name.as_bytes());
        }
    };
    tokio::join!(ask(&alice, "alice"), ask(&bob, "bob"), ask(&alice, "alice"));
    assert_eq!(bench.server.stats().sessions, 2);
    bench.stop().await;
}

// RFC 7252 5.2.2
#[tokio::test]
async fn a_slow_answer_comes_separately() {
    let bench = Bench::start().await;
    let client = bench.client("alice").await;
    let slow = client.request(Request::get("/slow"));
    let open = async {
        // the acknowledgement is out when the client may ask again
        client.request(Request::get("/who")).await.unwrap();
        bench.resources.gate.add_permits(1);
    };
    let (response, ()) = tokio::join!(slow, open);
    assert_eq!(response.unwrap().payload, b"at last");
    bench.stop().await;
}

#[tokio::test]
async fn an_answer_that_must_be_piggybacked_is_5_03_when_it_takes_too_long() {
    let server = ServerConfig {
        limits: Limits {
            piggyback_timeout: Duration::from_millis(200),
            ..Limits::default()
        },
        ..config()
    };
    let bench = Bench::with(server, Keys::new()).await;
    let client = bench.client("alice").await;
    let late = client.request(Request::get("/prompt")).await.unwrap();
    assert_eq!(late.code, Code::SERVICE_UNAVAILABLE);
    assert!(late.max_age().is_some());
    bench.resources.gate.add_permits(1);
    let prompt = client.request(Request::get("/prompt")).await.unwrap();
    assert_eq!(prompt.code, Code::CONTENT);
    bench.stop().await;
}

#[tokio::test]
async fn a_handler_that_panics_answers_5_00() {
    let bench = Bench::start().await;
    let client = bench.client("alice").await;
    let response = client.request(Request::get("/panic")).await.unwrap();
    assert_eq!(response.code, Code::INTERNAL_SERVER_ERROR);
    assert!(client.request(Request::get("/who")).await.is_ok());
    bench.stop().await;
}

#[tokio::test]
async fn more_requests_than_allowed_are_5_03() {
    let server = ServerConfig {
        limits: Limits {
            max_concurrent_requests: 1,
            ..Limits::default()
        },
        ..config()
    };
    let bench = Bench::with(server, Keys::new()).await;
    let client = bench.client("alice").await;
    let slow = client.request(Request::get("/slow"));
    let second = async {
        until(|| bench.resources.runs.load(Ordering::Relaxed) == 1).await;
        let refused = client.request(Request::get("/who")).await.unwrap();
        assert_eq!(refused.code, Code::SERVICE_UNAVAILABLE);
        bench.resources.gate.add_permits(1);
    };
    let (first, ()) = tokio::join!(slow, second);
    assert_eq!(first.unwrap().code, Code::CONTENT);
    assert_eq!(bench.server.stats().requests_refused, 1);
    bench.stop().await;
}

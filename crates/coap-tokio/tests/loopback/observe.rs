//! Observation over sessions.

use coap::{Code, ContentFormat, Reliability, Request, Response};

use crate::harness::{Bench, text, until};

#[tokio::test]
async fn notifications_reach_the_device() {
    let bench = Bench::start().await;
    let client = bench.client("alice").await;
    let mut observing = client.observe(Request::get("/observed")).await.unwrap();
    assert!(observing.is_granted());
    assert_eq!(observing.first().payload, b"first");
    let observation = bench.resources.observations.lock().unwrap().pop().unwrap();
    for round in 0..5u8 {
        let news = text(&format!("news {round}"));
        observation
            .notify(news.clone(), Reliability::Confirmable)
            .await
            .unwrap();
        assert_eq!(observing.next().await.unwrap().payload, news.payload);
    }
    bench.stop().await;
}

// RFC 7959 2.6
#[tokio::test]
async fn a_large_notification_is_fetched_in_blocks() {
    let bench = Bench::start().await;
    let client = bench.client("alice").await;
    let mut observing = client.observe(Request::get("/observed")).await.unwrap();
    let observation = bench.resources.observations.lock().unwrap().pop().unwrap();
    let package = Response::content(ContentFormat::CBOR, vec![9; 10_000]);
    observation
        .notify(package, Reliability::Confirmable)
        .await
        .unwrap();
    assert_eq!(observing.next().await.unwrap().payload, [9; 10_000]);
    bench.stop().await;
}

// RFC 7641 4.2
#[tokio::test]
async fn an_error_is_the_last_notification() {
    let bench = Bench::start().await;
    let client = bench.client("alice").await;
    let mut observing = client.observe(Request::get("/observed")).await.unwrap();
    let observation = bench.resources.observations.lock().unwrap().pop().unwrap();
    let gone = Response::new(Code::NOT_FOUND);
    observation
        .notify(gone, Reliability::Confirmable)
        .await
        .unwrap();
    assert_eq!(observing.next().await.unwrap().code, Code::NOT_FOUND);
    assert!(observing.next().await.is_none());
    observation.ended().await;
    bench.stop().await;
}

// RFC 7641 3.6
#[tokio::test]
async fn dropping_an_observation_cancels_it_at_the_server() {
    let bench = Bench::start().await;
    let client = bench.client("alice").await;
    let observing = client.observe(Request::get("/observed")).await.unwrap();
    let observation = bench.resources.observations.lock().unwrap().pop().unwrap();
    drop(observing);
    observation.ended().await;
    let after = observation
        .notify(text("x"), Reliability::Confirmable)
        .await;
    assert!(after.is_err());
    bench.stop().await;
}

#[tokio::test]
async fn a_resource_that_is_not_observable_is_just_read() {
    let bench = Bench::start().await;
    let client = bench.client("alice").await;
    let mut observing = client.observe(Request::get("/who")).await.unwrap();
    assert!(!observing.is_granted());
    assert_eq!(observing.first().payload, b"alice");
    assert!(observing.next().await.is_none());
    bench.stop().await;
}

// RFC 7252 9.1, RFC 7641 7
#[tokio::test]
async fn an_observation_ends_with_its_session() {
    let bench = Bench::start().await;
    let client = bench.client("alice").await;
    let mut observing = client.observe(Request::get("/observed")).await.unwrap();
    let observation = bench.resources.observations.lock().unwrap().pop().unwrap();
    client.close().await;
    observation.ended().await;
    assert!(observing.next().await.is_none());
    let again = bench.client("alice").await;
    until(|| observation.is_over()).await;
    assert!(again.request(Request::get("/who")).await.is_ok());
    bench.stop().await;
}

//! Requests of the server to devices.

use std::sync::Arc;

use coap::{Code, ContentFormat, Request, Response};
use coap_tokio::{Client, ExchangeError, Handler, Incoming, Session};

use crate::harness::{Bench, client_config};

/// A device that takes messages.
#[derive(Default)]
struct Inbox(std::sync::Mutex<Vec<Vec<u8>>>);

impl Handler<()> for Inbox {
    async fn request(&self, _: Session<()>, incoming: Incoming<()>) -> Response {
        let mut messages = self.0.lock().expect("no test panics inside");
        messages.push(incoming.request.payload);
        Response::new(Code::CHANGED)
    }
}

fn message(body: &[u8]) -> Request {
    Request::post("/inbox", ContentFormat::JSON, body.to_vec())
}

#[tokio::test]
async fn a_server_pushes_messages_in_the_session_of_the_device() {
    let bench = Bench::start().await;
    let inbox = Arc::new(Inbox::default());
    let config = client_config(bench.address(), "alice");
    let client = Client::connect(config, Arc::clone(&inbox), &bench.tasks)
        .await
        .unwrap();
    let session = bench.newest_session(1).await;
    assert_eq!(session.context().name, "alice");
    assert_eq!(session.identity(), b"alice");
    let large = vec![b'x'; 2500];
    let (one, two) = tokio::join!(
        session.request(message(b"hello")),
        session.request(message(&large))
    );
    assert_eq!(one.unwrap().code, Code::CHANGED);
    assert_eq!(two.unwrap().code, Code::CHANGED);
    assert_eq!(*inbox.0.lock().unwrap(), [b"hello".to_vec(), large]);
    drop(client);
    bench.stop().await;
}

#[tokio::test]
async fn a_device_that_serves_nothing_answers_4_04() {
    let bench = Bench::start().await;
    let _client = bench.client("alice").await;
    let session = bench.newest_session(1).await;
    let response = session.request(message(b"hello")).await.unwrap();
    assert_eq!(response.code, Code::NOT_FOUND);
    bench.stop().await;
}

#[tokio::test]
async fn a_push_fails_when_the_session_ends() {
    let bench = Bench::start().await;
    let client = bench.client("alice").await;
    let session = bench.newest_session(1).await;
    client.close().await;
    session.closed().await;
    assert_eq!(
        session.request(message(b"hello")).await,
        Err(ExchangeError::Closed)
    );
    bench.stop().await;
}

#[tokio::test]
async fn pushes_that_nobody_waits_for_any_more_give_their_places_free() {
    let bench = Bench::start().await;
    let _client = bench.client("alice").await;
    let session = bench.newest_session(1).await;
    for _ in 0..100 {
        tokio::select! {
            biased;
            _ = session.request(message(b"hello")) => {}
            () = std::future::ready(()) => {}
        }
    }
    // not refused for too many open requests
    assert!(session.request(message(b"hello")).await.is_ok());
    bench.stop().await;
}

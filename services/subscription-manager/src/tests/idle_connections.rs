//! Connections of the portal on which nobody asks for anything.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use nf_runtime::Runtime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use super::world::{World, outbox, procedures};
use crate::edge::http::{Portal, serve_stream};

/// A portal, and a connection to it behind its handshake.
struct Connected {
    runtime: Runtime,
    stream: DuplexStream,
}

impl Connected {
    async fn new() -> Self {
        let context = World::new().await.context();
        let portal = Portal {
            outbox: outbox(&context),
            metrics: procedures(),
            context,
        };
        let (stream, there) = duplex(64 * 1024);
        let runtime = Runtime::for_tests();
        let lifecycle = runtime.lifecycle.clone();
        runtime.lifecycle.spawn("portal connection", async move {
            let peer = ([192, 0, 2, 1], 4711).into();
            serve_stream(there, peer, Arc::new(portal), &lifecycle).await;
        });
        Self { runtime, stream }
    }

    /// Until the portal closes; what it says before is of no interest.
    async fn closed(mut self) -> Duration {
        let begin = Instant::now();
        let mut said = Vec::new();
        let ended = timeout(LONG, self.stream.read_to_end(&mut said)).await;
        assert!(ended.is_ok(), "the portal holds a silent connection");
        begin.elapsed()
    }
}

fn help() -> Request<Empty<Bytes>> {
    Request::get("https://localhost/help")
        .body(Empty::new())
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn whoever_says_nothing_is_let_go() {
    for beginning in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET"] {
        let mut connected = Connected::new().await;
        connected.stream.write_all(beginning).await.unwrap();
        assert!(connected.closed().await < SHORT, "{beginning:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_nothing_more_is_let_go_although_he_answers_pings() {
    let Connected { runtime, stream } = Connected::new().await;
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    let (over, ended) = oneshot::channel();
    runtime.lifecycle.spawn("test connection", async move {
        let _ = over.send(connection.await);
    });
    let answer = sender.send_request(help()).await.unwrap();
    answer.into_body().collect().await.unwrap();
    let ended = timeout(SHORT, ended).await;
    assert!(ended.is_ok(), "the portal holds an idle connection");
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_on_asking_is_served() {
    let Connected { runtime, stream } = Connected::new().await;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    runtime.lifecycle.spawn("test connection", async move {
        let _ = connection.await;
    });
    for _ in 0..8 {
        let answer = sender.send_request(help()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.into_body().collect().await.unwrap();
        sleep(Duration::from_secs(9)).await;
    }
}

/// Patience and grace of the portal, and some more.
const SHORT: Duration = Duration::from_secs(15);
const LONG: Duration = Duration::from_secs(120);

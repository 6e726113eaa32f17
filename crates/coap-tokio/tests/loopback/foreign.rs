//! A client that is not ours: libcoap with OpenSSL.

use std::process::{Output, Stdio};

use tokio::process::Command;

use crate::harness::{Bench, key, until};

async fn coap_client(bench: &Bench, arguments: &[&str], path: &str) -> Output {
    let identity = "alice";
    let uri = format!("coaps://{}{path}", bench.address());
    let key = String::from_utf8(key(identity)).expect("keys of tests are text");
    let output = Command::new("coap-client-openssl")
        .args(arguments)
        .args(["-B", "20", "-u", identity, "-k", &key, &uri])
        .stdin(Stdio::null())
        .output()
        .await;
    output.expect("coap-client-openssl runs; install it with: apt-get install libcoap3-bin")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[tokio::test]
async fn libcoap_gets_a_resource() {
    let bench = Bench::start().await;
    let output = coap_client(&bench, &["-m", "get"], "/who").await;
    assert_eq!(text(&output), "alice", "{output:?}");
    let stats = bench.server.stats();
    assert_eq!((stats.handshakes_completed, stats.requests), (1, 1));
    bench.stop().await;
}

#[tokio::test]
async fn libcoap_posts_and_fetches_large_bodies() {
    let bench = Bench::start().await;
    let body = "0123456789abcdef".repeat(300);
    let output = coap_client(&bench, &["-m", "post", "-b", "512", "-e", &body], "/echo").await;
    assert_eq!(text(&output), body, "{output:?}");
    bench.stop().await;
}

#[tokio::test]
async fn libcoap_gets_a_separate_response() {
    let bench = Bench::start().await;
    let ask = coap_client(&bench, &["-m", "get"], "/slow");
    let open = async {
        // three datagrams of the handshake, then the acknowledgement
        until(|| bench.server.stats().datagrams_sent >= 4).await;
        bench.resources.gate.add_permits(1);
    };
    let (output, ()) = tokio::join!(ask, open);
    assert_eq!(text(&output), "at last", "{output:?}");
    bench.stop().await;
}

#[tokio::test]
async fn libcoap_observes_a_resource() {
    let bench = Bench::start().await;
    let watch = coap_client(&bench, &["-m", "get", "-w", "-s", "2"], "/observed");
    let tell = async {
        let observations = || {
            bench
                .resources
                .observations
                .lock()
                .expect("no test panics inside")
        };
        until(|| !observations().is_empty()).await;
        let observation = observations().pop().expect("an observation is there");
        let news = crate::harness::text("news");
        let how = coap::Reliability::Confirmable;
        observation
            .notify(news, how)
            .await
            .expect("the observation is open");
    };
    let (output, ()) = tokio::join!(watch, tell);
    assert_eq!(text(&output), "first\nnews", "{output:?}");
    bench.stop().await;
}

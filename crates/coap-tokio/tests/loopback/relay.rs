//! Sessions through a relay that loses and doubles datagrams.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use coap::{ContentFormat, Parameters, Reliability, Request};
use tokio::net::UdpSocket;

use crate::harness::{Bench, Keys, client_config, config, text};

/// Forwards between one client and the server, badly.
struct Relay {
    random: u64,
    inside: UdpSocket,
    outside: UdpSocket,
    server: SocketAddr,
}

impl Relay {
    async fn start(bench: &Bench, seed: u64) -> SocketAddr {
        let bind = || UdpSocket::bind("127.0.0.1:0");
        let relay = Self {
            random: seed,
            inside: bind().await.expect("a port is free"),
            outside: bind().await.expect("a port is free"),
            server: bench.address(),
        };
        let address = relay.outside.local_addr().expect("the socket is bound");
        let token = bench.tasks.token.clone();
        bench
            .tasks
            .tracker
            .spawn(async move { token.run_until_cancelled(relay.run()).await });
        address
    }

    async fn run(mut self) {
        let mut client = None;
        let (mut up, mut down) = (vec![0; 2048], vec![0; 2048]);
        loop {
            let (from_client, length) = tokio::select! {
                received = self.outside.recv_from(&mut up) => {
                    let (length, from) = received.expect("loopback receives");
                    client = Some(from);
                    (true, length)
                }
                received = self.inside.recv_from(&mut down) => {
                    (false, received.expect("loopback receives").0)
                }
            };
            self.random ^= self.random << 13;
            self.random ^= self.random >> 7;
            self.random ^= self.random << 17;
            let copies = match self.random % 100 {
                0..15 => 0,
                15..30 => 2,
                _ => 1,
            };
            for _ in 0..copies {
                // what is not sent is lost, as it may be
                let _ = match (from_client, client) {
                    (true, _) => self.inside.send_to(&up[..length], self.server).await,
                    (false, Some(client)) => self.outside.send_to(&down[..length], client).await,
                    (false, None) => Ok(0),
                };
            }
        }
    }
}

fn fast(parameters: &Parameters) -> Parameters {
    Parameters {
        ack_timeout: Duration::from_millis(40),
        ack_random_span: Duration::from_millis(20),
        max_retransmit: 8,
        ..parameters.clone()
    }
}

#[tokio::test]
async fn requests_run_once_through_a_bad_relay() {
    let (mut duplicates, mut retransmissions) = (0, 0);
    for seed in 1..4 {
        let mut server = config();
        server.dtls.retransmission = Duration::from_millis(50);
        server.coap = fast(&server.coap);
        let bench = Bench::with(server, Keys::new()).await;
        let mut device = client_config(Relay::start(&bench, seed).await, "alice");
        device.retransmission = Duration::from_millis(50);
        device.coap = fast(&device.coap);
        let client = bench.connect(device).await;
        let client = client.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        for round in 0..6u64 {
            let body = vec![7; 3000];
            let post = Request::post("/echo", ContentFormat::OCTET_STREAM, body.clone());
            let response = client.request(post).await;
            let response = response.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            assert!(response.payload == body, "seed {seed}");
            let runs = bench.resources.runs.load(Ordering::Relaxed);
            assert_eq!(runs, round + 1, "seed {seed}");
        }
        let mut observing = client.observe(Request::get("/observed")).await.unwrap();
        let observation = bench.resources.observations.lock().unwrap().pop().unwrap();
        for round in 0..5 {
            let news = text(&format!("news {round}"));
            let how = Reliability::Confirmable;
            observation.notify(news.clone(), how).await.unwrap();
            let heard = observing.next().await.unwrap();
            assert_eq!(heard.payload, news.payload, "seed {seed}");
        }
        for stats in [bench.server.stats(), client.stats()] {
            duplicates += stats.duplicates;
            retransmissions += stats.retransmissions;
        }
        bench.stop().await;
    }
    assert!(
        duplicates > 0 && retransmissions > 0,
        "the relay was too good"
    );
}

//! Limited connectivity: what passes, what does not, and when it ends. TS 23.501 5.30.2.10.4.

use std::net::SocketAddr;
use std::time::Duration;

use cause::Cause;
use nf_api::pb::access_gateway::LimitedConnectivity;
use nf_api::pb::access_gateway::exchange_response::Message as Downlink;
use nf_api::pb::subscription_manager::get_session_response::State;
use nf_api::pb::subscription_manager::watch_sessions_response::Kind;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::{Instant, timeout};

use crate::one_way::{owa, proof};
use crate::scripted::{Bench, Device, SESSION};

const LIMIT: Duration = Duration::from_secs(5);

async fn let_in(device: &mut Device) -> (SocketAddr, SocketAddr) {
    device.send(owa(proof(), "lab")).await;
    assert!(matches!(device.receive().await, Downlink::Owa(_)));
    let Downlink::LimitedConnectivity(LimitedConnectivity {
        provisioning_relay,
        connect_proxy,
    }) = device.receive().await
    else {
        panic!("no connectivity");
    };
    (
        provisioning_relay.parse().unwrap(),
        connect_proxy.parse().unwrap(),
    )
}

async fn udp() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

async fn tcp() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut datagram = [0; 2048];
    let (length, from) = timeout(LIMIT, socket.recv_from(&mut datagram))
        .await
        .unwrap()
        .unwrap();
    (datagram[..length].to_vec(), from)
}

/// Asks for a tunnel and gives the status code with the stream.
async fn connect(proxy: SocketAddr, request: &str) -> (u16, TcpStream) {
    let mut stream = TcpStream::connect(proxy).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(LIMIT, stream.read_u8()).await.unwrap().unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    (head[9..12].parse().unwrap(), stream)
}

fn ports(bench: &Bench) -> std::ops::RangeInclusive<u16> {
    let address = bench
        .network
        .script(|script| script.proven[0].ue_address.clone().unwrap());
    address.first_port.try_into().unwrap()..=address.last_port.try_into().unwrap()
}

#[tokio::test]
async fn datagrams_reach_the_provisioning_server_from_the_devices_ports() {
    let (server, address) = udp().await;
    let bench = Bench::new().await;
    bench.let_in(&address.to_string(), &[], 900, 1 << 20);
    let mut device = bench.device().await;
    let (relay, _) = let_in(&mut device).await;
    let mut sources = Vec::new();
    for hello in [b"first".as_slice(), b"second"] {
        let (socket, _) = udp().await;
        socket.send_to(hello, relay).await.unwrap();
        let (datagram, from) = receive(&server).await;
        assert_eq!(datagram, hello);
        assert!(ports(&bench).contains(&from.port()));
        server.send_to(b"back", from).await.unwrap();
        assert_eq!(receive(&socket).await, (b"back".to_vec(), relay));
        sources.push(from);
    }
    // A second socket of the device is another one to the server.
    assert_ne!(sources[0], sources[1]);
}

#[tokio::test]
async fn a_repeated_proof_has_the_same_ways() {
    let (_, address) = udp().await;
    let bench = Bench::new().await;
    bench.let_in(&address.to_string(), &[], 900, 1 << 20);
    let mut device = bench.device().await;
    let first = let_in(&mut device).await;
    assert_eq!(let_in(&mut device).await, first);
}

#[tokio::test]
async fn a_proof_repeated_after_a_lost_answer_names_the_same_address_and_leaves_from_it() {
    let (server, address) = udp().await;
    let bench = Bench::new().await;
    bench.let_in(&address.to_string(), &[], 900, 1 << 20);
    bench.network.script(|script| script.lose_answers = true);
    let mut device = bench.device().await;
    let cause = device.rejected(owa(proof(), "lab")).await;
    assert_eq!(cause, Cause::UpstreamFailure);
    // The gateway's own attempts for the first Proof, then one for the second.
    let lost = bench.network.script(|script| {
        script.lose_answers = false;
        script.proven.len()
    });
    let (relay, _) = let_in(&mut device).await;
    let proven = bench.network.script(|script| script.proven.clone());
    assert_eq!(proven.len(), lost + 1);
    assert!(proven[0].ue_address.is_some());
    assert_eq!(proven[0].ue_address, proven[lost].ue_address);
    let (socket, _) = udp().await;
    socket.send_to(b"hello", relay).await.unwrap();
    let (_, from) = receive(&server).await;
    assert!(ports(&bench).contains(&from.port()));
}

#[tokio::test]
async fn a_repeated_proof_brings_no_ended_session_back() {
    let (_, address) = udp().await;
    let bench = Bench::new().await;
    bench.let_in(&address.to_string(), &[], 900, 1 << 20);
    let mut device = bench.device().await;
    let (_, proxy) = let_in(&mut device).await;
    bench
        .network
        .script(|script| script.events.send((Kind::Ended, SESSION.to_vec())).unwrap());
    let gone = timeout(LIMIT, async {
        while TcpStream::connect(proxy).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    gone.await.expect("the listener is closed");
    assert_eq!(
        device.rejected(owa(proof(), "lab")).await,
        Cause::LimitedSessionExpired
    );
}

#[tokio::test]
async fn tunnels_reach_allowed_targets_only() {
    let (_, server) = udp().await;
    let (portal, allowed) = tcp().await;
    let (_other, forbidden) = tcp().await;
    let bench = Bench::new().await;
    let dead = tcp().await.1;
    let targets = [format!("LOCALHOST:{}", allowed.port()), dead.to_string()];
    bench.let_in(&server.to_string(), &targets, 900, 1 << 20);
    let mut device = bench.device().await;
    let (_, proxy) = let_in(&mut device).await;
    for (request, status) in [
        (format!("CONNECT {forbidden} HTTP/1.1\r\n\r\n"), 403),
        (
            format!("CONNECT 127.0.0.1:{} HTTP/1.1\r\n\r\n", allowed.port()),
            403,
        ),
        (
            format!("CONNECT localhost.:{} HTTP/1.1\r\n\r\n", allowed.port()),
            403,
        ),
        (format!("GET http://{allowed}/ HTTP/1.1\r\n\r\n"), 405),
        ("CONNECT\r\n\r\n".to_owned(), 400),
        (format!("{}\r\n\r\n", "x".repeat(9000)), 400),
        (format!("CONNECT {dead} HTTP/1.1\r\n\r\n"), 502),
    ] {
        assert_eq!(connect(proxy, &request).await.0, status, "{request}");
    }
    // What follows the head at once belongs to the tunnel.
    let request = format!(
        "CONNECT localhost:{} HTTP/1.1\r\nHost: x\r\n\r\nhello",
        allowed.port()
    );
    let (status, mut stream) = connect(proxy, &request).await;
    assert_eq!(status, 200);
    let (mut upstream, from) = timeout(LIMIT, portal.accept()).await.unwrap().unwrap();
    assert!(ports(&bench).contains(&from.port()));
    let mut heard = [0; 5];
    timeout(LIMIT, upstream.read_exact(&mut heard))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&heard, b"hello");
    upstream.write_all(b"answer").await.unwrap();
    drop(upstream);
    let mut answer = Vec::new();
    timeout(LIMIT, stream.read_to_end(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(answer, b"answer");
}

/// A session with an open tunnel, to see it end.
async fn with_tunnel(
    bench: &Bench,
    seconds: u64,
    quota: u64,
) -> (TcpStream, TcpStream, SocketAddr) {
    let (_, server) = udp().await;
    let (portal, allowed) = tcp().await;
    bench.let_in(&server.to_string(), &[allowed.to_string()], seconds, quota);
    let mut device = bench.device().await;
    let (_, proxy) = let_in(&mut device).await;
    let (status, stream) = connect(proxy, &format!("CONNECT {allowed} HTTP/1.1\r\n\r\n")).await;
    assert_eq!(status, 200);
    let (upstream, _) = timeout(LIMIT, portal.accept()).await.unwrap().unwrap();
    (stream, upstream, proxy)
}

async fn is_cut(stream: &mut TcpStream, within: Duration) {
    let mut rest = Vec::new();
    let ended = timeout(within, stream.read_to_end(&mut rest)).await;
    // An end or a reset, both are the end.
    assert!(ended.is_ok(), "the tunnel lives on");
    assert!(rest.is_empty());
}

#[tokio::test]
async fn the_end_that_the_subscription_manager_tells_cuts_within_a_second() {
    let bench = Bench::new().await;
    let (mut stream, _upstream, proxy) = with_tunnel(&bench, 900, 1 << 20).await;
    let told = Instant::now();
    bench
        .network
        .script(|script| script.events.send((Kind::Ended, SESSION.to_vec())).unwrap());
    is_cut(&mut stream, Duration::from_secs(1)).await;
    assert!(told.elapsed() < Duration::from_secs(1));
    let gone = timeout(LIMIT, async {
        while TcpStream::connect(proxy).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    gone.await.expect("the listener is closed");
}

#[tokio::test]
async fn an_end_that_was_missed_is_found_by_resynchronisation() {
    let bench = Bench::new().await;
    let (mut stream, _upstream, _) = with_tunnel(&bench, 900, 1 << 20).await;
    bench.network.script(|script| {
        script.state = State::Released;
        script
            .events
            .send((Kind::Resynchronize, Vec::new()))
            .unwrap();
    });
    is_cut(&mut stream, Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_session_that_lives_on_survives_resynchronisation() {
    let bench = Bench::new().await;
    let (mut stream, mut upstream, _) = with_tunnel(&bench, 900, 1 << 20).await;
    bench.network.script(|script| {
        script
            .events
            .send((Kind::Resynchronize, Vec::new()))
            .unwrap();
        script.events.send((Kind::Ended, vec![1; 16])).unwrap();
        script.events.send((Kind::Ended, vec![1; 3])).unwrap();
    });
    upstream.write_all(b"still here").await.unwrap();
    let mut heard = [0; 10];
    timeout(LIMIT, stream.read_exact(&mut heard))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_session_ends_at_its_time() {
    let bench = Bench::new().await;
    let began = Instant::now();
    let (mut stream, _upstream, _) = with_tunnel(&bench, 1, 1 << 20).await;
    is_cut(&mut stream, Duration::from_secs(3)).await;
    assert!(began.elapsed() >= Duration::from_millis(900));
}

#[tokio::test]
async fn a_session_that_has_ended_already_opens_nothing() {
    let bench = Bench::new().await;
    let (_, server) = udp().await;
    bench.let_in(&server.to_string(), &[], 0, 1 << 20);
    let mut device = bench.device().await;
    let cause = device.rejected(owa(proof(), "lab")).await;
    assert_eq!(cause, Cause::LimitedSessionExpired);
}

#[tokio::test]
async fn the_quota_counts_both_directions_and_its_end_is_reported() {
    let bench = Bench::new().await;
    let (mut stream, mut upstream, _) = with_tunnel(&bench, 900, 100).await;
    stream.write_all(&[1; 60]).await.unwrap();
    let mut heard = [0; 60];
    timeout(LIMIT, upstream.read_exact(&mut heard))
        .await
        .unwrap()
        .unwrap();
    upstream.write_all(&[2; 60]).await.unwrap();
    is_cut(&mut stream, LIMIT).await;
    crate::scripted::eventually("the end was not reported", || {
        bench
            .network
            .script(|script| script.ended == [SESSION.to_vec()])
    })
    .await;
}

#[tokio::test]
async fn connectivity_outlives_the_connection_of_the_device() {
    let bench = Bench::new().await;
    // The device of this session was dropped when the tunnel was open.
    let (mut stream, mut upstream, _) = with_tunnel(&bench, 900, 1 << 20).await;
    stream.write_all(b"on").await.unwrap();
    let mut heard = [0; 2];
    timeout(LIMIT, upstream.read_exact(&mut heard))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn nothing_is_left_when_the_process_stops() {
    let bench = Bench::new().await;
    let (mut stream, _upstream, _) = with_tunnel(&bench, 900, 1 << 20).await;
    let stopped = bench.runtime.lifecycle.shutdown().await;
    assert!(
        matches!(stopped, nf_runtime::lifecycle::Stopped::Clean),
        "{stopped:?}"
    );
    is_cut(&mut stream, LIMIT).await;
}

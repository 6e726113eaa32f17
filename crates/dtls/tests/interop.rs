//! Handshakes and data with the programs of other projects, over loopback sockets.
#![expect(clippy::unwrap_used, reason = "a failed step ends the test")]

use std::io::{Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant as Clock};

use dtls::{
    CipherSuite, Client, ClientConfig, Established, Event, FailureReason, Instant, Out,
    PeerAddress, Psk, PskAnswer, RustCrypto, Server, ServerConfig, SessionId,
};

const IDENTITY: &str = "3GPP-AKMA0.YWJj@5gc.mnc001.mcc001.3gppnetwork.org";
const KEY: [u8; 32] = [0x4b; 32];
const PATIENCE: Duration = Duration::from_secs(20);

fn key_hex() -> String {
    hex::encode(KEY)
}

fn openssl_name(suite: CipherSuite) -> &'static str {
    match suite {
        CipherSuite::PskAes128Ccm8 => "PSK-AES128-CCM8@SECLEVEL=0",
        CipherSuite::PskAes128GcmSha256 => "PSK-AES128-GCM-SHA256@SECLEVEL=0",
    }
}

fn random() -> impl FnMut(&mut [u8]) {
    let mut source = std::fs::File::open("/dev/urandom").expect("/dev/urandom gives randomness");
    move |octets| {
        source
            .read_exact(octets)
            .expect("/dev/urandom does not end")
    }
}

/// What the server has seen.
#[derive(Default)]
struct Seen {
    established: Vec<Established>,
    failed: Vec<FailureReason>,
    closed: usize,
}

/// Our server on a loopback socket, in a thread.
struct OurServer {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl OurServer {
    fn start(config: ServerConfig) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(20)))
            .unwrap();
        let address = socket.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let (its_seen, its_stop) = (Arc::clone(&seen), Arc::clone(&stop));
        let thread = std::thread::spawn(move || serve(&socket, config, &its_seen, &its_stop));
        Self {
            address,
            seen,
            stop,
            thread: Some(thread),
        }
    }

    fn wait(&self, what: &str, holds: impl Fn(&Seen) -> bool) {
        wait(what, || holds(&self.seen.lock().unwrap()));
    }
}

impl Drop for OurServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(socket: &UdpSocket, config: ServerConfig, seen: &Mutex<Seen>, stop: &AtomicBool) {
    let started = Clock::now();
    let now = || Instant::from_millis(u64::try_from(started.elapsed().as_millis()).unwrap());
    let mut random = random();
    let mut server = Server::new(config, RustCrypto, now(), &mut random).unwrap();
    let (mut out, mut answers) = (Out::new(), Out::new());
    let mut buffer = [0; 2048];
    while !stop.load(Ordering::Relaxed) {
        if let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let from = PeerAddress::new(0, from);
            server.datagram(now(), from, &buffer[..length], &mut random, &mut out);
        }
        server.tick(now(), &mut out);
        while let Some(event) = out.next_event() {
            match event {
                Event::Lookup(lookup) => {
                    let answer = if lookup.identity == IDENTITY.as_bytes() {
                        let key = Psk::try_from_slice(&KEY).unwrap();
                        PskAnswer::Known { key, expires: None }
                    } else {
                        PskAnswer::Unknown
                    };
                    server.psk(now(), lookup.id, answer, &mut random, &mut answers);
                }
                Event::Established(it) => seen.lock().unwrap().established.push(it),
                Event::Data {
                    session,
                    epoch,
                    range,
                } => {
                    let answer = respond(out.payload(&range));
                    server.send(session, epoch, &answer, &mut answers).unwrap();
                }
                Event::HandshakeFailed { reason, .. } => seen.lock().unwrap().failed.push(reason),
                Event::Closed { .. } => seen.lock().unwrap().closed += 1,
                _ => {}
            }
            while let Some(event) = answers.next_event() {
                match event {
                    Event::Established(it) => seen.lock().unwrap().established.push(it),
                    Event::HandshakeFailed { reason, .. } => {
                        seen.lock().unwrap().failed.push(reason);
                    }
                    _ => {}
                }
            }
        }
        for (to, octets) in out.datagrams().chain(answers.datagrams()) {
            socket.send_to(octets, to.remote()).unwrap();
        }
        out.clear();
        answers.clear();
    }
}

/// 2.05 for a CoAP request, reset for a ping, an echo in capitals for anything else.
fn respond(request: &[u8]) -> Vec<u8> {
    match request {
        [first @ 0x40..=0x48, 1..=4, mid_high, mid_low, rest @ ..] => {
            let token_len = usize::from(first & 0x0f);
            let mut answer = vec![0x60 | (first & 0x0f), 0x45, *mid_high, *mid_low];
            answer.extend(&rest[..token_len]);
            answer.extend(b"\xffhello over DTLS");
            answer
        }
        [0x40, 0, mid_high, mid_low] => vec![0x70, 0, *mid_high, *mid_low],
        text => text.to_ascii_uppercase(),
    }
}

fn wait(what: &str, holds: impl Fn() -> bool) {
    let deadline = Clock::now() + PATIENCE;
    while !holds() {
        assert!(Clock::now() < deadline, "{what} did not happen");
        std::thread::yield_now();
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// A foreign program, its output so far, and its end with the test.
struct Program {
    child: Child,
    input: Option<ChildStdin>,
    output: Arc<Mutex<Vec<u8>>>,
}

impl Program {
    /// Starts a program; if it is missing the test fails with the command that installs it.
    fn start(name: &str, package: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(name)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}; run: apt-get install {package}"));
        let output = Arc::new(Mutex::new(Vec::new()));
        collect(child.stdout.take().unwrap(), Arc::clone(&output));
        collect(child.stderr.take().unwrap(), Arc::clone(&output));
        let input = child.stdin.take();
        Self {
            child,
            input,
            output,
        }
    }

    fn output(&self) -> String {
        String::from_utf8_lossy(&self.output.lock().unwrap()).into_owned()
    }

    fn say(&mut self, text: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(text.as_bytes()).unwrap();
        input.flush().unwrap();
    }

    fn wait_for(&self, text: &str) {
        let deadline = Clock::now() + PATIENCE;
        while !self.output().contains(text) {
            assert!(
                Clock::now() < deadline,
                "no {text:?} in the output:\n{}",
                self.output()
            );
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(mut from: impl Read + Send + 'static, into: Arc<Mutex<Vec<u8>>>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            into.lock().unwrap().extend(&buffer[..length]);
        }
    });
}

fn s_client(server: &OurServer, more: &[&str]) -> Program {
    let (address, key) = (server.address.to_string(), key_hex());
    let mut arguments = vec!["s_client", "-connect", &address, "-psk", &key];
    arguments.extend(more);
    Program::start("openssl", "openssl", &arguments)
}

const DTLS_1_2: &[&str] = &["-dtls1_2", "-psk_identity", IDENTITY];

#[test]
fn openssl_client_talks_to_our_server() {
    for suite in CipherSuite::ALL {
        let server = OurServer::start(ServerConfig::default());
        let arguments = [
            DTLS_1_2,
            &["-cipher", openssl_name(suite)],
            &["-servername", "af.test"],
        ];
        let mut client = s_client(&server, &arguments.concat());
        server.wait("a session", |seen| !seen.established.is_empty());
        client.say("a line\n");
        client.wait_for("A LINE");
        client.wait_for("PSK identity hint: 3GPP-AKMA");
        client.wait_for("Secure Renegotiation IS supported");
        client.wait_for("Extended master secret: yes");
        client.say("Q\n");
        server.wait("close_notify", |seen| seen.closed == 1);
        let seen = server.seen.lock().unwrap();
        let session = &seen.established[0];
        assert_eq!(session.suite, suite);
        assert_eq!(session.identity, IDENTITY.as_bytes());
        assert_eq!(session.server_name.as_deref(), Some("af.test"));
        assert!(session.extended_master_secret);
        assert!(seen.failed.is_empty());
    }
}

#[test]
fn openssl_client_that_offers_both_gets_ccm_8() {
    let server = OurServer::start(ServerConfig::default());
    let both = "PSK-AES128-GCM-SHA256:PSK-AES128-CCM8@SECLEVEL=0";
    let _client = s_client(&server, &[DTLS_1_2, &["-cipher", both]].concat());
    server.wait("a session", |seen| !seen.established.is_empty());
    let seen = server.seen.lock().unwrap();
    assert_eq!(seen.established[0].suite, CipherSuite::PskAes128Ccm8);
}

#[test]
fn openssl_client_fragments_and_reassembles_at_a_small_mtu() {
    let server = OurServer::start(ServerConfig {
        max_datagram: 256,
        psk_identity_hint: Some(vec![b'h'; 240]),
        ..ServerConfig::default()
    });
    let name = ["a-long-label-of-a-host-name"; 8].join(".");
    let ccm = openssl_name(CipherSuite::PskAes128Ccm8);
    let more = ["-cipher", ccm, "-mtu", "256", "-servername", &name];
    let mut client = s_client(&server, &[DTLS_1_2, &more].concat());
    client.say("a line\n");
    client.wait_for("A LINE");
}

#[test]
fn openssl_client_with_a_wrong_key_or_identity_is_told() {
    let ccm = openssl_name(CipherSuite::PskAes128Ccm8);
    let wrong_key = [
        "-dtls1_2",
        "-psk_identity",
        IDENTITY,
        "-psk",
        "00ff",
        "-cipher",
        ccm,
    ];
    let unknown = ["-dtls1_2", "-psk_identity", "nobody", "-cipher", ccm];
    for arguments in [&wrong_key[..], &unknown] {
        let server = OurServer::start(ServerConfig::default());
        let client = s_client(&server, arguments);
        client.wait_for("alert decrypt error");
        server.wait("a refusal", |seen| seen.failed == [FailureReason::WrongKey]);
        assert!(server.seen.lock().unwrap().established.is_empty());
    }
}

// RFC 7925 4.2, RFC 9325 4.2
#[test]
fn openssl_client_with_weak_suites_or_versions_is_refused() {
    for (arguments, alert) in [
        (
            ["-dtls1_2", "-cipher", "PSK-AES128-CBC-SHA256@SECLEVEL=0"],
            "handshake failure",
        ),
        (
            ["-dtls1_2", "-cipher", "AES128-SHA@SECLEVEL=0"],
            "handshake failure",
        ),
        (
            ["-dtls1_2", "-cipher", "ADH-AES128-SHA256@SECLEVEL=0"],
            "handshake failure",
        ),
        (
            ["-dtls1", "-cipher", "PSK-AES128-CBC-SHA@SECLEVEL=0"],
            "protocol version",
        ),
    ] {
        let server = OurServer::start(ServerConfig::default());
        let client = s_client(&server, &arguments);
        client.wait_for(&format!("alert {alert}"));
        assert!(server.seen.lock().unwrap().established.is_empty());
    }
}

#[test]
fn libcoap_clients_on_openssl_and_gnutls_get_their_answer() {
    for program in ["coap-client-openssl", "coap-client-gnutls"] {
        let server = OurServer::start(ServerConfig::default());
        let uri = format!("coaps://{}/test", server.address);
        let key = String::from_utf8(KEY.to_vec()).unwrap();
        let arguments = ["-B", "10", "-u", IDENTITY, "-k", &key, &uri];
        let client = Program::start(program, "libcoap3-bin", &arguments);
        client.wait_for("hello over DTLS");
    }
}

/// Runs our client until its session has carried `request` there and an answer back, and gives
/// the answer; `prompt` is called on every turn.
fn our_client_asks(
    to: SocketAddr,
    suites: &[CipherSuite],
    request: &[u8],
    foreign: &mut Program,
    prompt: impl Fn(&mut Program),
) -> (Established, Vec<u8>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(20)))
        .unwrap();
    let started = Clock::now();
    let now = || Instant::from_millis(u64::try_from(started.elapsed().as_millis()).unwrap());
    let keys = suites
        .iter()
        .map(|suite| (*suite, Psk::try_from_slice(&KEY).unwrap()));
    let mut config = ClientConfig::new(IDENTITY.as_bytes(), keys.collect());
    config.server_name = Some("localhost".to_owned());
    let (mut out, mut answers) = (Out::new(), Out::new());
    let id = SessionId::new(1).unwrap();
    let peer = PeerAddress::new(0, to);
    let mut client =
        Client::connect(config, RustCrypto, id, peer, now(), &mut random(), &mut out).unwrap();
    let mut buffer = [0; 2048];
    let (mut established, mut received) = (None, Vec::new());
    let deadline = Clock::now() + PATIENCE;
    while received.is_empty() {
        assert!(Clock::now() < deadline, "no answer; {}", foreign.output());
        while let Some(event) = out.next_event() {
            match event {
                Event::Established(it) => {
                    client.send(it.epoch, request, &mut answers).unwrap();
                    established = Some(it);
                }
                Event::Data { range, .. } => received.extend(out.payload(&range)),
                Event::HandshakeFailed { reason, .. } => panic!("{reason:?}; {}", foreign.output()),
                _ => {}
            }
        }
        for (_, octets) in out.datagrams().chain(answers.datagrams()) {
            socket.send_to(octets, to).unwrap();
        }
        out.clear();
        answers.clear();
        if let Ok((length, from)) = socket.recv_from(&mut buffer) {
            assert_eq!(from, to);
            client.datagram(now(), &buffer[..length], &mut out);
        }
        client.tick(now(), &mut out);
        prompt(foreign);
    }
    client.close(&mut out);
    for (_, octets) in out.datagrams() {
        socket.send_to(octets, to).unwrap();
    }
    (established.unwrap(), received)
}

#[test]
fn our_client_talks_to_openssl_server() {
    for suite in CipherSuite::ALL {
        for more in [
            &["-psk_hint", "3GPP-AKMA"][..],
            &["-listen"],
            &["-mtu", "256"],
        ] {
            let key = key_hex();
            let mut arguments = vec![
                "s_server",
                "-dtls1_2",
                "-accept",
                "127.0.0.1:0",
                "-nocert",
                "-psk",
                &key,
                "-psk_identity",
                IDENTITY,
                "-cipher",
                openssl_name(suite),
            ];
            arguments.extend(more);
            let mut foreign = Program::start("openssl", "openssl", &arguments);
            foreign.wait_for("ACCEPT 127.0.0.1:");
            let output = foreign.output();
            let port = output.split("ACCEPT 127.0.0.1:").nth(1).unwrap();
            let port = port.lines().next().unwrap().trim().parse().unwrap();
            let to = SocketAddr::from(([127, 0, 0, 1], port));
            let answer_line = |foreign: &mut Program| {
                if foreign.input.is_some() && foreign.output().contains("a line there") {
                    foreign.say("a line back\n");
                    foreign.input = None;
                }
            };
            let request = b"a line there\n";
            let (session, answer) =
                our_client_asks(to, &[suite], request, &mut foreign, answer_line);
            assert_eq!(answer, b"a line back\n");
            assert_eq!(session.suite, suite);
            assert!(session.extended_master_secret);
            foreign.wait_for("CONNECTION CLOSED");
        }
    }
}

/// A port that is free together with the one before it.
fn two_free_ports() -> u16 {
    loop {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        if UdpSocket::bind(("127.0.0.1", port - 1)).is_ok() {
            return port;
        }
    }
}

#[test]
fn our_client_talks_to_libcoap_servers_on_openssl_and_gnutls() {
    // Confirmable GET of the root, message id 1, token 2.
    const REQUEST: [u8; 5] = [0x41, 0x01, 0x00, 0x01, 0x02];
    for program in ["coap-server-openssl", "coap-server-gnutls"] {
        // The server takes a port for CoAP and the next one for CoAP over DTLS.
        let free = two_free_ports();
        let port = (free - 1).to_string();
        let key = String::from_utf8(KEY.to_vec()).unwrap();
        let arguments = [
            "-A",
            "127.0.0.1",
            "-p",
            &port,
            "-k",
            &key,
            "-h",
            "3GPP-AKMA",
            "-v",
            "7",
        ];
        let mut foreign = Program::start(program, "libcoap3-bin", &arguments);
        let to = SocketAddr::from(([127, 0, 0, 1], free));
        foreign.wait_for("DTLS endpoint");
        let suites = CipherSuite::ALL;
        let (_, answer) = our_client_asks(to, &suites, &REQUEST, &mut foreign, |_| {});
        assert_eq!(answer[..5], [0x61, 0x45, 0x00, 0x01, 0x02], "{program}");
    }
}

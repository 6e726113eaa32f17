//! A DTLS client that keeps every secret that its session makes.

use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant as Now};

use coap::{Code, Header, Kind, Message, MessageId, OptionNumber, OptionRef, Token};
use dtls::{
    AeadRefused, CipherSuite, Client, ClientConfig, Crypto, Event, Instant, Out, PeerAddress, Psk,
    RustCrypto, SessionId, Sha256Transcript,
};
use nf_runtime::random::Random;

use crate::process::LIMIT;

/// What one request brought.
pub(crate) struct Exchanged {
    /// The answer's code.
    pub(crate) code: Code,
    /// Master secret and traffic keys.
    pub(crate) secrets: Secrets,
}

/// Secrets with their names.
pub(crate) type Secrets = Vec<(&'static str, Vec<u8>)>;

/// Does a handshake, sends one confirmable request, takes the piggy-backed answer, and closes.
pub(crate) fn exchange(
    server: SocketAddr,
    identity: &[u8],
    key: &[u8],
    method: Code,
    path: &str,
    body: &[u8],
) -> Exchanged {
    let recorder = Recorder::default();
    let random = Random::system();
    let psk = Psk::try_from_slice(key).unwrap();
    let config = ClientConfig::new(identity, vec![(CipherSuite::PskAes128Ccm8, psk)]);
    let begun = Now::now();
    let now = || Instant::from_millis(begun.elapsed().as_millis().try_into().unwrap());
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();

    let mut out = Out::new();
    let mut client = Client::connect(
        config,
        recorder.clone(),
        SessionId::new(1).unwrap(),
        PeerAddress::new(0, server),
        now(),
        &mut |octets: &mut [u8]| random.fill(octets),
        &mut out,
    )
    .unwrap();
    let mut buffer = [0; 2_048];
    loop {
        assert!(begun.elapsed() < LIMIT, "no answer from {server}");
        let mut request = Out::new();
        while let Some(event) = out.next_event() {
            match event {
                Event::Established(established) => {
                    let message = message(method, path, body);
                    client
                        .send(established.epoch, &message, &mut request)
                        .unwrap();
                }
                Event::Data { range, .. } => {
                    let answer = Message::parse(out.payload(&range)).unwrap();
                    let code = answer.header.code;
                    let mut farewell = Out::new();
                    client.close(&mut farewell);
                    send(&socket, &farewell);
                    return Exchanged {
                        code,
                        secrets: recorder.take(),
                    };
                }
                Event::HandshakeFailed { reason, .. } => panic!("handshake failed: {reason:?}"),
                _ => {}
            }
        }
        send(&socket, &out);
        send(&socket, &request);
        out.clear();
        match socket.recv(&mut buffer) {
            Ok(length) => client.datagram(now(), &buffer[..length], &mut out),
            Err(_) => client.tick(now(), &mut out),
        }
    }
}

fn send(socket: &UdpSocket, out: &Out) {
    for (_, datagram) in out.datagrams() {
        socket.send(datagram).unwrap();
    }
}

fn message(method: Code, path: &str, body: &[u8]) -> Vec<u8> {
    let header = Header {
        kind: Kind::Confirmable,
        code: method,
        message_id: MessageId(1),
        token: Token::new(&[7]).unwrap(),
    };
    let path = OptionRef {
        number: OptionNumber::URI_PATH,
        value: path.as_bytes(),
    };
    let format = OptionRef {
        number: OptionNumber::CONTENT_FORMAT,
        value: &[50],
    };
    let options = std::iter::once(path).chain((!body.is_empty()).then_some(format));
    header.encode(options, body)
}

/// The primitives, and what passes through them.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Secrets>>);

impl Recorder {
    fn keep(&self, name: &'static str, key: &[u8]) {
        let mut kept = self.0.lock().unwrap();
        if !kept.iter().any(|(_, known)| known == key) {
            kept.push((name, key.to_vec()));
        }
    }

    fn take(&self) -> Secrets {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Crypto for Recorder {
    type Transcript = Sha256Transcript;

    fn seal(
        &self,
        suite: CipherSuite,
        key: &[u8; 16],
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> Result<(), AeadRefused> {
        self.keep("client's traffic key", key);
        RustCrypto.seal(suite, key, nonce, aad, in_out)
    }

    fn open(
        &self,
        suite: CipherSuite,
        key: &[u8; 16],
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> Result<(), AeadRefused> {
        self.keep("server's traffic key", key);
        RustCrypto.open(suite, key, nonce, aad, in_out)
    }

    fn hmac_sha256(&self, key: &[u8], message: &[&[u8]]) -> [u8; 32] {
        // RFC 5246 8.1: no other key of the handshake has 48 octets.
        if key.len() == 48 {
            self.keep("master secret", key);
        }
        RustCrypto.hmac_sha256(key, message)
    }

    fn transcript(&self) -> Sha256Transcript {
        RustCrypto.transcript()
    }

    fn equal(&self, left: &[u8], right: &[u8]) -> bool {
        RustCrypto.equal(left, right)
    }
}

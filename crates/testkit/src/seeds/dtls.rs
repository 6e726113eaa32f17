//! DTLS datagrams, and scripts of them.

use std::ops::Range;

use dtls::{
    CipherSuite, Client, ClientConfig, Event, Instant, Out, PeerAddress, Psk, PskAnswer,
    RustCrypto, Server, ServerConfig, SessionId,
};

const HANDSHAKE: u8 = 22;
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const DATA: u8 = 23;

/// Where the cookie stands in a hello: behind both headers, version, random, and the lengths of an empty session id and
/// of itself.
const COOKIE: Range<usize> = 61..77;

/// All datagrams of a session from hello to close, of both sides.
pub(crate) fn datagrams() -> Vec<Vec<u8>> {
    let (to_server, to_client) = session();
    [to_server, to_client].concat()
}

/// Bodies of handshake messages in the clear.
pub(crate) fn bodies() -> Vec<Vec<u8>> {
    // A record header is 13 octets long, the header of a handshake message 12.
    datagrams()
        .iter()
        .filter(|it| it.first() == Some(&HANDSHAKE))
        .filter_map(|it| it.get(25..))
        .map(Into::into)
        .collect()
}

/// Whole sessions of a client as steps: what to do, length in two octets, datagram.
pub(crate) fn server_scripts() -> Vec<Vec<u8>> {
    let (to_server, _) = session();
    let genuine = to_server
        .iter()
        .flat_map(|datagram| [step(0, datagram), step(4, &[0])].concat())
        .collect();
    // The same without cryptography: cookie and verify_data are zeros, nonce and tag are never looked at.
    let mut hello = to_server.get(1).cloned().unwrap_or_default();
    if let Some(cookie) = hello.get_mut(COOKIE) {
        cookie.fill(0);
    }
    let key_exchange = handshake(16, 2, &[&[0, 8], &b"identity"[..]].concat());
    let transparent = [
        step(0, &hello),
        step(0, &record(HANDSHAKE, 0, 2, &key_exchange)),
        step(0, &record(CHANGE_CIPHER_SPEC, 0, 3, &[1])),
        step(4, &[0]),
        rest_of_session(3),
    ];
    vec![genuine, transparent.concat()]
}

/// Finished, data, an answer, a wait and close_notify, all without cryptography.
fn rest_of_session(message_seq: u8) -> Vec<u8> {
    [
        step(
            0,
            &protected(HANDSHAKE, 0, &handshake(20, message_seq, &[0; 12])),
        ),
        step(0, &protected(DATA, 1, b"data")),
        step(6, b"answer"),
        step(5, &[200]),
        step(0, &protected(ALERT, 2, &[1, 0])),
    ]
    .concat()
}

/// Scripts for either side behind an octet that says how far a genuine handshake has come.
pub(crate) fn staged_scripts() -> Vec<Vec<u8>> {
    let (to_server, to_client) = session();
    let play = |stage: u8, said: &[Vec<u8>]| {
        let steps = said.iter().flat_map(|datagram| step(0, datagram));
        std::iter::once(stage)
            .chain(steps)
            .chain(step(5, &[10]))
            .chain(step(3, b"data"))
            .collect()
    };
    let clear = to_client
        .iter()
        .take(2)
        .flat_map(|datagram| step(0, datagram));
    let clear = std::iter::once(0)
        .chain(clear)
        .chain(step(0, &record(CHANGE_CIPHER_SPEC, 0, 9, &[1])))
        .chain(rest_of_session(LAST_CLEAR + 1))
        .collect();
    let staged = (0..12).flat_map(|stage| [play(stage, &to_server), play(stage, &to_client)]);
    staged.chain([clear]).collect()
}

/// Number of the server's last message before its Finished: hello request, hello, key exchange with hint, done.
const LAST_CLEAR: u8 = 3;

/// What each side got to hear in one session.
fn session() -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let mut random = counter();
    let now = Instant::from_millis(0);
    let address = |last| PeerAddress::new(0, ([192, 0, 2, last], 40_000).into());
    let key = || Psk::try_from_slice(&[0x5a; 32]).expect("the length is allowed");
    let keys = CipherSuite::ALL.map(|suite| (suite, key()));
    let mut server =
        Server::new(ServerConfig::default(), RustCrypto, now, &mut random).expect("defaults work");
    let mut out = Out::new();
    let id = SessionId::new(1).expect("one is not zero");
    let config = ClientConfig::new(b"identity", keys.to_vec());
    let mut client = Client::connect(
        config,
        RustCrypto,
        id,
        address(1),
        now,
        &mut random,
        &mut out,
    )
    .expect("a key is there");

    let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
    let mut epoch = None;
    loop {
        if epoch.is_some_and(|_| out.octets().is_empty()) {
            return (to_server, to_client);
        }
        let mut answer = Out::new();
        for (_, datagram) in out.datagrams() {
            to_server.push(datagram.to_vec());
            server.datagram(now, address(2), datagram, &mut random, &mut answer);
            while let Some(event) = answer.next_event() {
                if let Event::Lookup(lookup) = event {
                    let known = PskAnswer::Known {
                        key: key(),
                        expires: None,
                    };
                    server.psk(now, lookup.id, known, &mut random, &mut answer);
                }
            }
        }
        out.clear();
        for (_, datagram) in answer.datagrams() {
            to_client.push(datagram.to_vec());
            client.datagram(now, datagram, &mut out);
        }
        while let Some(event) = out.next_event() {
            if let Event::Established(established) = event {
                epoch = Some(established.epoch);
                client
                    .send(established.epoch, b"data", &mut out)
                    .expect("the session is open");
                client.close(&mut out);
            }
        }
    }
}

fn step(action: u8, octets: &[u8]) -> Vec<u8> {
    let length = u16::try_from(octets.len())
        .unwrap_or(u16::MAX)
        .to_be_bytes();
    [&[action], &length[..], octets].concat()
}

/// A DTLS record (RFC 6347, 4.1).
fn record(content_type: u8, epoch: u16, sequence: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes();
    let number = [&epoch.to_be_bytes()[..], &[0, 0, 0, 0, 0, sequence]].concat();
    [&[content_type, 0xfe, 0xfd], &number[..], &length, body].concat()
}

fn protected(content_type: u8, sequence: u8, plaintext: &[u8]) -> Vec<u8> {
    record(
        content_type,
        1,
        sequence,
        &[&[0; 8], plaintext, &[0; 8]].concat(),
    )
}

/// A handshake message in one fragment (RFC 6347, 4.2.2).
fn handshake(message_type: u8, sequence: u8, body: &[u8]) -> Vec<u8> {
    let length = [0, 0, u8::try_from(body.len()).unwrap_or(u8::MAX)];
    [
        &[message_type],
        &length[..],
        &[0, sequence, 0, 0, 0],
        &length,
        body,
    ]
    .concat()
}

fn counter() -> impl FnMut(&mut [u8]) {
    let mut next = 0_u8;
    move |octets| {
        for octet in octets {
            next = next.wrapping_add(1);
            *octet = next;
        }
    }
}

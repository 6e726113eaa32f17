//! Entry points for fuzzing: any input, never a panic.
//!
//! Scripts are sequences of steps: one octet of what to do, two of length, then as many octets.

mod oracle;
mod transparent;

use alloc::vec::Vec;

use self::oracle::ServerUnderTest;
use self::transparent::Transparent;
use crate::alert::Alert;
use crate::codec::Reader;
use crate::handshake::client_hello::{HelloStart, Offer};
use crate::handshake::extensions::ClientExtensions;
use crate::handshake::{Fragment, hello_verify, key_exchange, server_hello};
use crate::record::Record;
use crate::{
    CipherSuite, Client, ClientConfig, Crypto, Event, Instant, Out, PeerAddress, Psk, RustCrypto,
    ServerConfig, SessionId,
};

/// Reads `data` as a datagram: records, and in each fragments and alerts.
pub fn fuzz_record(data: &[u8]) {
    let mut reader = Reader::new(data);
    while let Ok(record) = Record::parse(&mut reader) {
        let _ = Alert::parse(record.body);
        let mut messages = Reader::new(record.body);
        while Fragment::parse(&mut messages).is_ok() {}
    }
}

/// Reads `data` as the body of every handshake message that has a reader.
///
/// # Panics
///
/// If an extension table comes back changed after encoding and reading again.
pub fn fuzz_handshake_message(data: &[u8]) {
    let _ = hello_verify::parse(data);
    let _ = key_exchange::parse(data);
    let offered = ClientExtensions {
        server_name: Some("a.test".into()),
        extended_master_secret: true,
        renegotiation_info: true,
    };
    let _ = server_hello::parse(data, &CipherSuite::ALL, &offered);
    let offer = HelloStart::parse(data).map(|start| Offer::parse(&start));
    let table = ClientExtensions::parse(Reader::new(data));
    for extensions in (offer
        .ok()
        .and_then(Result::ok)
        .map(|offer| offer.extensions))
    .into_iter()
    .chain(table.ok())
    {
        let mut octets = Vec::new();
        extensions.encode(&mut octets);
        let again = ClientExtensions::parse(Reader::new(&octets));
        assert!(again == Ok(extensions), "encoding changed a table");
    }
}

/// Feeds `data` as one datagram to a server that knows nobody.
///
/// # Panics
///
/// If the server keeps something, or answers with more than it got.
pub fn fuzz_server_datagram(data: &[u8]) {
    let mut server = ServerUnderTest::new(RustCrypto, ServerConfig::default());
    server.datagram(0, data);
    assert!(
        server.engine.handshake_count() == 0,
        "a stranger was remembered"
    );
    assert!(
        server.engine.next_timeout().is_none(),
        "a stranger set a timer"
    );
}

/// Plays a script to a server whose cryptography lets everything pass, so that raw octets reach
/// every state.
///
/// # Panics
///
/// If an event comes that the state does not allow, or the server never comes to rest.
pub fn fuzz_server_states(data: &[u8]) {
    let mut server = ServerUnderTest::new(Transparent, ServerConfig::default());
    server.play(data);
    server.rest();
}

/// Plays a script to a server in the middle of, or after, a genuine handshake.
///
/// The first octet says how far the handshake has come.
///
/// # Panics
///
/// If an event comes that the state does not allow, a forged record yields data, or the server
/// never comes to rest.
pub fn fuzz_server_after_prefix(data: &[u8]) {
    let Some((stage, script)) = data.split_first() else {
        return;
    };
    let mut server = ServerUnderTest::new(RustCrypto, ServerConfig::default());
    genuine_handshake(&mut server, stage % 6);
    let before = server.data_count;
    server.play(script);
    assert!(server.data_count == before, "forged data was delivered");
    server.rest();
}

/// Plays a script of datagrams to a client; the first octet chooses between a client whose
/// cryptography lets everything pass and a genuine one in the middle of a handshake.
///
/// # Panics
///
/// If an event comes that the state does not allow.
pub fn fuzz_client(data: &[u8]) {
    let Some((stage, script)) = data.split_first() else {
        return;
    };
    if stage & 1 == 0 {
        let (mut client, _) = client(Transparent);
        play_client(&mut client, script);
    } else {
        let mut server = ServerUnderTest::new(RustCrypto, ServerConfig::default());
        let mut client = genuine_handshake(&mut server, (stage >> 1) % 6);
        play_client(&mut client, script);
    }
}

/// Splits the next step off a script.
fn next_step<'a>(script: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let mut reader = Reader::new(script);
    let action = reader.u8().ok()?;
    let length = usize::from(reader.u16().ok()?).min(reader.rest().len());
    let octets = reader.take(length).ok()?;
    *script = reader.rest();
    Some((action, octets))
}

fn counting_random() -> impl FnMut(&mut [u8]) {
    let mut next = 0_u8;
    move |octets| {
        for octet in octets {
            next = next.wrapping_add(1);
            *octet = next;
        }
    }
}

fn address(last: u8) -> PeerAddress {
    PeerAddress::new(0, ([192, 0, 2, last], 40_000).into())
}

fn key() -> Psk {
    Psk::random([0x5a; 32])
}

/// A client that has just begun, and its hello.
fn client<C: Crypto>(crypto: C) -> (Client<C>, Vec<Vec<u8>>) {
    let keys = CipherSuite::ALL.map(|suite| (suite, key()));
    let mut out = Out::new();
    let client = Client::connect(
        ClientConfig::new(b"identity", keys.to_vec()),
        crypto,
        SessionId::FIRST,
        address(1),
        Instant::from_millis(0),
        &mut counting_random(),
        &mut out,
    )
    .expect("the configuration is complete");
    let hello = out.datagrams().map(|(_, octets)| octets.to_vec()).collect();
    (client, hello)
}

/// Runs a handshake with the server for so many exchanges of datagrams.
fn genuine_handshake(
    server: &mut ServerUnderTest<RustCrypto>,
    exchanges: u8,
) -> Client<RustCrypto> {
    let (mut client, mut to_server) = client(RustCrypto);
    for _ in 0..exchanges {
        let mut to_client = Vec::new();
        for octets in to_server.drain(..) {
            to_client.extend(server.datagram(0, &octets));
        }
        to_client.extend(server.answer(0));
        let mut out = Out::new();
        for octets in to_client {
            client.datagram(Instant::from_millis(0), &octets, &mut out);
        }
        to_server = out.datagrams().map(|(_, octets)| octets.to_vec()).collect();
    }
    client
}

fn play_client<C: Crypto>(client: &mut Client<C>, mut script: &[u8]) {
    let mut now = 0;
    let (mut is_established, mut is_ended) = (false, false);
    while let Some((action, octets)) = next_step(&mut script) {
        let mut out = Out::new();
        match action % 4 {
            0 | 1 => client.datagram(Instant::from_millis(now), octets, &mut out),
            2 => {
                now += 250 * u64::from(octets.len() as u16);
                client.tick(Instant::from_millis(now), &mut out);
            }
            _ => {
                let _ = client.send(1, octets, &mut out);
            }
        }
        while let Some(event) = out.next_event() {
            assert!(!is_ended, "an event after the end");
            match event {
                Event::Established(_) => {
                    assert!(!is_established, "established twice");
                    is_established = true;
                }
                Event::Closed { .. } | Event::HandshakeFailed { .. } => is_ended = true,
                Event::Data { range, .. } => {
                    assert!(!out.payload(&range).is_empty(), "no data");
                }
                Event::Lookup(_) => unreachable!("a client looks nothing up"),
            }
        }
    }
}

#[cfg(test)]
mod tests;

//! What one peer, one network, and all of them together may cost.

use std::time::Duration;

use dtls::{AlertDescription, FailureReason, PeerAddress, ServerConfig};

use crate::pair::{
    ServerSide, address, client_config, device, fatal_alert, until_client_flight,
    until_server_flight,
};
use crate::wire::{HANDSHAKE, Hello, Record, fragment, records};

/// Brings a handshake to the point where the server waits for the client's key exchange.
fn begin(server: &mut ServerSide, from: PeerAddress) -> Vec<Vec<u8>> {
    let mut hello = Hello::default();
    let request = server.datagram(from, &hello.datagram(0, 0)).remove(0);
    hello.cookie = records(&request)[0].body[15..].to_vec();
    server.datagram(from, &hello.datagram(1, 1))
}

#[test]
fn handshakes_are_limited_in_total_and_room_comes_back() {
    let mut server = ServerSide::new(ServerConfig {
        max_handshakes: 3,
        ..ServerConfig::default()
    });
    for host in 1..=3 {
        assert!(!begin(&mut server, address(&format!("198.51.{host}.1:1"))).is_empty());
    }
    assert!(begin(&mut server, address("203.0.113.1:1")).is_empty());
    assert_eq!(server.engine.handshake_count(), 3);
    server.pass(Duration::from_secs(30));
    assert_eq!(server.engine.handshake_count(), 0);
    assert!(!begin(&mut server, address("203.0.113.1:1")).is_empty());
}

#[test]
fn handshakes_are_limited_by_prefix() {
    let mut server = ServerSide::new(ServerConfig {
        max_handshakes_per_prefix: 2,
        ..ServerConfig::default()
    });
    for (at, begins) in [
        ("198.51.100.1:1", true),
        ("198.51.100.2:1", true),
        ("198.51.100.3:1", false),
        ("198.51.101.1:1", true),
        ("[2001:db8::1]:1", true),
        ("[2001:db8:0:7::1]:1", true),
        ("[2001:db8:0:ff::1]:1", false),
        ("[2001:db8:0:100::1]:1", true),
    ] {
        assert_eq!(!begin(&mut server, address(at)).is_empty(), begins, "{at}");
    }
    server.pass(Duration::from_secs(30));
    assert!(!begin(&mut server, address("198.51.100.3:1")).is_empty());
}

#[test]
fn established_sessions_do_not_count_as_handshakes_but_have_their_own_limit() {
    let mut server = ServerSide::new(ServerConfig {
        max_handshakes: 1,
        max_sessions: 1,
        ..ServerConfig::default()
    });
    let (mut client, flight) = until_client_flight(&mut server, client_config(), 4);
    crate::pair::complete(&mut server, &mut client, &flight);
    assert_eq!(server.engine.handshake_count(), 0);
    assert!(begin(&mut server, address("203.0.113.1:1")).is_empty());
    // A device that begins anew takes its own place.
    assert!(!begin(&mut server, device()).is_empty());
    server.pass(Duration::from_secs(30));
    let session = server.established[0].session;
    server.call(|engine, out| engine.close(session, out));
    assert!(!begin(&mut server, address("203.0.113.1:1")).is_empty());
}

#[test]
fn a_handshake_is_forgotten_after_thirty_seconds() {
    let mut server = ServerSide::new(ServerConfig::default());
    begin(&mut server, device());
    let before = server.sent.len();
    server.pass(Duration::from_millis(29_999));
    assert_eq!(server.engine.handshake_count(), 1);
    // After 1, 3, 7 and 15 seconds.
    assert_eq!(server.sent.len() - before, 4);
    server.pass(Duration::from_millis(1));
    assert_eq!(server.engine.handshake_count(), 0);
    assert_eq!(server.failed[0].1, FailureReason::TimedOut);
    assert_eq!(server.engine.next_timeout(), None);
}

#[test]
fn the_client_gives_up_after_its_deadline() {
    let (mut client, hello) = crate::pair::ClientSide::connect(client_config(), 5);
    assert_eq!(hello.len(), 1);
    assert_eq!(client.pass(Duration::from_secs(30)).len(), 4);
    assert_eq!(client.failed, Some(FailureReason::TimedOut));
    assert_eq!(client.engine.next_timeout(), None);
}

#[test]
fn an_identity_of_513_octets_is_refused() {
    let mut server = ServerSide::new(ServerConfig::default());
    begin(&mut server, device());
    let mut body = 513_u16.to_be_bytes().to_vec();
    body.extend([b'i'; 513]);
    let message = fragment(16, 2, &body, 0..body.len());
    let octets = Record::clear(HANDSHAKE, 2, &message).encode();
    let answer = server.datagram(device(), &octets);
    assert_eq!(fatal_alert(&answer), Some(AlertDescription::DECODE_ERROR));
    assert!(server.lookups.is_empty());
}

#[test]
fn messages_that_announce_too_much_are_not_put_together() {
    let mut server = ServerSide::new(ServerConfig::default());
    begin(&mut server, device());
    for (kind, length) in [(16, 1025), (16, 0xff_ffff), (1, 4097)] {
        let mut octets = vec![kind];
        octets.extend(&u32::to_be_bytes(length)[1..]);
        octets.extend([0, 2, 0, 0, 0, 0, 0, 1, 0]);
        let octets = Record::clear(HANDSHAKE, 9, &octets).encode();
        assert!(server.datagram(device(), &octets).is_empty());
    }
    assert_eq!(server.engine.handshake_count(), 1);
}

#[test]
fn an_identity_in_nine_scattered_pieces_needs_a_repetition() {
    let mut server = ServerSide::new(ServerConfig::default());
    begin(&mut server, device());
    let mut body = 38_u16.to_be_bytes().to_vec();
    body.extend([b'i'; 38]);
    let piece = |at: usize| {
        let message = fragment(16, 2, &body, at..at + 2);
        Record::clear(HANDSHAKE, at as u64, &message).encode()
    };
    for at in (0..40).step_by(4) {
        server.datagram(device(), &piece(at));
    }
    for at in (2..40).step_by(4) {
        server.datagram(device(), &piece(at));
    }
    assert!(server.lookups.is_empty());
    for at in [32, 36] {
        server.datagram(device(), &piece(at));
    }
    assert_eq!(server.lookups.len(), 1);
}

#[test]
fn a_message_out_of_its_place_ends_the_handshake() {
    // Certificate, CertificateVerify, a second ServerHello, Finished in the clear.
    for kind in [0, 2, 3, 11, 15, 20, 255] {
        let mut server = ServerSide::new(ServerConfig::default());
        begin(&mut server, device());
        let message = fragment(kind, 2, &[0; 12], 0..12);
        let octets = Record::clear(HANDSHAKE, 2, &message).encode();
        let answer = server.datagram(device(), &octets);
        let alert = AlertDescription::UNEXPECTED_MESSAGE;
        assert_eq!(fatal_alert(&answer), Some(alert), "type {kind}");
        assert_eq!(server.failed[0].1, FailureReason::Refused(alert));
    }
}

#[test]
fn a_flight_is_not_repeated_without_end() {
    let mut server = ServerSide::new(ServerConfig {
        handshake_timeout: Duration::from_secs(1_000_000),
        ..ServerConfig::default()
    });
    let (_, flight) = until_server_flight(&mut server, client_config(), 4);
    assert!(!flight.is_empty());
    let before = server.sent.len();
    server.pass(Duration::from_secs(900_000));
    assert_eq!(server.sent.len() - before, 12);
}

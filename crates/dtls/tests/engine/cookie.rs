//! The stateless front door (RFC 6347 4.2.1).

use std::time::Duration;

use dtls::ServerConfig;

use crate::pair::{ServerSide, address, device};
use crate::wire::{Hello, records};

const PERIOD: Duration = Duration::from_secs(60);

fn server() -> ServerSide {
    ServerSide::new(ServerConfig::default())
}

fn with_cookie(server: &mut ServerSide) -> Hello {
    let mut hello = Hello::default();
    let request = server.datagram(device(), &hello.datagram(0, 0)).remove(0);
    hello.cookie = records(&request)[0].body[15..].to_vec();
    hello
}

/// Whether the answer is a HelloVerifyRequest and nothing was kept.
fn is_asked_again(server: &ServerSide, answer: &[Vec<u8>]) -> bool {
    assert_eq!(answer.len(), 1);
    let is_request = records(&answer[0])[0].message_type() == Some(3);
    assert_eq!(server.engine.handshake_count(), usize::from(!is_request));
    is_request
}

#[test]
fn a_hello_without_cookie_leaves_nothing_and_gets_no_more_than_it_sent() {
    let mut server = server();
    let timer_before = server.engine.next_timeout();
    for port in 1..=1000 {
        let octets = Hello::default().datagram(0, 0);
        let answer = server.datagram(address(&format!("198.51.100.9:{port}")), &octets);
        assert!(is_asked_again(&server, &answer));
        assert!(answer[0].len() <= octets.len());
    }
    assert_eq!(server.engine.next_timeout(), timer_before);
    assert!(server.failed.is_empty() && server.lookups.is_empty());
}

#[test]
fn even_the_smallest_piece_of_a_hello_gets_no_more_than_it_sent() {
    let mut server = server();
    for piece in 1..60 {
        let octets = Hello::default().pieces(0, piece).remove(0);
        let answer = server.datagram(device(), &octets);
        assert!(answer.iter().map(Vec::len).sum::<usize>() <= octets.len());
    }
    assert_eq!(server.engine.handshake_count(), 0);
}

#[test]
fn a_right_cookie_is_taken() {
    let mut server = server();
    let hello = with_cookie(&mut server);
    let answer = server.datagram(device(), &hello.datagram(1, 1));
    assert!(!is_asked_again(&server, &answer));
}

#[test]
fn every_changed_octet_of_hello_or_cookie_is_asked_again() {
    let mut server = server();
    let hello = with_cookie(&mut server);
    let octets = hello.datagram(1, 1);
    // The compression list's length and all lengths before it are left alone: a hello that is
    // not one is dropped.
    let body = 13 + 12;
    let lengths = [body + 34, body + 35];
    for at in body..octets.len() {
        if lengths.contains(&at) {
            continue;
        }
        for bit in 0..8 {
            let mut changed = octets.clone();
            changed[at] ^= 1 << bit;
            let answer = server.datagram(device(), &changed);
            assert!(is_asked_again(&server, &answer), "octet {at} bit {bit}");
        }
    }
}

#[test]
fn cookies_of_other_lengths_are_asked_again() {
    let mut server = server();
    let hello = with_cookie(&mut server);
    for length in 0..hello.cookie.len() {
        let mut short = hello.clone();
        short.cookie.truncate(length);
        let answer = server.datagram(device(), &short.datagram(1, 1));
        assert!(is_asked_again(&server, &answer));
    }
    let mut long = hello;
    long.cookie.push(0);
    let answer = server.datagram(device(), &long.datagram(1, 1));
    assert!(is_asked_again(&server, &answer));
}

#[test]
fn a_cookie_of_another_address_or_port_is_asked_again() {
    let mut server = server();
    let hello = with_cookie(&mut server);
    for other in [
        "192.0.2.7:40001",
        "192.0.2.8:40000",
        "[::ffff:192.0.2.7]:40000",
    ] {
        let answer = server.datagram(address(other), &hello.datagram(1, 1));
        assert!(is_asked_again(&server, &answer), "{other}");
    }
}

#[test]
fn a_cookie_outlives_one_rotation_and_not_two() {
    let mut server = server();
    let hello = with_cookie(&mut server);
    server.pass(PERIOD);
    let fresh = with_cookie(&mut server);
    assert_ne!(hello.cookie, fresh.cookie);
    let answer = server.datagram(device(), &hello.datagram(1, 1));
    assert!(!is_asked_again(&server, &answer));

    let mut server = self::server();
    let hello = with_cookie(&mut server);
    for _ in 0..2 {
        server.pass(PERIOD);
        with_cookie(&mut server);
    }
    let answer = server.datagram(device(), &hello.datagram(1, 1));
    assert!(is_asked_again(&server, &answer));
}

#[test]
fn a_cookie_is_never_older_than_two_periods_whenever_hellos_come() {
    let mut server = server();
    let hello = with_cookie(&mut server);
    server.pass(2 * PERIOD - Duration::from_millis(1));
    with_cookie(&mut server);
    server.pass(Duration::from_millis(1));
    let answer = server.datagram(device(), &hello.datagram(1, 1));
    assert!(is_asked_again(&server, &answer));
}

#[test]
fn a_cookie_does_not_survive_two_quiet_periods() {
    let mut server = server();
    let hello = with_cookie(&mut server);
    server.pass(2 * PERIOD);
    let answer = server.datagram(device(), &hello.datagram(1, 1));
    assert!(is_asked_again(&server, &answer));
}

#[test]
fn a_repeated_hello_gets_the_flight_again_and_no_second_handshake() {
    let mut server = server();
    let hello = with_cookie(&mut server);
    let first = server.datagram(device(), &hello.datagram(1, 1));
    let again = server.datagram(device(), &hello.datagram(2, 1));
    assert_eq!(server.engine.handshake_count(), 1);
    let bodies = |flight: &[Vec<u8>]| -> Vec<Vec<u8>> {
        let records = flight.iter().flat_map(|octets| records(octets));
        records.map(|record| record.body).collect()
    };
    assert_eq!(bodies(&first), bodies(&again));
    // The same messages, but under new record numbers.
    assert!(records(&again[0])[0].sequence > records(&first[0])[2].sequence);
}

#[test]
fn repeated_hellos_do_not_make_the_server_send_without_end() {
    let mut server = server();
    let hello = with_cookie(&mut server);
    let answers = (0..100).filter(|number| {
        !server
            .datagram(device(), &hello.datagram(1 + number, 1))
            .is_empty()
    });
    assert!(answers.count() <= 13);
}

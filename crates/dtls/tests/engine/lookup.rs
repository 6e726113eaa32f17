//! Keys that arrive later than the records that need them.

use std::time::Duration;

use dtls::{AlertDescription, FailureReason, Instant, Psk, PskAnswer, ServerConfig};

use crate::pair::{
    ServerSide, client_config, complete, device, fatal_alert, known, until_client_flight,
};
use crate::wire::{Hello, records};

fn server() -> ServerSide {
    ServerSide::new(ServerConfig::default())
}

// RFC 6347 4.2.4: records may arrive in any order.
#[test]
fn every_order_of_the_client_flight_completes_before_and_after_the_key() {
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    for order in orders {
        for answered_after in 0..=3 {
            let mut server = server();
            let (mut client, flight) = until_client_flight(&mut server, client_config(), 4);
            let parts = records(&flight[0]);
            assert_eq!(parts.len(), 3);
            let mut sent = Vec::new();
            for (count, part) in order.into_iter().enumerate() {
                if count == answered_after && !server.lookups.is_empty() {
                    sent.extend(server.answer(known()));
                }
                sent.extend(server.datagram(device(), &parts[part].encode()));
            }
            if !server.lookups.is_empty() {
                sent.extend(server.answer(known()));
            }
            assert_eq!(server.established.len(), 1, "{order:?} {answered_after}");
            for octets in sent {
                client.datagram(&octets);
            }
            assert!(client.established.is_some());
        }
    }
}

#[test]
fn a_client_that_repeats_itself_during_the_lookup_asks_no_second_time() {
    let mut server = server();
    let (mut client, flight) = until_client_flight(&mut server, client_config(), 4);
    for _ in 0..3 {
        server.datagram(device(), &flight[0]);
    }
    for octets in client.pass(Duration::from_secs(8)) {
        server.datagram(device(), &octets);
    }
    assert_eq!(server.lookups.len(), 1);
    for octets in server.answer(known()) {
        client.datagram(&octets);
    }
    assert!(client.established.is_some());
    assert_eq!(server.established.len(), 1);
}

#[test]
fn a_second_handshake_waits_until_the_lookup_of_the_first_is_answered() {
    let mut server = server();
    let (_, flight) = until_client_flight(&mut server, client_config(), 4);
    server.datagram(device(), &flight[0]);
    let mut hello = Hello::default();
    let request = server.datagram(device(), &hello.datagram(0, 0)).remove(0);
    hello.cookie = records(&request)[0].body[15..].to_vec();
    assert!(server.datagram(device(), &hello.datagram(1, 1)).is_empty());
    server.answer(PskAnswer::Unknown);
    assert!(!server.datagram(device(), &hello.datagram(2, 1)).is_empty());
    assert_eq!(server.lookups.len(), 0);
}

/// Runs a handshake that must fail and returns everything the server sent after the lookup.
fn failing(answer: PskAnswer) -> (Vec<Vec<u8>>, FailureReason) {
    let mut server = server();
    let (_, flight) = until_client_flight(&mut server, client_config(), 4);
    let mut sent = Vec::new();
    for octets in &flight {
        sent.extend(server.datagram(device(), octets));
    }
    sent.extend(server.answer(answer));
    assert!(server.established.is_empty());
    assert_eq!(server.engine.handshake_count(), 0);
    (sent, server.failed[0].1)
}

// RFC 4279 2: the peer must not learn whether the identity exists.
#[test]
fn an_unknown_identity_and_a_wrong_key_look_the_same() {
    let wrong = PskAnswer::Known {
        key: Psk::try_from_slice(&[1; 32]).unwrap(),
        expires: None,
    };
    let (for_unknown, reason) = failing(PskAnswer::Unknown);
    let (for_wrong, other_reason) = failing(wrong);
    assert_eq!(for_unknown, for_wrong);
    assert_eq!(reason, other_reason);
    assert_eq!(reason, FailureReason::WrongKey);
    assert_eq!(
        fatal_alert(&for_wrong),
        Some(AlertDescription::DECRYPT_ERROR)
    );
}

#[test]
fn a_lookup_that_cannot_be_answered_is_told_at_once() {
    let (sent, reason) = failing(PskAnswer::Unavailable);
    assert_eq!(fatal_alert(&sent), Some(AlertDescription::INTERNAL_ERROR));
    assert_eq!(reason, FailureReason::LookupUnavailable);
}

#[test]
fn the_client_learns_that_it_was_refused() {
    let mut server = server();
    let (mut client, flight) = until_client_flight(&mut server, client_config(), 4);
    server.datagram(device(), &flight[0]);
    for octets in server.answer(PskAnswer::Unknown) {
        client.datagram(&octets);
    }
    let alert = AlertDescription::DECRYPT_ERROR;
    assert_eq!(client.failed, Some(FailureReason::PeerAlert(alert)));
}

#[test]
fn a_late_or_second_answer_does_nothing() {
    let mut server = server();
    let (mut client, flight) = until_client_flight(&mut server, client_config(), 4);
    for octets in &flight {
        server.datagram(device(), octets);
    }
    let lookup = server.lookups[0].clone();
    complete(&mut server, &mut client, &[]);
    assert!(server.answer_to(&lookup, PskAnswer::Unknown).is_empty());
    assert_eq!(server.engine.session_count(), 1);

    let mut server = self::server();
    let (_, flight) = until_client_flight(&mut server, client_config(), 4);
    server.datagram(device(), &flight[0]);
    server.pass(Duration::from_secs(30));
    assert_eq!(server.failed[0].1, FailureReason::TimedOut);
    assert!(server.answer(known()).is_empty());
    assert_eq!(
        (server.engine.session_count(), server.established.len()),
        (0, 0)
    );
}

#[test]
fn a_key_ends_its_session() {
    let mut server = server();
    let (mut client, flight) = until_client_flight(&mut server, client_config(), 4);
    server.datagram(device(), &flight[0]);
    let expires = server.now.saturating_add(Duration::from_secs(5));
    let answer = PskAnswer::Known {
        key: Psk::try_from_slice(&crate::pair::KEY).unwrap(),
        expires: Some(expires),
    };
    for octets in server.answer(answer) {
        client.datagram(&octets);
    }
    let session = server.established[0].session;
    assert_eq!(server.engine.session(session).unwrap().expires, expires);
    assert_eq!(server.engine.next_timeout(), Some(expires));
    for octets in server.pass(Duration::from_secs(5)) {
        client.datagram(&octets);
    }
    assert_eq!(server.closed, [(session, dtls::CloseReason::Expired)]);
    assert_eq!(client.closed, Some(dtls::CloseReason::PeerClosed));
    assert_eq!(server.engine.next_timeout(), None);
}

#[test]
fn a_key_that_lives_long_does_not_extend_the_session_lifetime() {
    let mut server = server();
    let (_, flight) = until_client_flight(&mut server, client_config(), 4);
    server.datagram(device(), &flight[0]);
    let answer = PskAnswer::Known {
        key: Psk::try_from_slice(&crate::pair::KEY).unwrap(),
        expires: Some(Instant::from_millis(u64::MAX)),
    };
    server.answer(answer);
    let day = Duration::from_secs(24 * 60 * 60);
    let session = server.established[0].session;
    let expires = server.engine.session(session).unwrap().expires;
    assert_eq!(expires, server.now.saturating_add(day));
}

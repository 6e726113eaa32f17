//! Life and end of an established session.

use std::time::Duration;

use dtls::{AlertDescription, CloseReason, Out, PskAnswer, SendError, ServerConfig, SessionId};

use crate::pair::{
    ClientSide, ServerSide, client_config, complete, device, established, known,
    until_client_flight,
};
use crate::wire::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, Record, records};

fn pair() -> (ServerSide, ClientSide, SessionId) {
    let (server, client) = established(ServerConfig::default(), client_config());
    let session = server.established[0].session;
    (server, client, session)
}

/// Whether the session still carries a request and its answer.
fn lives(server: &mut ServerSide, client: &mut ClientSide, session: SessionId) -> bool {
    let (to, from) = (server.data.len(), client.data.len());
    let request = client.send(b"still there?");
    server.datagram(device(), &request);
    if server.data.len() == to {
        return false;
    }
    for octets in server.send(session, 1, b"yes") {
        client.datagram(&octets);
    }
    client.data.len() == from + 1
}

// RFC 6347 4.1.2.6
#[test]
fn a_replayed_record_is_dropped_and_a_late_one_taken() {
    let (mut server, mut client, session) = pair();
    let sent: Vec<Vec<u8>> = (0..80_u8).map(|number| client.send(&[number])).collect();
    for number in [0, 79, 20, 20, 0, 79, 10] {
        server.datagram(device(), &sent[number]);
    }
    let taken: Vec<u8> = server.data.iter().map(|(_, _, data)| data[0]).collect();
    // 10 lies outside the window of 64 below 79 plus the handshake's own records.
    assert_eq!(taken, [0, 79, 20]);
    assert!(lives(&mut server, &mut client, session));
}

// RFC 6347 4.1.2.7
#[test]
fn garbage_is_dropped_in_silence() {
    let (mut server, mut client, session) = pair();
    let good = client.send(b"data");
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        assert!(server.datagram(device(), &bad).is_empty(), "octet {at}");
        assert!(server.datagram(device(), &good[..at]).is_empty());
    }
    assert!(server.data.is_empty());
    assert!(server.engine.session(session).unwrap().failed_records > 0);
    server.datagram(device(), &good);
    assert_eq!(server.data.len(), 1);
    assert!(lives(&mut server, &mut client, session));
}

#[test]
fn records_of_other_epochs_are_dropped() {
    let (mut server, mut client, session) = pair();
    for epoch in [0, 2, 0xffff] {
        let mut record = records(&client.send(b"data")).remove(0);
        record.epoch = epoch;
        assert!(server.datagram(device(), &record.encode()).is_empty());
    }
    assert!(server.data.is_empty());
    assert!(lives(&mut server, &mut client, session));
}

#[test]
fn records_from_another_address_are_dropped() {
    let (mut server, mut client, _) = pair();
    let octets = client.send(b"data");
    assert!(
        server
            .datagram(crate::pair::address("192.0.2.8:40000"), &octets)
            .is_empty()
    );
    assert!(server.data.is_empty());
}

#[test]
fn unprotected_records_do_not_touch_the_session() {
    let (mut server, mut client, session) = pair();
    for (content_type, body) in [
        (ALERT, &[2, 40][..]),
        (ALERT, &[1, 0]),
        (APPLICATION_DATA, b"data"),
        (CHANGE_CIPHER_SPEC, &[1]),
        (HANDSHAKE, &[20, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0]),
    ] {
        let octets = Record::clear(content_type, 9, body).encode();
        assert!(server.datagram(device(), &octets).is_empty());
        assert!(client.datagram(&octets).is_empty());
    }
    assert!(server.closed.is_empty() && client.closed.is_none() && server.data.is_empty());
    assert!(lives(&mut server, &mut client, session));
}

// RFC 5246 7.2.1
#[test]
fn close_notify_ends_the_session_on_both_sides() {
    let (mut server, mut client, session) = pair();
    for octets in client.close() {
        server.datagram(device(), &octets);
    }
    assert_eq!(server.closed, [(session, CloseReason::PeerClosed)]);
    assert_eq!(client.closed, Some(CloseReason::LocalClose));
    assert_eq!(server.engine.session_count(), 0);
    assert_eq!(server.engine.next_timeout(), None);

    let (mut server, mut client, session) = pair();
    let sent = server.call(|engine, out| engine.close(session, out));
    let mut answers = Vec::new();
    for octets in sent {
        answers.extend(client.datagram(&octets));
    }
    assert_eq!(server.closed, [(session, CloseReason::LocalClose)]);
    assert_eq!(client.closed, Some(CloseReason::PeerClosed));
    assert_eq!(answers.len(), 1);
    assert!(server.datagram(device(), &answers[0]).is_empty());
}

#[test]
fn a_revoked_session_ends_with_access_denied() {
    let (mut server, mut client, session) = pair();
    for octets in server.call(|engine, out| engine.revoke(session, out)) {
        client.datagram(&octets);
    }
    assert_eq!(server.closed, [(session, CloseReason::Revoked)]);
    let denied = CloseReason::PeerAlert(AlertDescription::ACCESS_DENIED);
    assert_eq!(client.closed, Some(denied));
    assert!(server.engine.session(session).is_none());
}

#[test]
fn revoking_a_handshake_keeps_it_from_becoming_a_session() {
    let mut server = ServerSide::new(ServerConfig::default());
    let (_, flight) = until_client_flight(&mut server, client_config(), 4);
    server.datagram(device(), &flight[0]);
    let session = server.lookups[0].session;
    server.call(|engine, out| engine.revoke(session, out));
    server.answer(known());
    assert!(server.established.is_empty());
    assert_eq!(server.failed, [(session, dtls::FailureReason::Revoked)]);
}

// RFC 6347 4.2.4
#[test]
fn a_repeated_finished_gets_the_identical_final_flight() {
    let mut server = ServerSide::new(ServerConfig::default());
    let (mut client, flight) = until_client_flight(&mut server, client_config(), 4);
    server.datagram(device(), &flight[0]);
    let first = server.answer(known());
    let repeated = client.pass(Duration::from_secs(1));
    assert_ne!(
        repeated[0], flight[0],
        "a retransmission has new record numbers"
    );
    let second = server.datagram(device(), &repeated[0]);
    assert_eq!(first, second);
    for octets in second {
        client.datagram(&octets);
    }
    assert!(client.established.is_some());
    // Once the client has shown that it has the flight, there is nothing to repeat.
    server.datagram(device(), &client.send(b"data"));
    assert_eq!(server.data.len(), 1);
    assert_eq!(server.established.len(), 1);
}

// RFC 6347 4.2.8
#[test]
fn a_new_handshake_leaves_the_old_session_until_finished() {
    let (mut server, mut old, old_session) = pair();
    let (mut client, flight) = until_client_flight(&mut server, client_config(), 99);
    assert!(lives(&mut server, &mut old, old_session));
    server.datagram(device(), &flight[0]);
    assert!(lives(&mut server, &mut old, old_session));
    assert!(server.closed.is_empty());
    for octets in server.answer(known()) {
        client.datagram(&octets);
    }
    let session = server.established[1].session;
    assert_ne!(session, old_session);
    assert_eq!(
        server.closed,
        [(old_session, CloseReason::Replaced(session))]
    );
    assert_eq!(server.engine.session_count(), 1);
    assert!(!lives(&mut server, &mut old, session));
    assert!(lives(&mut server, &mut client, session));
    let mut out = Out::new();
    let refused = server.engine.send(old_session, 1, b"late answer", &mut out);
    assert_eq!(refused, Err(SendError::UnknownSession));
}

#[test]
fn a_failed_new_handshake_leaves_the_old_session() {
    let (mut server, mut old, old_session) = pair();
    let (_, flight) = until_client_flight(&mut server, client_config(), 99);
    server.datagram(device(), &flight[0]);
    server.answer(PskAnswer::Unknown);
    assert_eq!(server.failed.len(), 1);
    assert!(server.closed.is_empty());
    assert!(lives(&mut server, &mut old, old_session));

    let (_, _) = until_client_flight(&mut server, client_config(), 100);
    server.pass(Duration::from_secs(31));
    assert_eq!(server.engine.handshake_count(), 0);
    assert!(lives(&mut server, &mut old, old_session));
}

#[test]
fn old_records_during_a_new_handshake_do_not_end_it() {
    let (mut server, mut old, _) = pair();
    let (mut client, flight) = until_client_flight(&mut server, client_config(), 99);
    let parts = records(&flight[0]);
    server.datagram(device(), &parts[0].encode());
    server.answer(known());
    server.datagram(device(), &parts[1].encode());
    // The new handshake now waits for Finished; these are the old session's.
    server.datagram(device(), &old.send(b"data"));
    let mut out = Out::new();
    old.engine.close(&mut out);
    let alert = out.datagrams().next().unwrap().1.to_vec();
    server.datagram(device(), &alert);
    assert_eq!(server.data.len(), 1);
    for octets in server.datagram(device(), &parts[2].encode()) {
        client.datagram(&octets);
    }
    assert!(client.established.is_some());
}

#[test]
fn a_late_copy_of_the_hello_does_not_begin_a_handshake() {
    let mut server = ServerSide::new(ServerConfig::default());
    let (mut client, hello) = ClientSide::connect(client_config(), 7);
    let request = server.datagram(device(), &hello[0]).remove(0);
    let hello = client.datagram(&request).remove(0);
    let mut flight = Vec::new();
    for octets in server.datagram(device(), &hello) {
        flight.extend(client.datagram(&octets));
    }
    complete(&mut server, &mut client, &flight);
    assert!(server.datagram(device(), &hello).is_empty());
    assert_eq!(server.engine.handshake_count(), 0);
    for octets in flight {
        assert!(server.datagram(device(), &octets).is_empty());
    }
    assert_eq!(server.engine.handshake_count(), 0);
}

#[test]
fn sending_is_bound_to_session_epoch_and_datagram() {
    let (mut server, mut client, session) = pair();
    let mut out = Out::new();
    let other = SessionId::new(4711).unwrap();
    let engine = &mut server.engine;
    assert_eq!(
        engine.send(other, 1, b"x", &mut out),
        Err(SendError::UnknownSession)
    );
    assert_eq!(
        engine.send(session, 0, b"x", &mut out),
        Err(SendError::WrongEpoch)
    );
    assert_eq!(
        engine.send(session, 2, b"x", &mut out),
        Err(SendError::WrongEpoch)
    );
    let limit = 1232 - 29;
    let too_long = engine.send(session, 1, &[0; 1232 - 28], &mut out);
    assert_eq!(too_long, Err(SendError::TooLong { limit }));
    assert!(out.segments().is_empty());
    engine.send(session, 1, &[7; 1232 - 29], &mut out).unwrap();
    assert_eq!(out.segments()[0].range.len(), 1232);
    client.datagram(out.octets());
    assert_eq!(client.data[0].len(), limit);
}

#[test]
fn explicit_nonces_are_epoch_and_sequence() {
    let (_, mut client, _) = pair();
    let mut last = None;
    for _ in 0..100 {
        let record = records(&client.send(b"data")).remove(0);
        let nonce = u64::from_be_bytes(record.body[..8].try_into().unwrap());
        assert_eq!(nonce, (u64::from(record.epoch) << 48) | record.sequence);
        assert!(last < Some(nonce));
        last = Some(nonce);
    }
}

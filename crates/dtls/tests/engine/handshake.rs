//! What two machines agree on.

use dtls::{
    AlertDescription, CipherSuite, ClientConfig, ExtendedMasterSecret, FailureReason, Psk,
    PskAnswer, ServerConfig,
};

use crate::pair::{
    ClientSide, ServerSide, client_config, device, established, fatal_alert, key, known,
    until_client_flight, until_server_flight,
};
use crate::wire::{HANDSHAKE, Hello, records};

/// Sends a hello twice, the second time with the cookie.
fn hello_with_cookie(server: &mut ServerSide, mut hello: Hello) -> Vec<Vec<u8>> {
    let request = server.datagram(device(), &hello.datagram(0, 0)).remove(0);
    hello.cookie = records(&request)[0].body[15..].to_vec();
    server.datagram(device(), &hello.datagram(1, 1))
}

// RFC 7252 9.1.3.1
#[test]
fn both_suites_carry_data_both_ways() {
    for suite in CipherSuite::ALL {
        let client = ClientConfig::new(b"device", vec![(suite, key())]);
        let (mut server, mut client) = established(ServerConfig::default(), client);
        let session = server.established[0].session;
        assert_eq!(server.established[0].suite, suite);
        assert_eq!(client.established.as_ref().unwrap().suite, suite);

        let request = client.send(b"request");
        server.datagram(device(), &request);
        assert_eq!(server.data, [(session, 1, b"request".to_vec())]);
        let answer = server.send(session, 1, b"answer").remove(0);
        client.datagram(&answer);
        assert_eq!(client.data, [b"answer"]);
    }
}

#[test]
fn the_server_prefers_ccm_8_whatever_the_client_prefers() {
    let keys = [CipherSuite::PskAes128GcmSha256, CipherSuite::PskAes128Ccm8];
    let client = ClientConfig::new(b"device", keys.map(|suite| (suite, key())).to_vec());
    let (server, _) = established(ServerConfig::default(), client.clone());
    assert_eq!(server.established[0].suite, CipherSuite::PskAes128Ccm8);

    let config = ServerConfig {
        suites: keys.to_vec(),
        ..ServerConfig::default()
    };
    let (server, _) = established(config, client);
    assert_eq!(server.established[0].suite, CipherSuite::PskAes128GcmSha256);
}

// TS 33.535 A.4: the key depends on the suite.
#[test]
fn the_client_takes_the_key_of_the_suite_in_use() {
    let other = Psk::try_from_slice(&[9; 16]).unwrap();
    let keys = vec![
        (CipherSuite::PskAes128GcmSha256, other),
        (CipherSuite::PskAes128Ccm8, key()),
    ];
    let (server, _) = established(ServerConfig::default(), ClientConfig::new(b"device", keys));
    assert_eq!(server.established.len(), 1);
}

// TS 33.535 annex B, RFC 6066 3
#[test]
fn lookup_and_session_tell_identity_suite_and_server_name() {
    let mut server = ServerSide::new(ServerConfig::default());
    let mut config = client_config();
    config.server_name = Some("msgin5g.berth.test".to_owned());
    let (mut client, flight) = until_client_flight(&mut server, config.clone(), 3);
    for octets in &flight {
        server.datagram(device(), octets);
    }
    let lookup = server.lookups[0].clone();
    assert_eq!(lookup.identity, config.identity);
    assert_eq!(lookup.suite, CipherSuite::PskAes128Ccm8);
    assert_eq!(lookup.server_name.as_deref(), Some("msgin5g.berth.test"));
    assert_eq!(lookup.peer, device());

    for octets in server.answer(known()) {
        client.datagram(&octets);
    }
    let session = &server.established[0];
    assert_eq!(session.session, lookup.session);
    assert_eq!(session.identity, config.identity);
    assert_eq!(session.server_name, lookup.server_name);
    let view = server.engine.session(session.session).unwrap();
    assert_eq!(view.identity, config.identity);
    assert_eq!((view.peer, view.failed_records), (device(), 0));
}

// TS 33.535 annex B
#[test]
fn the_hint_is_3gpp_akma_unless_configured_otherwise() {
    let (_, client) = established(ServerConfig::default(), client_config());
    assert_eq!(client.engine.identity_hint(), Some(&b"3GPP-AKMA"[..]));

    for hint in [None, Some(Vec::new()), Some(vec![b'h'; 512])] {
        let config = ServerConfig {
            psk_identity_hint: hint.clone(),
            ..ServerConfig::default()
        };
        let (_, client) = established(config, client_config());
        assert_eq!(client.engine.identity_hint(), hint.as_deref());
    }
}

// RFC 4279 5.3
#[test]
fn identities_of_0_to_512_octets_and_keys_of_1_to_64_work() {
    for identity_len in [0, 1, 128, 512] {
        for key_len in [1, 16, 32, 48, 64] {
            let key = Psk::try_from_slice(&vec![0xa5; key_len]).unwrap();
            let identity = vec![b'i'; identity_len];
            let config =
                ClientConfig::new(&identity, vec![(CipherSuite::PskAes128Ccm8, key.clone())]);
            let mut server = ServerSide::new(ServerConfig::default());
            let (mut client, flight) = until_client_flight(&mut server, config, 5);
            for octets in flight {
                server.datagram(device(), &octets);
            }
            let answer = PskAnswer::Known { key, expires: None };
            for octets in server.answer(answer) {
                client.datagram(&octets);
            }
            assert_eq!(server.established[0].identity, identity);
            assert!(client.established.is_some(), "{identity_len} {key_len}");
        }
    }
    for key_len in [0, 65] {
        assert!(Psk::try_from_slice(&vec![0; key_len]).is_err());
    }
}

// RFC 7627 5
#[test]
fn extended_master_secret_follows_the_policies() {
    use ExtendedMasterSecret::{Disabled, Preferred, Required};
    for (at_server, at_client, outcome) in [
        (Preferred, Preferred, Some(true)),
        (Preferred, Disabled, Some(false)),
        (Disabled, Preferred, Some(false)),
        (Required, Required, Some(true)),
        (Required, Disabled, None),
        (Disabled, Required, None),
    ] {
        let mut server = ServerSide::new(ServerConfig {
            extended_master_secret: at_server,
            ..ServerConfig::default()
        });
        let mut config = client_config();
        config.extended_master_secret = at_client;
        let (mut client, flight) = until_client_flight(&mut server, config, 3);
        if outcome.is_none() {
            assert!(client.failed.is_some() || fatal_alert(&flight).is_some());
            assert!(client.established.is_none() && server.lookups.is_empty());
            continue;
        }
        crate::pair::complete(&mut server, &mut client, &flight);
        assert_eq!(Some(server.established[0].extended_master_secret), outcome);
        assert_eq!(
            client
                .established
                .map(|session| session.extended_master_secret),
            outcome
        );
    }
}

#[test]
fn a_hello_without_a_common_suite_gets_handshake_failure() {
    // CBC, RSA, ECDHE, anonymous, and a suite of TLS 1.3.
    let suites = vec![
        [0x00, 0x8c],
        [0x00, 0x2f],
        [0xc0, 0xae],
        [0xc0, 0x17],
        [0x13, 0x01],
    ];
    let mut server = ServerSide::new(ServerConfig::default());
    let hello = Hello {
        suites,
        ..Hello::default()
    };
    let answer = hello_with_cookie(&mut server, hello);
    assert_eq!(
        fatal_alert(&answer),
        Some(AlertDescription::HANDSHAKE_FAILURE)
    );
    assert_eq!(server.engine.handshake_count(), 0);
    let refused = FailureReason::Refused(AlertDescription::HANDSHAKE_FAILURE);
    assert_eq!(server.failed[0].1, refused);
}

#[test]
fn dtls_1_0_gets_protocol_version() {
    let mut server = ServerSide::new(ServerConfig::default());
    let hello = Hello {
        version: [0xfe, 0xff],
        ..Hello::default()
    };
    let answer = hello_with_cookie(&mut server, hello);
    assert_eq!(
        fatal_alert(&answer),
        Some(AlertDescription::PROTOCOL_VERSION)
    );
}

#[test]
fn malformed_hellos_with_a_cookie_are_told_so() {
    for (extensions, alert) in [
        (&[0, 5, 0, 23, 0, 1][..], AlertDescription::DECODE_ERROR),
        (&[0, 4, 0, 23, 0, 0, 0], AlertDescription::DECODE_ERROR),
        (
            &[0, 8, 0, 23, 0, 0, 0, 23, 0, 0],
            AlertDescription::DECODE_ERROR,
        ),
        (&[0, 5, 0, 23, 0, 1, 0], AlertDescription::DECODE_ERROR),
        (
            &[0, 6, 0xff, 1, 0, 2, 1, 0],
            AlertDescription::HANDSHAKE_FAILURE,
        ),
        (
            &[0, 10, 0, 0, 0, 6, 0, 4, 0, 0, 1, b' '],
            AlertDescription::ILLEGAL_PARAMETER,
        ),
    ] {
        let mut server = ServerSide::new(ServerConfig::default());
        let hello = Hello {
            extensions: extensions.to_vec(),
            ..Hello::default()
        };
        let answer = hello_with_cookie(&mut server, hello);
        assert_eq!(fatal_alert(&answer), Some(alert), "{extensions:?}");
        assert_eq!(server.engine.handshake_count(), 0);
    }
}

// RFC 5746 3.6
#[test]
fn renegotiation_info_is_answered_for_the_extension_and_the_signalling_suite() {
    const ANSWER: [u8; 5] = [0xff, 0x01, 0x00, 0x01, 0x00];
    let with = |hello: Hello| {
        let mut server = ServerSide::new(ServerConfig::default());
        let answer = hello_with_cookie(&mut server, hello);
        records(&answer[0])[0]
            .body
            .windows(5)
            .any(|octets| octets == ANSWER)
    };
    assert!(!with(Hello::default()));
    assert!(with(Hello {
        suites: vec![[0xc0, 0xa8], [0x00, 0xff]],
        ..Hello::default()
    }));
    assert!(with(Hello {
        extensions: vec![0, 5, 0xff, 1, 0, 1, 0],
        ..Hello::default()
    }));
}

// RFC 6347 4.2.1, 4.2.2
#[test]
fn numbers_continue_from_the_hello() {
    let mut server = ServerSide::new(ServerConfig::default());
    let mut hello = Hello::default();
    let request = records(&server.datagram(device(), &hello.datagram(17, 0))[0]).remove(0);
    assert_eq!(request.sequence, 17);
    assert_eq!(request.message_seq(), 0);
    hello.cookie = request.body[15..].to_vec();
    let flight = server.datagram(device(), &hello.datagram(18, 1));
    let flight: Vec<_> = flight.iter().flat_map(|octets| records(octets)).collect();
    let numbers: Vec<_> = flight
        .iter()
        .map(|record| (record.sequence, record.message_seq()))
        .collect();
    assert_eq!(numbers, [(18, 1), (19, 2), (20, 3)]);
    let types: Vec<_> = flight
        .iter()
        .filter_map(|record| record.message_type())
        .collect();
    assert_eq!(types, [2, 12, 14]);
}

#[test]
fn a_hello_under_the_record_version_of_dtls_1_0_is_taken() {
    let mut server = ServerSide::new(ServerConfig::default());
    let mut hello = Hello::default();
    let old = |mut octets: Vec<u8>| {
        octets[2] = 0xff;
        octets
    };
    let request = server
        .datagram(device(), &old(hello.datagram(0, 0)))
        .remove(0);
    assert_eq!(records(&request)[0].version, [0xfe, 0xff]);
    hello.cookie = records(&request)[0].body[15..].to_vec();
    let flight = server.datagram(device(), &old(hello.datagram(1, 1)));
    assert_eq!(records(&flight[0])[0].message_type(), Some(2));
    assert_eq!(records(&flight[0])[0].version, [0xfe, 0xfd]);
}

#[test]
fn a_later_version_in_the_hello_negotiates_1_2() {
    let mut server = ServerSide::new(ServerConfig::default());
    let hello = Hello {
        version: [0xfe, 0xfc],
        ..Hello::default()
    };
    let flight = hello_with_cookie(&mut server, hello);
    assert_eq!(records(&flight[0])[0].body[12..14], [0xfe, 0xfd]);
}

// RFC 6347 4.2.3
#[test]
fn small_datagrams_fragment_every_long_message() {
    let server = ServerConfig {
        max_datagram: 128,
        psk_identity_hint: Some(vec![b'h'; 512]),
        ..ServerConfig::default()
    };
    let mut config = client_config();
    config.max_datagram = 128;
    config.identity = vec![b'i'; 512];
    config.server_name =
        Some("a.long.name.that.makes.the.hello.longer.than.one.datagram.test".into());
    let (server, _) = established(server, config);
    assert!(server.sent.iter().all(|(_, octets)| octets.len() <= 128));
}

#[test]
fn a_fragmented_hello_is_put_together_in_any_order_after_its_first_piece() {
    let mut server = ServerSide::new(ServerConfig::default());
    let mut hello = Hello {
        session_id: vec![1; 32],
        extensions: [&[0, 104, 0x1a, 0x1a, 0, 100][..], &[0; 100]].concat(),
        ..Hello::default()
    };
    let request = server.datagram(device(), &hello.pieces(0, 90)[0]).remove(0);
    assert_eq!(server.engine.handshake_count(), 0);
    hello.cookie = records(&request)[0].body[15..].to_vec();
    let pieces = hello.pieces(1, 90);
    assert_eq!(pieces.len(), 3);
    // Without the first piece there is no cookie, and nothing is kept.
    assert!(server.datagram(device(), &pieces[1]).is_empty());
    assert_eq!(server.engine.handshake_count(), 0);
    assert!(server.datagram(device(), &pieces[0]).is_empty());
    assert!(server.datagram(device(), &pieces[2]).is_empty());
    let flight = server.datagram(device(), &pieces[1]);
    assert_eq!(records(&flight[0])[0].message_type(), Some(2));
}

#[test]
fn a_cookie_for_a_whole_hello_is_good_for_its_fragments() {
    let mut server = ServerSide::new(ServerConfig::default());
    let mut hello = Hello::default();
    let request = server.datagram(device(), &hello.datagram(0, 0)).remove(0);
    hello.cookie = records(&request)[0].body[15..].to_vec();
    let mut flight = Vec::new();
    for piece in hello.pieces(1, 60) {
        flight.extend(server.datagram(device(), &piece));
    }
    assert_eq!(records(&flight[0])[0].message_type(), Some(2));
}

#[test]
fn a_server_hello_with_unoffered_content_is_refused() {
    let mut server = ServerSide::new(ServerConfig::default());
    let (_, flight) = until_server_flight(&mut server, client_config(), 3);
    let mut record = records(&flight[0]).remove(0);
    // The suite stands behind header, version, random and session id.
    let at = 12 + 2 + 32 + 1;
    record.body[at..at + 2].copy_from_slice(&[0x00, 0x2f]);
    let mut other = ServerSide::new(ServerConfig::default());
    let (mut client, hello) = ClientSide::connect(client_config(), 3);
    let request = other.datagram(device(), &hello[0]).remove(0);
    client.datagram(&request);
    let answer = client.datagram(&record.encode());
    assert_eq!(
        fatal_alert(&answer),
        Some(AlertDescription::ILLEGAL_PARAMETER)
    );
    let refused = FailureReason::Refused(AlertDescription::ILLEGAL_PARAMETER);
    assert_eq!(client.failed, Some(refused));
}

#[test]
fn two_paths_with_one_address_are_two_peers() {
    let mut server = ServerSide::new(ServerConfig::default());
    let remote = device().remote();
    let other = dtls::PeerAddress::new(9, remote);
    let mut hello = Hello::default();
    let request = server.datagram(device(), &hello.datagram(0, 0)).remove(0);
    hello.cookie = records(&request)[0].body[15..].to_vec();
    let answer = server.datagram(other, &hello.datagram(1, 1));
    assert_eq!(records(&answer[0])[0].message_type(), Some(3));
    assert_eq!(records(&answer[0])[0].content_type, HANDSHAKE);
}

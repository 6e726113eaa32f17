//! Every message cut short, bent, or replaced: no panic, no session under false terms.

use std::time::Duration;

use dtls::ServerConfig;

use crate::pair::{ClientSide, Rng, ServerSide, client_config, device, known, until_client_flight};

/// What is done to one datagram of a handshake.
type Damage<'a> = &'a mut dyn FnMut(usize, Vec<u8>) -> Vec<u8>;

/// Runs a handshake with retransmissions in which `damage` sees each datagram and its number.
///
/// Returns the client and how many datagrams there were.
fn run(server: &mut ServerSide, damage: Damage<'_>) -> (ClientSide, usize) {
    let (mut client, first) = ClientSide::connect(client_config(), 7);
    let mut number = 0;
    let mut to_server = first;
    for _ in 0..200 {
        let mut to_client = Vec::new();
        for octets in to_server.drain(..) {
            let octets = damage(number, octets);
            number += 1;
            to_client.extend(server.datagram(device(), &octets));
        }
        while !server.lookups.is_empty() {
            to_client.extend(server.answer(known()));
        }
        for octets in to_client {
            let octets = damage(number, octets);
            number += 1;
            to_server.extend(client.datagram(&octets));
        }
        if client.established.is_some() || client.failed.is_some() {
            break;
        }
        if to_server.is_empty() {
            to_server.extend(client.pass(Duration::from_secs(1)));
            for octets in server.pass(Duration::from_secs(1)) {
                to_server.extend(client.datagram(&octets));
            }
        }
    }
    (client, number)
}

/// If the client has a session, the server has the same one and it carries data.
fn check(server: &mut ServerSide, client: &mut ClientSide, case: &str) {
    if client.established.is_none() {
        return;
    }
    let octets = client.send(b"data");
    server.datagram(device(), &octets);
    assert_eq!(server.data.len(), 1, "{case}");
}

fn datagrams_of_a_handshake() -> usize {
    let mut server = ServerSide::new(ServerConfig::default());
    let mut same = |_: usize, octets: Vec<u8>| octets;
    let (client, count) = run(&mut server, &mut same);
    assert!(client.established.is_some());
    count
}

#[test]
fn every_truncation_of_every_datagram_is_survived() {
    for target in 0..datagrams_of_a_handshake() {
        for length in 0..200 {
            let mut server = ServerSide::new(ServerConfig::default());
            let mut damage = |number: usize, mut octets: Vec<u8>| {
                if number == target {
                    octets.truncate(length);
                }
                octets
            };
            let (mut client, _) = run(&mut server, &mut damage);
            let case = format!("datagram {target} cut to {length}");
            // What is cut is lost; what is lost is repeated.
            assert!(client.established.is_some(), "{case}: {:?}", client.failed);
            check(&mut server, &mut client, &case);
        }
    }
}

#[test]
fn every_flipped_bit_of_every_datagram_is_survived() {
    for target in 0..datagrams_of_a_handshake() {
        for at in 0..200 {
            for bit in [0, 3, 7] {
                let mut server = ServerSide::new(ServerConfig::default());
                let mut is_hit = false;
                let mut damage = |number: usize, mut octets: Vec<u8>| {
                    if number == target && at < octets.len() {
                        octets[at] ^= 1 << bit;
                        is_hit = true;
                    }
                    octets
                };
                let (mut client, _) = run(&mut server, &mut damage);
                check(&mut server, &mut client, &format!("{target} {at} {bit}"));
                if !is_hit {
                    break;
                }
            }
        }
    }
}

// RFC 5246 7.4.9: Finished covers the whole handshake.
#[test]
fn a_changed_hello_never_becomes_a_session() {
    // The random of every ServerHello.
    for at in 13 + 12 + 2..13 + 12 + 34 {
        let mut server = ServerSide::new(ServerConfig::default());
        let mut damage = |_: usize, mut octets: Vec<u8>| {
            if octets.first() == Some(&22) && octets.get(13) == Some(&2) {
                octets[at] ^= 1;
            }
            octets
        };
        let (client, _) = run(&mut server, &mut damage);
        assert!(client.established.is_none() && server.established.is_empty());
    }
}

#[test]
fn random_datagrams_in_every_state_are_survived() {
    for seed in 0..300 {
        println!("seed {seed}");
        let mut rng = Rng(seed);
        let mut server = ServerSide::new(ServerConfig::default());
        let (mut client, flight) = until_client_flight(&mut server, client_config(), seed);
        let stage = rng.below(4);
        if stage >= 1 {
            server.datagram(device(), &flight[0]);
        }
        if stage >= 2 {
            server.answer(known());
        }
        for _ in 0..100 {
            let mut octets = flight[0].clone();
            for _ in 0..=rng.below(4) {
                let at = usize::try_from(rng.below(octets.len() as u64)).unwrap();
                match rng.below(3) {
                    0 => octets[at] = rng.next().to_be_bytes()[0],
                    1 => octets.truncate(at.max(1)),
                    _ => octets.insert(at, rng.next().to_be_bytes()[0]),
                }
            }
            let answers = server.datagram(device(), &octets);
            client.datagram(&octets);
            for answer in answers {
                client.datagram(&answer);
            }
        }
        server.pass(Duration::from_secs(40));
        assert_eq!(server.engine.handshake_count(), 0, "seed {seed}");
    }
}

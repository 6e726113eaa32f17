//! The entry points under seeded mutations of inputs that go deep.

extern crate std;

use std::println;

use super::*;
use crate::handshake::{Message, client_hello, kind};
use crate::record::{ContentType, DTLS_1_2, put_header};

/// Every entry point.
const TARGETS: [fn(&[u8]); 6] = [
    fuzz_record,
    fuzz_handshake_message,
    fuzz_server_datagram,
    fuzz_server_states,
    fuzz_server_after_prefix,
    fuzz_client,
];

fn record(content_type: ContentType, epoch: u16, sequence: u64, body: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    put_header(
        &mut octets,
        content_type,
        DTLS_1_2,
        epoch,
        sequence,
        body.len(),
    );
    octets.extend_from_slice(body);
    octets
}

fn protected(content_type: ContentType, sequence: u64, plaintext: &[u8]) -> Vec<u8> {
    let body = [&[0; 8][..], plaintext, &[0; 8]].concat();
    record(content_type, 1, sequence, &body)
}

fn step(action: u8, octets: &[u8]) -> Vec<u8> {
    let mut step = alloc::vec![action];
    step.extend_from_slice(&u16::try_from(octets.len()).unwrap().to_be_bytes());
    step.extend_from_slice(octets);
    step
}

/// A script that takes a server with transparent cryptography through a session's whole life.
fn server_script() -> Vec<u8> {
    let extensions = ClientExtensions {
        server_name: Some("a.test".into()),
        extended_master_secret: true,
        renegotiation_info: true,
    };
    let suites = [CipherSuite::PskAes128Ccm8];
    let hello = client_hello::compose(0, &[1; 32], &[0; 16], &suites, &extensions);
    let identity = key_exchange::compose_client(1, b"identity");
    let finished = Message::with_body(kind::FINISHED, 2, &[0; 12]);
    [
        step(0, &record(ContentType::Handshake, 0, 0, hello.octets())),
        step(0, &record(ContentType::Handshake, 0, 1, identity.octets())),
        step(0, &record(ContentType::ChangeCipherSpec, 0, 2, &[1])),
        step(4, &[0]),
        step(0, &protected(ContentType::Handshake, 0, finished.octets())),
        step(0, &protected(ContentType::ApplicationData, 1, b"data")),
        step(6, b"answer"),
        step(0, &protected(ContentType::Alert, 2, &[1, 0])),
    ]
    .concat()
}

/// The same for a client.
fn client_script() -> Vec<u8> {
    let choice = server_hello::Choice {
        random: [2; 32],
        suite: CipherSuite::PskAes128Ccm8,
        extensions: Default::default(),
    };
    let mut request = Vec::new();
    hello_verify::put(&mut request, 0, &[3; 16]);
    let flight = [
        server_hello::compose(1, &choice),
        key_exchange::compose_server(2, b"hint"),
        Message::with_body(kind::SERVER_HELLO_DONE, 3, &[]),
    ];
    let flight: Vec<u8> = flight
        .iter()
        .flat_map(|message| message.octets().to_vec())
        .collect();
    let finished = Message::with_body(kind::FINISHED, 4, &[0; 12]);
    [
        alloc::vec![0],
        step(0, &record(ContentType::Handshake, 0, 0, &request)),
        step(0, &record(ContentType::Handshake, 0, 1, &flight)),
        step(0, &record(ContentType::ChangeCipherSpec, 0, 2, &[1])),
        step(0, &protected(ContentType::Handshake, 0, finished.octets())),
        step(0, &protected(ContentType::ApplicationData, 1, b"data")),
        step(0, &protected(ContentType::Alert, 2, &[1, 0])),
    ]
    .concat()
}

#[test]
fn the_server_script_reaches_a_session_and_its_end() {
    let mut server = ServerUnderTest::new(Transparent, ServerConfig::default());
    server.play(&server_script());
    assert_eq!(server.data_count, 1);
    assert_eq!(server.engine.session_count(), 0);
    server.rest();
}

#[test]
fn the_client_script_reaches_a_session_and_its_end() {
    let (mut client, _) = client(Transparent);
    play_client(&mut client, &client_script()[1..]);
    let mut out = Out::new();
    assert!(client.send(1, b"data", &mut out).is_err());
    assert_eq!(client.next_timeout(), None);
    assert_eq!(client.identity_hint(), Some(&b"hint"[..]));
}

#[test]
fn a_genuine_handshake_can_be_left_at_every_stage() {
    for (exchanges, handshakes, sessions) in [(0, 0, 0), (1, 0, 0), (2, 1, 0), (3, 0, 1), (5, 0, 1)]
    {
        let mut server = ServerUnderTest::new(RustCrypto, ServerConfig::default());
        genuine_handshake(&mut server, exchanges);
        assert_eq!(server.engine.handshake_count(), handshakes, "{exchanges}");
        assert_eq!(server.engine.session_count(), sessions, "{exchanges}");
    }
}

/// What a client can say, in the vocabulary of transparent cryptography.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Word {
    Hello,
    KeyExchange,
    ChangeCipherSpec,
    Finished,
    ClearFinished,
    Certificate,
    Data,
}

const WORDS: [Word; 7] = [
    Word::Hello,
    Word::KeyExchange,
    Word::ChangeCipherSpec,
    Word::Finished,
    Word::ClearFinished,
    Word::Certificate,
    Word::Data,
];

fn spoken(word: Word, sequence: u64) -> Vec<u8> {
    let clear = |message: Message| record(ContentType::Handshake, 0, sequence, message.octets());
    let suites = [CipherSuite::PskAes128Ccm8];
    match word {
        Word::Hello => {
            let extensions = ClientExtensions::default();
            clear(client_hello::compose(
                0,
                &[1; 32],
                &[0; 16],
                &suites,
                &extensions,
            ))
        }
        Word::KeyExchange => clear(key_exchange::compose_client(1, b"identity")),
        Word::ChangeCipherSpec => record(ContentType::ChangeCipherSpec, 0, sequence, &[1]),
        Word::Finished => {
            let finished = Message::with_body(kind::FINISHED, 2, &[0; 12]);
            protected(ContentType::Handshake, sequence, finished.octets())
        }
        Word::ClearFinished => clear(Message::with_body(kind::FINISHED, 1, &[0; 12])),
        Word::Certificate => clear(Message::with_body(11, 1, &[0; 3])),
        Word::Data => protected(ContentType::ApplicationData, sequence, b"data"),
    }
}

// There is no path to application data but through hello, key exchange, change of cipher and
// Finished, whatever else is said in between.
#[test]
fn no_sentence_of_six_words_reaches_a_session_without_its_four_steps() {
    const LENGTH: u32 = 6;
    let mut reached = 0;
    for number in 0..WORDS.len().pow(LENGTH) {
        let sentence: Vec<Word> = (0..LENGTH)
            .map(|place| WORDS[number / WORDS.len().pow(place) % WORDS.len()])
            .collect();
        let mut server = ServerUnderTest::new(Transparent, ServerConfig::default());
        let mut spoken_words = Vec::new();
        for (sequence, word) in (0..).zip(&sentence) {
            server.datagram(0, &spoken(*word, sequence));
            server.answer(0);
            spoken_words.push(*word);
            if server.engine.session_count() == 0 {
                assert_eq!(server.data_count, 0, "{spoken_words:?}");
                continue;
            }
            reached += 1;
            let hello = spoken_words.iter().position(|word| *word == Word::Hello);
            let rest = &spoken_words[hello.expect("a session needs a hello")..];
            for step in [Word::KeyExchange, Word::ChangeCipherSpec, Word::Finished] {
                assert!(rest.contains(&step), "{spoken_words:?}");
            }
        }
    }
    assert!(reached > 0);
}

#[test]
fn every_target_survives_mutated_scripts() {
    let (_, hello) = client(RustCrypto);
    let corpus = [
        server_script(),
        client_script(),
        hello.concat(),
        hello.concat()[25..].to_vec(),
    ];
    let mut state = 0x1234_5678_9abc_def0_u64;
    println!("seed {state:#x}");
    let mut next = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 1).unwrap_or(0) % bound.max(1)
    };
    for _ in 0..4000 {
        let mut input = corpus[next(corpus.len())].clone();
        for _ in 0..next(6) {
            let at = next(input.len());
            match next(5) {
                0 => input[at] ^= 1 << next(8),
                1 => input[at] = [0, 1, 20, 21, 22, 23, 254, 255][next(8)],
                2 => input.truncate(at.max(1)),
                3 => {
                    let end = (at + next(80)).min(input.len());
                    let piece = input[at..end].to_vec();
                    let to = next(input.len());
                    input.splice(to..to, piece);
                }
                _ => {
                    input.remove(at);
                    if input.is_empty() {
                        input.push(0);
                    }
                }
            }
        }
        for target in TARGETS {
            target(&input);
        }
    }
}

//! Known answers: `vectors/dtls.json`.

extern crate std;

use alloc::vec::Vec;
use std::path::Path;

use serde_json::Value;

use crate::channel::{Channel, Opened};
use crate::codec::Reader;
use crate::prf::prf;
use crate::record::{ContentType, Record};
use crate::schedule::{MasterSecret, Randoms, Side};
use crate::{CipherSuite, Crypto, Psk, RustCrypto};

fn vectors() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/dtls.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn octets(of: &Value, name: &str) -> Vec<u8> {
    hex::decode(of[name].as_str().unwrap()).unwrap()
}

fn array<const N: usize>(of: &Value, name: &str) -> [u8; N] {
    octets(of, name).try_into().unwrap()
}

fn suite(of: &Value) -> CipherSuite {
    CipherSuite::from_number(array(of, "suite")).unwrap()
}

fn schedule(of: &Value) -> (Psk, Randoms, [u8; 32]) {
    let psk = Psk::try_from_slice(&octets(of, "psk")).unwrap();
    let randoms = Randoms {
        client: array(of, "client_random"),
        server: array(of, "server_random"),
    };
    (psk, randoms, array(of, "session_hash"))
}

// RFC 5246 5
#[test]
fn prf_gives_the_published_octets() {
    let vector = &vectors()["prf"];
    let expected = octets(vector, "output");
    let label = vector["label"].as_str().unwrap().as_bytes();
    let seed = octets(vector, "seed");
    for split in [0, 5, seed.len()] {
        let mut output = alloc::vec![0; expected.len()];
        let seed: [&[u8]; 2] = [&seed[..split], &seed[split..]];
        prf(
            &RustCrypto,
            &octets(vector, "secret"),
            label,
            seed,
            &mut output,
        );
        assert_eq!(output, expected);
    }
}

// SP 800-38C example 3, GCM test case 4
#[test]
fn both_ciphers_give_the_published_octets() {
    for vector in vectors()["aead"].as_array().unwrap() {
        let (key, nonce) = (array(vector, "key"), array(vector, "nonce"));
        let aad = octets(vector, "aad");
        let plaintext = octets(vector, "plaintext");
        let sealed = octets(vector, "sealed");
        let suite = suite(vector);

        let mut text = plaintext.clone();
        text.resize(plaintext.len() + suite.tag_len(), 0);
        RustCrypto
            .seal(suite, &key, &nonce, &aad, &mut text)
            .unwrap();
        assert_eq!(text, sealed);
        RustCrypto
            .open(suite, &key, &nonce, &aad, &mut text)
            .unwrap();
        assert_eq!(text[..plaintext.len()], plaintext);

        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            assert!(
                RustCrypto
                    .open(suite, &key, &nonce, &aad, &mut bad)
                    .is_err()
            );
        }
        for length in 0..suite.tag_len() {
            let mut short = sealed[..length].to_vec();
            assert!(
                RustCrypto
                    .open(suite, &key, &nonce, &aad, &mut short)
                    .is_err()
            );
            assert!(
                RustCrypto
                    .seal(suite, &key, &nonce, &aad, &mut short)
                    .is_err()
            );
        }
    }
}

// RFC 4279 2, RFC 5246 8.1, RFC 7627 4, RFC 5246 6.3 and 7.4.9
#[test]
fn the_key_schedule_agrees_with_another_implementation() {
    for vector in vectors()["schedule"].as_array().unwrap() {
        let (psk, randoms, hash) = schedule(vector);
        let plain = MasterSecret::derive(&RustCrypto, &psk, &randoms, None);
        assert_eq!(plain.expose(), &array(vector, "master"));
        let master = MasterSecret::derive(&RustCrypto, &psk, &randoms, Some(&hash));
        assert_eq!(master.expose(), &array(vector, "extended_master"));
        let keys = master.traffic_keys(&RustCrypto, &randoms);
        assert_eq!(keys.client.key, array(vector, "client_key"));
        assert_eq!(keys.server.key, array(vector, "server_key"));
        assert_eq!(keys.client.salt, array(vector, "client_salt"));
        assert_eq!(keys.server.salt, array(vector, "server_salt"));
        for (side, name) in [
            (Side::Client, "client_finished"),
            (Side::Server, "server_finished"),
        ] {
            let verify_data = master.verify_data(&RustCrypto, side, &hash);
            assert_eq!(verify_data, array(vector, name));
        }
    }
}

// RFC 6655 3, RFC 5288 3, RFC 6347 4.1.2.1
#[test]
fn records_agree_with_another_implementation() {
    let vectors = vectors();
    for vector in vectors["records"].as_array().unwrap() {
        let number = usize::try_from(vector["schedule"].as_u64().unwrap()).unwrap();
        let (psk, randoms, hash) = schedule(&vectors["schedule"][number]);
        let master = MasterSecret::derive(&RustCrypto, &psk, &randoms, Some(&hash));
        let channel = |side| {
            let keys = master.traffic_keys(&RustCrypto, &randoms);
            Channel::new(side, suite(vector), keys)
        };
        let expected = octets(vector, "record");
        let plaintext = octets(vector, "plaintext");

        let mut client = channel(Side::Client);
        let mut written = Vec::new();
        for _ in 0..=vector["sequence"].as_u64().unwrap() {
            written.clear();
            let data = ContentType::ApplicationData;
            client
                .seal(&RustCrypto, data, &plaintext, &mut written)
                .unwrap();
        }
        assert_eq!(written, expected);

        let record = Record::parse(&mut Reader::new(&expected)).unwrap();
        let mut read = Vec::new();
        let opened = channel(Side::Server).open(&RustCrypto, &record, &mut read);
        assert_eq!(opened, Opened::Plain(0..plaintext.len()));
        assert_eq!(read, plaintext);
    }
}

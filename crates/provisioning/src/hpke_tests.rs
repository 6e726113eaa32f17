//! The published vectors of RFC 9180 Appendix A, value by value.

extern crate std;

use super::{
    Cipher, Context, HASH_LEN, HpkeError, Mode, Schedule, decapsulate, encapsulate, expand, open,
    seal,
};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use onboarding::{AgreementKey, Kem, RecipientKey};
use secret::PrivateKey;
use std::vec;
use std::vec::Vec;

impl Cipher for Aes128Gcm {
    const ID: u16 = 0x0001;
}

fn octets(value: &serde_json::Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn private(value: &serde_json::Value) -> PrivateKey {
    PrivateKey::try_from_slice(&octets(value)).unwrap()
}

#[test]
fn every_published_vector_is_reproduced() {
    let vectors = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../vectors/rfc9180.json"
    ));
    let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    let mut ciphers = [0; 2];
    for case in cases {
        match case["aead_id"].as_u64().unwrap() {
            1 => reproduce::<Aes128Gcm>(case),
            2 => reproduce::<Aes256Gcm>(case),
            other => panic!("cipher {other}"),
        }
        ciphers[usize::try_from(case["aead_id"].as_u64().unwrap()).unwrap() - 1] += 1;
    }
    assert_eq!(ciphers, [4, 4]);
}

fn reproduce<C: Cipher>(case: &serde_json::Value) {
    let kem = Kem::from_number(case["kem_id"].as_u64().unwrap()).unwrap();
    let ephemeral = AgreementKey::new(kem.suite(), private(&case["skEm"])).unwrap();
    let recipient = AgreementKey::new(kem.suite(), private(&case["skRm"])).unwrap();
    assert_eq!(ephemeral.public(), octets(&case["pkEm"]));
    assert_eq!(ephemeral.public(), octets(&case["enc"]));
    assert_eq!(recipient.public(), octets(&case["pkRm"]));

    let to = RecipientKey {
        kem,
        public: recipient.public().to_vec(),
    };
    let shared = encapsulate(&to, &ephemeral).unwrap();
    assert_eq!(shared.to_vec(), octets(&case["shared_secret"]));
    assert_eq!(
        decapsulate(&recipient, ephemeral.public()),
        Ok(shared.clone())
    );

    let (psk, psk_id);
    let mode = if case["mode"] == 1 {
        psk = octets(&case["psk"]);
        psk_id = octets(&case["psk_id"]);
        Mode::Psk {
            psk: &psk,
            psk_id: &psk_id,
        }
    } else {
        Mode::Base
    };
    let info = octets(&case["info"]);
    let schedule = Schedule::new::<C>(kem, &shared, mode, &info).unwrap();
    assert_eq!(
        schedule.context.to_vec(),
        octets(&case["key_schedule_context"])
    );
    assert_eq!(schedule.secret.to_vec(), octets(&case["secret"]));
    for label in ["key", "base_nonce"] {
        let expected = octets(&case[label]);
        let mut output = vec![0; expected.len()];
        schedule.expand(label, &mut output);
        assert_eq!(output, expected, "{label}");
    }
    let mut exporter = [0; HASH_LEN];
    schedule.expand("exp", &mut exporter);
    assert_eq!(exporter.to_vec(), octets(&case["exporter_secret"]));
    for export in case["exports"].as_array().unwrap() {
        let mut value = [0; 32];
        let context = octets(&export["exporter_context"]);
        expand(&schedule.suite_id, &exporter, "sec", &context, &mut value);
        assert_eq!(value.to_vec(), octets(&export["exported_value"]));
    }

    let context = Context::<C>::new(kem, &shared, mode, &info).unwrap();
    for message in case["encryptions"].as_array().unwrap() {
        assert_eq!(message["nonce"], case["base_nonce"]);
        let (aad, plaintext) = (octets(&message["aad"]), octets(&message["pt"]));
        let ciphertext = context.seal(&aad, &plaintext).unwrap();
        assert_eq!(ciphertext, octets(&message["ct"]));
        let opened = context.open(&aad, &ciphertext).map_err(|_| ()).unwrap();
        assert_eq!(opened.expose(), plaintext);
        let changed = context.open(b"other", &ciphertext).err();
        assert_eq!(changed, Some(HpkeError::Open));
    }
}

#[test]
fn a_message_opens_only_with_everything_that_sealed_it() {
    for kem in [Kem::P256, Kem::X25519] {
        let recipient = AgreementKey::new(kem.suite(), PrivateKey::new([5; 32])).unwrap();
        let to = RecipientKey {
            kem,
            public: recipient.public().to_vec(),
        };
        let mode = Mode::Psk {
            psk: &[7; 32],
            psk_id: b"name",
        };
        let ephemeral = PrivateKey::new([6; 32]);
        let sealed = seal(&to, &ephemeral, mode, b"info", b"aad", b"message").unwrap();
        let opened = open(
            &recipient,
            &sealed.enc,
            mode,
            b"info",
            b"aad",
            &sealed.ciphertext,
        );
        assert!(opened.is_ok_and(|opened| opened.expose() == b"message"));

        let other_psk = Mode::Psk {
            psk: &[8; 32],
            psk_id: b"name",
        };
        let other_name = Mode::Psk {
            psk: &[7; 32],
            psk_id: b"eman",
        };
        let other = AgreementKey::new(kem.suite(), PrivateKey::new([9; 32])).unwrap();
        let mut changed = sealed.ciphertext.clone();
        changed[0] ^= 1;
        let attempts = [
            open(
                &recipient,
                &sealed.enc,
                Mode::Base,
                b"info",
                b"aad",
                &sealed.ciphertext,
            ),
            open(
                &recipient,
                &sealed.enc,
                other_psk,
                b"info",
                b"aad",
                &sealed.ciphertext,
            ),
            open(
                &recipient,
                &sealed.enc,
                other_name,
                b"info",
                b"aad",
                &sealed.ciphertext,
            ),
            open(
                &recipient,
                &sealed.enc,
                mode,
                b"ofni",
                b"aad",
                &sealed.ciphertext,
            ),
            open(
                &recipient,
                &sealed.enc,
                mode,
                b"info",
                b"daa",
                &sealed.ciphertext,
            ),
            open(
                &recipient,
                other.public(),
                mode,
                b"info",
                b"aad",
                &sealed.ciphertext,
            ),
            open(
                &other,
                &sealed.enc,
                mode,
                b"info",
                b"aad",
                &sealed.ciphertext,
            ),
            open(&recipient, &sealed.enc, mode, b"info", b"aad", &changed),
            open(&recipient, &sealed.enc, mode, b"info", b"aad", &[]),
        ];
        for attempt in attempts {
            assert_eq!(attempt.err(), Some(HpkeError::Open));
        }
        let attempt = open(
            &recipient,
            &[0; 3],
            mode,
            b"info",
            b"aad",
            &sealed.ciphertext,
        );
        assert!(matches!(attempt.err(), Some(HpkeError::PublicKey(_))));
    }
}

#[test]
fn a_short_or_nameless_psk_is_refused() {
    let recipient = AgreementKey::new(Kem::X25519.suite(), PrivateKey::new([5; 32])).unwrap();
    let to = RecipientKey {
        kem: Kem::X25519,
        public: recipient.public().to_vec(),
    };
    for (psk, psk_id) in [(&[7; 31][..], &b"name"[..]), (&[7; 32], b"")] {
        let mode = Mode::Psk { psk, psk_id };
        let sealed = seal(&to, &PrivateKey::new([6; 32]), mode, b"", b"", b"");
        assert_eq!(sealed.err(), Some(HpkeError::Psk));
    }
}

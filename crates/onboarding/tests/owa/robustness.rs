//! No input panics.

use crate::support::{Run, octets, run, vectors};
use cose::cbor;
use onboarding::fuzz::{
    fuzz_certificate, fuzz_check_start, fuzz_messages, fuzz_text, fuzz_verify_proof,
};
use onboarding::{Challenge, Frame, SessionParameters, Start};

#[test]
fn every_prefix_of_a_message_is_refused_without_a_panic() {
    let run = run("s1-bound-n1");
    for message in [
        run.octets("start"),
        run.octets("retry"),
        run.octets("challenge"),
        run.octets("proof_payload"),
        run.octets("accept"),
        run.octets("session_params"),
        octets(&run.value["frames"]["proof"]),
        octets(&vectors("owa-and-package.json")["reject"]),
    ] {
        for length in 0..message.len() {
            let prefix = &message[..length];
            fuzz_messages(prefix);
            assert!(Frame::decode(prefix).is_err());
            assert!(Start::decode(prefix).is_err());
            assert!(Challenge::decode(prefix).is_err());
            assert!(SessionParameters::decode(prefix).is_err());
        }
        fuzz_messages(&message);
    }
    let start = run.octets("start");
    for length in 0..=start.len() {
        fuzz_check_start(&start[..length]);
    }
}

#[test]
fn no_prefix_of_a_proof_or_certificate_panics() {
    let run = run("s1-bound-n1");
    let certificate = octets(&run.identities["device_certificate"]);
    let proof = run.octets("proof");
    for length in 0..=proof.len() {
        let end = length.min(certificate.len());
        let input = cbor::array([
            cbor::bytes(&run.octets("start")),
            cbor::bytes(&run.octets("challenge")),
            cbor::bytes(&proof[..length]),
            cbor::bytes(&certificate[..end]),
        ]);
        fuzz_verify_proof(input.as_slice());
        fuzz_certificate(&certificate[..end]);
    }
    fuzz_certificate(&octets(&run.identities["manufacturer_root"]));
}

#[test]
fn changed_octets_panic_nowhere() {
    let seed = 0x0b57_ac1e_u64;
    println!("seed {seed:#x}");
    let mut random = seed;
    let mut next = || {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        random
    };
    for run in Run::all() {
        for name in ["start", "challenge", "proof_payload", "session_params"] {
            let message = run.octets(name);
            for index in 0..message.len() {
                let mut changed = message.clone();
                changed[index] ^= 1 << (next() >> 61);
                fuzz_messages(&changed);
            }
        }
    }
    let certificate = octets(&vectors("identities.json")["device_certificate"]);
    for index in 0..certificate.len() {
        let mut changed = certificate.clone();
        changed[index] ^= 1 << (next() >> 61);
        fuzz_certificate(&changed);
    }
    let url = b"https://ca.example:8443/a%20b/DeviceID=BAND-4711?x=%41";
    for index in 0..url.len() {
        for _ in 0..16 {
            let mut changed = url.to_vec();
            changed[index] = (next() >> 57) as u8;
            fuzz_text(&changed);
        }
    }
}

//! Every negative vector is refused for its reason, and so is what the vectors do not cover.

use crate::support::{NOW, Run, octets, run, signing_key, vectors};
use cause::Cause;
use cose::CoseError;
use cose::cbor::DecodeError;
use onboarding::device::{ChallengeAnswer, DeviceError};
use onboarding::server::{
    BindingError, ProofError, StartContext, StartError, StartOutcome, check_certificate,
    check_start, verify_proof,
};
use onboarding::{
    AcceptError, DecodeStartError, Frame, NetworkProofError, NetworkProofLevel, OperatorRoots,
    Reject, Start, Suite, Transcript,
};

#[test]
fn every_negative_vector_is_refused_for_its_reason() {
    let negative = vectors("owa-negative.json");
    let run = run(negative["run"].as_str().unwrap());
    let cases = negative["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 43);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let input = octets(&case["input"]);
        let (message, what) = name.split_once(": ").unwrap();
        let reason = match message {
            "start" => start_reason(&run, &input),
            "challenge" => challenge_reason(&run, what, &input),
            "proof" => proof_reason(&run, what, &input),
            "certificate" => certificate_reason(&run, &input),
            "accept" => accept_reason(&run, &input),
            other => panic!("{other} is not tested"),
        };
        assert_eq!(reason, case["refusal"], "{name}");
    }
}

fn start_reason(run: &Run, input: &[u8]) -> &'static str {
    let serving_network = run.serving_network();
    let context = StartContext {
        serving_network: &serving_network,
        suites: &Suite::PREFERENCE,
        operator_chain: true,
        cookies: None,
    };
    let error = check_start(input, &context).err().unwrap();
    let (reason, cause) = match error {
        StartError::Decode(DecodeStartError::Decode(DecodeError::Cbor(_))) => {
            ("cbor", Cause::MalformedMessage)
        }
        StartError::Decode(DecodeStartError::Decode(DecodeError::Schema(schema))) => {
            ("schema", schema.cause())
        }
        StartError::Decode(DecodeStartError::Version(_)) => ("version", Cause::Unsupported),
        StartError::ServingNetwork => ("sn-name", Cause::ServingNetworkNotAuthorized),
        StartError::NetworkProof(_) => ("net-proof", Cause::NetworkProofUnavailable),
        StartError::Suite => ("suite", Cause::SuiteUnsupported),
        StartError::Key(_) => ("key", Cause::MandatoryElementIncorrect),
    };
    assert_eq!(error.cause(), cause);
    reason
}

fn challenge_reason(run: &Run, what: &str, input: &[u8]) -> &'static str {
    let roots = if what == "signed by a chain of a foreign root" {
        OperatorRoots::new(vec![octets(&run.identities["manufacturer_root"])])
    } else {
        run.roots()
    };
    let mut device = run.device_with_cookie();
    let frame = Frame::Challenge(input).encode();
    let error = device.receive(&frame, &roots, Some(NOW)).err().unwrap();
    // The refused frame has ended nothing.
    let good = octets(&run.value["frames"]["challenge"]);
    assert!(device.receive(&good, &run.roots(), Some(NOW)).is_ok());
    match error {
        DeviceError::NetworkProofMissing(_) => "net-proof",
        DeviceError::ServingNetwork => "sn-name",
        DeviceError::Suite => "suite",
        DeviceError::NetworkProof(NetworkProofError::Certificate(_)) => "certificate",
        DeviceError::NetworkProof(NetworkProofError::Object(error)) => cose_reason(error),
        _ => "other",
    }
}

fn proof_reason(run: &Run, what: &str, input: &[u8]) -> &'static str {
    let (start, challenge, proof) = (
        run.octets("start"),
        run.octets("challenge"),
        run.octets("proof"),
    );
    let mut transcript = Transcript {
        start: &start,
        challenge: &challenge,
        proof: &proof,
    };
    assert!(verify_proof(&transcript, None).is_ok());
    match what {
        "mixed transcript, other Start" | "min_net_proof lowered on the way" => {
            transcript.start = input;
        }
        "mixed transcript, other Challenge" => transcript.challenge = input,
        _ => transcript.proof = input,
    }
    let error = verify_proof(&transcript, None).err().unwrap();
    match error {
        ProofError::OtherKey => {
            assert_eq!(error.cause(), Cause::DeviceIdentityMismatch);
            "spki"
        }
        ProofError::Object(object) => {
            if matches!(object, CoseError::Signature | CoseError::Algorithm(_)) {
                assert_eq!(error.cause(), Cause::ProofInvalid);
            }
            cose_reason(object)
        }
        ProofError::Payload(DecodeError::Schema(_)) => "schema",
        ProofError::Transcript => {
            assert_eq!(error.cause(), Cause::ProofInvalid);
            "transcript"
        }
        _ => "other",
    }
}

fn cose_reason(error: CoseError) -> &'static str {
    match error {
        CoseError::Cbor(_) => "cbor",
        CoseError::Form => "cose",
        CoseError::Header(_) => "header",
        CoseError::Type => "typ",
        CoseError::KeyMissing | CoseError::Key(_) => "key",
        CoseError::KeyId => "kid",
        CoseError::Algorithm(_) => "alg",
        CoseError::Signature => "signature",
    }
}

fn certificate_reason(run: &Run, input: &[u8]) -> &'static str {
    let start = Start::decode(&run.octets("start")).unwrap();
    let error = check_certificate(&start, input).err().unwrap();
    match error {
        BindingError::OtherKey => {
            assert_eq!(error.cause(), Cause::DeviceIdentityMismatch);
            "spki"
        }
        _ => "other",
    }
}

fn accept_reason(run: &Run, input: &[u8]) -> &'static str {
    let (device, _) = run.proven();
    let error = device
        .receive(&Frame::Accept(input).encode())
        .err()
        .unwrap();
    let good = octets(&run.value["frames"]["accept"]);
    assert!(device.receive(&good).is_ok());
    match error {
        DeviceError::Accept(AcceptError::Open) => "aead",
        _ => "other",
    }
}

#[test]
fn a_device_follows_two_retries_and_no_third() {
    let run = run("s1-bound-n1");
    let (mut device, _) = run.device();
    let retry = Frame::Retry(&run.octets("retry")).encode();
    for _ in 0..2 {
        let answer = device.receive(&retry, &run.roots(), None);
        assert!(matches!(answer, Ok(ChallengeAnswer::Retry(_))));
    }
    let answer = device.receive(&retry, &run.roots(), None);
    assert_eq!(answer.err(), Some(DeviceError::TooManyRetries));
    let challenge = octets(&run.value["frames"]["challenge"]);
    assert!(device.receive(&challenge, &run.roots(), None).is_ok());
}

#[test]
fn a_reject_changes_no_state() {
    let run = run("s1-bound-n1");
    let reject = Frame::Reject(&Reject::new(Cause::RateLimited).encode()).encode();
    let mut device = run.device_with_cookie();
    let answer = device.receive(&reject, &run.roots(), None);
    assert!(matches!(answer, Ok(ChallengeAnswer::Rejected(_))));
    let challenge = octets(&run.value["frames"]["challenge"]);
    assert!(device.receive(&challenge, &run.roots(), None).is_ok());

    let (device, _) = run.proven();
    assert!(device.receive(&reject).is_ok());
    assert!(
        device
            .receive(&octets(&run.value["frames"]["accept"]))
            .is_ok()
    );
}

#[test]
fn frames_of_another_step_are_not_awaited() {
    let run = run("s1-bound-n1");
    let frames = &run.value["frames"];
    let mut device = run.device_with_cookie();
    for name in ["start", "proof", "accept"] {
        let answer = device.receive(&octets(&frames[name]), &run.roots(), None);
        assert_eq!(answer.err(), Some(DeviceError::Unexpected), "{name}");
    }
    let (device, _) = run.proven();
    for name in ["start", "challenge", "proof"] {
        let answer = device.receive(&octets(&frames[name]));
        assert_eq!(answer.err(), Some(DeviceError::Unexpected), "{name}");
    }
}

#[test]
fn a_network_proof_that_does_not_verify_is_refused_even_if_none_is_demanded() {
    let signed = run("s1-direct-n1");
    let (mut device, _) = run("s1-bound-n0").device();
    let challenge = octets(&signed.value["frames"]["challenge"]);
    let answer = device.receive(&challenge, &signed.roots(), Some(NOW));
    assert_eq!(
        answer.err(),
        Some(DeviceError::NetworkProof(NetworkProofError::Object(
            CoseError::Signature
        )))
    );
}

#[test]
fn a_voucher_is_neither_demanded_nor_promised() {
    let run = run("s1-bound-n0");
    let mut start = Start::decode(&run.octets("start")).unwrap();
    start.demanded = NetworkProofLevel::Voucher;
    assert_eq!(start_reason(&run, &start.encode()), "net-proof");
    let offer = onboarding::device::Offer {
        keys: vec![run.ephemeral("kex_ue_private")],
        certificate: start.certificate,
        chain: Vec::new(),
        nonce: start.nonce,
        class: start.class,
        serving_network: start.serving_network,
        key_id: start.key_id,
        demanded: NetworkProofLevel::Voucher,
    };
    assert_eq!(offer.clone().start().err(), Some(DeviceError::Offer));
    let twice = onboarding::device::Offer {
        keys: vec![
            run.ephemeral("kex_ue_private"),
            run.ephemeral("kex_net_private"),
        ],
        demanded: NetworkProofLevel::None,
        ..offer
    };
    assert_eq!(twice.start().err(), Some(DeviceError::Offer));
}

#[test]
fn an_operator_chain_is_not_promised_without_a_key_for_it() {
    let run = run("s1-bound-n1");
    let serving_network = run.serving_network();
    let context = StartContext {
        serving_network: &serving_network,
        suites: &Suite::PREFERENCE,
        operator_chain: false,
        cookies: None,
    };
    let error = check_start(&run.octets("start"), &context).err().unwrap();
    assert_eq!(
        error,
        StartError::NetworkProof(NetworkProofLevel::OperatorChain)
    );
    assert_eq!(error.cause(), Cause::NetworkProofUnavailable);
}

#[test]
fn a_proof_without_its_key_needs_a_known_key_or_an_inline_certificate() {
    let run = Run::all()
        .into_iter()
        .find(|run| {
            !Start::decode(&run.octets("start"))
                .unwrap()
                .chain
                .is_empty()
        })
        .unwrap();
    let challenge = run.octets("challenge");
    let proof = run.octets("proof");
    let mut start = Start::decode(&run.octets("start")).unwrap();
    start.chain.clear();
    let start = start.encode();
    let transcript = Transcript {
        start: &start,
        challenge: &challenge,
        proof: &proof,
    };
    assert_eq!(
        verify_proof(&transcript, None).err(),
        Some(ProofError::Object(CoseError::KeyMissing))
    );
    // With the key the signature holds, and it was made over another Start.
    let key = signing_key(&run.identities, "device_private").verification_key();
    assert_eq!(
        verify_proof(&transcript, Some(&key)).err(),
        Some(ProofError::Transcript)
    );
    let other = signing_key(&run.identities, "manufacturer_private").verification_key();
    assert_eq!(
        verify_proof(&transcript, Some(&other)).err(),
        Some(ProofError::OtherKey)
    );
}

#[test]
fn another_certificate_for_the_same_key_is_a_hash_mismatch() {
    let run = run("s1-bound-n1");
    let certificate = octets(&run.identities["device_certificate"]);
    let mut start = Start::decode(&run.octets("start")).unwrap();
    start.certificate = onboarding::CertificateReference::Hash([0; 32]);
    let error = check_certificate(&start, &certificate).err().unwrap();
    assert_eq!(error, BindingError::Hash);
    assert_eq!(error.cause(), Cause::CertificateHashMismatch);
    let error = check_certificate(&start, &certificate[1..]).err().unwrap();
    assert_eq!(error.cause(), Cause::CertificateChainInvalid);
}

#[test]
fn a_cookie_is_looked_at_before_the_ephemeral_key() {
    let run = run("s1-bound-n1");
    let mut start = Start::decode(&run.octets("start_without_cookie")).unwrap();
    start.offers = vec![(1, vec![0; 32])];
    let serving_network = run.serving_network();
    let key = onboarding::CookieKey::new(secret::SecretBytes::new(vec![1; 32]));
    let context = StartContext {
        serving_network: &serving_network,
        suites: &Suite::PREFERENCE,
        operator_chain: true,
        cookies: Some(onboarding::server::CookieDemand {
            key: &key,
            previous_key: None,
            source: onboarding::Source(b"gateway"),
            now: NOW,
        }),
    };
    let outcome = check_start(&start.encode(), &context);
    assert!(matches!(outcome, Ok(StartOutcome::Retry(_))));
}

#[test]
fn points_off_the_curve_are_refused() {
    let run = run("s2-bound-n0");
    let mut start = Start::decode(&run.octets("start")).unwrap();
    let mut point = start.offers[0].1.clone();
    point[64] ^= 1;
    start.offers = vec![(2, point)];
    assert_eq!(start_reason(&run, &start.encode()), "key");
    // The compressed form has another length, so it is no key of the suite.
    start.offers = vec![(2, vec![2; 33])];
    assert_eq!(start_reason(&run, &start.encode()), "schema");
}

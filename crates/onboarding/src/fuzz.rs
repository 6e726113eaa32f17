//! Entry points for fuzzing: each takes any octets and must never panic.

use crate::certificate::{Certificate, PathPolicy, validate_path};
use crate::certificate_url::{CertificateUrl, UrlPrefix};
use crate::server::{StartContext, check_certificate, check_start, verify_proof};
use crate::{
    Accept, Challenge, Frame, ProofPayload, Reject, Retry, SessionParameters, Start, Suite,
    Transcript, parse_pdp_identity,
};
use identifiers::ServingNetworkName;

/// Decodes every message; what decodes must encode to the same octets.
///
/// # Panics
/// If a decoder accepted octets that its encoder would not emit, which is what is searched for.
pub fn fuzz_messages(data: &[u8]) {
    if let Ok(frame) = Frame::decode(data) {
        assert_eq!(frame.encode(), data, "frame");
    }
    if let Ok(start) = Start::decode(data) {
        assert_eq!(start.encode(), data, "start");
        let _ = Start::hash_without_cookie(data);
    }
    if let Ok(retry) = Retry::decode(data) {
        assert_eq!(retry.encode(), data, "retry");
    }
    if let Ok(challenge) = Challenge::decode(data) {
        assert_eq!(challenge.encode(), data, "challenge");
        let _ = Challenge::without_network_proof(data);
    }
    if let Ok(payload) = ProofPayload::decode(data) {
        assert_eq!(payload.encode(), data, "proof");
    }
    if let Ok(accept) = Accept::decode(data) {
        assert_eq!(accept.encode(), data, "accept");
    }
    if let Ok(parameters) = SessionParameters::decode(data) {
        assert_eq!(parameters.encode(), data, "session parameters");
    }
    if let Ok(reject) = Reject::decode(data) {
        assert_eq!(reject.encode(), data, "reject");
    }
}

/// Checks a Start as a network does.
pub fn fuzz_check_start(data: &[u8]) {
    let Ok(serving_network) = ServingNetworkName::parse("5G:mnc001.mcc001.3gppnetwork.org") else {
        return;
    };
    let context = StartContext {
        serving_network: &serving_network,
        suites: &Suite::PREFERENCE,
        operator_chain: true,
        cookies: None,
    };
    let _ = check_start(data, &context);
}

/// Verifies a Proof and a certificate against a Start: an array of Start, Challenge, Proof and
/// certificate.
pub fn fuzz_verify_proof(data: &[u8]) {
    let Ok(items) = cose::cbor::Item::decode(data).map(|item| item.array().unwrap_or_default())
    else {
        return;
    };
    let mut bodies = items.iter().map(|item| item.bytes().unwrap_or_default());
    let transcript = Transcript {
        start: bodies.next().unwrap_or_default(),
        challenge: bodies.next().unwrap_or_default(),
        proof: bodies.next().unwrap_or_default(),
    };
    if let Ok(proof) = verify_proof(&transcript, None) {
        let _ = proof.recipient_key();
        let _ = check_certificate(&proof.start, bodies.next().unwrap_or_default());
    }
}

/// Reads a certificate and validates a path of it under itself.
pub fn fuzz_certificate(data: &[u8]) {
    let _ = Certificate::from_der(data);
    let _ = validate_path(&[data, data], &PathPolicy::new(&[data], 1_800_000_000));
}

/// Reads a certificate URL, a prefix and a DTLS-PSK identity.
///
/// # Panics
/// If the normal form of a URL is not its own normal form, which is what is searched for.
pub fn fuzz_text(data: &[u8]) {
    let _ = parse_pdp_identity(data);
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    if let Ok(url) = CertificateUrl::parse(text, &[8443]) {
        let _ = url.device_serial();
        let again = CertificateUrl::parse(&url.to_text(), &[8443]);
        assert_eq!(again.as_ref(), Ok(&url), "normal form");
        let prefix = UrlPrefix::parse(&url.to_text(), &[8443]);
        assert!(prefix.is_ok_and(|prefix| prefix.matches(&url)), "prefix");
    }
}

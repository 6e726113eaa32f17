use akma::fuzz::{fuzz_psk_identity, fuzz_psk_identity_hint};
use akma::{PskIdentityError, hint_lists_akma, parse_psk_identity, psk_identity};
use cause::Cause;
use identifiers::AKid;
use proptest::prelude::*;

use crate::vectors;

fn a_kid() -> AKid {
    AKid::parse(
        vectors("akma.json")["five_g_aka"]["a_kid"]
            .as_str()
            .unwrap(),
    )
    .unwrap()
}

// TS 24.109 K.3.2
#[test]
fn identity_is_the_constant_and_the_a_kid() {
    let identity = psk_identity(&a_kid());
    assert_eq!(identity.len(), 88);
    assert!(identity.starts_with(b"3GPP-AKMA0.pHY_"));
    assert_eq!(parse_psk_identity(&identity), Ok(a_kid()));
}

#[test]
fn every_truncation_of_an_identity_is_read_or_refused() {
    let identity = psk_identity(&a_kid());
    for length in 0..identity.len() {
        let truncated = &identity[..length];
        fuzz_psk_identity(truncated);
        // A shorter realm is still a realm, but another A-KID.
        assert_ne!(parse_psk_identity(truncated).ok(), Some(a_kid()));
    }
}

#[test]
fn identities_of_other_kinds_are_refused() {
    for (identity, expected) in [
        (&b""[..], PskIdentityError::OtherKind),
        (b"3gpp-akma0.x@example.com", PskIdentityError::OtherKind),
        (b"berth-owa:AAAA", PskIdentityError::OtherKind),
        (b"0.x@example.com", PskIdentityError::OtherKind),
        (b"3GPP-AKMA\xFF@example.com", PskIdentityError::Encoding),
    ] {
        assert_eq!(parse_psk_identity(identity), Err(expected));
    }
    for identity in [
        &b"3GPP-AKMA"[..],
        b"3GPP-AKMA;0.x@example.com",
        b"3GPP-AKMA0.x@@example.com",
        b"3GPP-AKMA0.x@example.com\0",
    ] {
        let error = parse_psk_identity(identity).unwrap_err();
        assert!(matches!(error, PskIdentityError::AKid(_)));
        assert_eq!(error.cause(), Cause::MandatoryElementIncorrect);
    }
}

#[test]
fn hint_may_be_one_of_a_list() {
    for hint in [
        "3GPP-AKMA",
        "3GPP-bootstrapping;3GPP-AKMA",
        "3GPP-AKMA;3GPP-bootstrapping-uicc",
        "x; 3GPP-AKMA ;y",
    ] {
        assert!(hint_lists_akma(hint.as_bytes()), "{hint}");
    }
    for hint in [
        "",
        ";",
        "3GPP-bootstrapping",
        "3GPP-AKMA2",
        "3gpp-akma",
        "a3GPP-AKMA",
    ] {
        assert!(!hint_lists_akma(hint.as_bytes()), "{hint}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fuzz_entry_points_return(data in prop::collection::vec(any::<u8>(), 0..300), akma in any::<bool>()) {
        let prefix: &[u8] = if akma { b"3GPP-AKMA" } else { b"" };
        let data = [prefix, &data].concat();
        fuzz_psk_identity(&data);
        fuzz_psk_identity_hint(&data);
    }
}

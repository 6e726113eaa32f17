//! What the table promises to the protocols that use it.

use cause::Cause;
use std::collections::BTreeSet;

#[test]
fn numbers_and_names_are_unique_and_find_their_cause() {
    let mut names = BTreeSet::new();
    for cause in Cause::ALL {
        assert!(names.insert(cause.name()), "{cause:?} shares its name");
        assert_eq!(Cause::from_number(cause.number()), Some(*cause));
        assert_eq!(Cause::from_name(cause.name()), Some(*cause));
    }
    assert!(
        Cause::ALL
            .windows(2)
            .all(|pair| pair[0].number() < pair[1].number())
    );
}

#[test]
fn a_name_is_the_variant_in_capitals() {
    for cause in Cause::ALL {
        let mut name = String::new();
        for (index, character) in format!("{cause:?}").chars().enumerate() {
            if character.is_ascii_uppercase() && index > 0 {
                name.push('_');
            }
            name.push(character.to_ascii_uppercase());
        }
        assert_eq!(cause.name(), name);
        assert_eq!(cause.to_string(), name);
    }
}

#[test]
fn unknown_numbers_and_names_have_no_cause() {
    let numbers: BTreeSet<u16> = Cause::ALL.iter().map(|cause| cause.number()).collect();
    for number in 0..=u16::MAX {
        assert_eq!(
            Cause::from_number(number).is_some(),
            numbers.contains(&number)
        );
    }
    for name in ["", "unknown_a_kid", "UNKNOWN_A_KID ", "OK"] {
        assert_eq!(Cause::from_name(name), None);
    }
}

#[test]
fn owa_causes_keep_the_numbers_1_to_20() {
    let names = [
        "UNKNOWN_MANUFACTURER",
        "CERTIFICATE_NOT_REACHABLE",
        "CERTIFICATE_HASH_MISMATCH",
        "CERTIFICATE_CHAIN_INVALID",
        "CERTIFICATE_EXPIRED",
        "CERTIFICATE_REVOKED",
        "DEVICE_IDENTITY_MISMATCH",
        "PROOF_INVALID",
        "CHALLENGE_STALE",
        "CLONE_SUSPECTED",
        "EVIDENCE_INSUFFICIENT",
        "DEVICE_ALREADY_OWNED",
        "NO_ORDER",
        "RATE_LIMITED",
        "TEMPORARILY_UNAVAILABLE",
        "SUITE_UNSUPPORTED",
        "NETWORK_PROOF_UNAVAILABLE",
        "DEVICE_BLOCKED",
        "UPDATE_REQUIRED",
        "TRANSFER_IN_PROGRESS",
    ];
    for (number, name) in (1..).zip(names) {
        let cause = Cause::from_owa(number).expect("OWA defines 1 to 20");
        assert_eq!((cause.name(), cause.owa()), (name, Some(number)));
    }
    for cause in Cause::ALL.iter().filter(|cause| cause.number() > 20) {
        assert_eq!(cause.owa(), None);
        assert_eq!(Cause::from_owa(cause.number()), None);
    }
    assert_eq!(Cause::from_owa(0), None);
}

#[test]
fn areas_keep_their_hundreds() {
    let first_and_last = [
        (1, Cause::UnknownManufacturer),
        (20, Cause::TransferInProgress),
        (100, Cause::MalformedMessage),
        (114, Cause::NewerSchema),
        (200, Cause::ServingNetworkNotAuthorized),
        (211, Cause::UpstreamFailure),
        (300, Cause::UnknownAKid),
        (303, Cause::AKidCollision),
        (400, Cause::LimitedSessionExpired),
        (412, Cause::QuotaExceeded),
        (500, Cause::UeServiceIdNotAssociated),
        (505, Cause::AssociationUnavailable),
    ];
    for (number, cause) in first_and_last {
        assert_eq!(cause.number(), number);
    }
}

#[test]
fn every_grpc_code_is_an_error_that_a_service_may_answer() {
    // Not OK, CANCELLED (the caller's), OUT_OF_RANGE and DATA_LOSS (nothing here means them).
    let allowed = [2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 16];
    for cause in Cause::ALL {
        assert!(allowed.contains(&cause.grpc()), "{cause}");
    }
}

#[test]
fn every_coap_code_is_a_registered_error() {
    // RFC 7252 12.1.2, RFC 7959 (4.08), RFC 8132 (4.09, 4.22), RFC 8516 (4.29), RFC 8768 (5.08).
    let registered = [
        (4, &[0, 1, 2, 3, 4, 5, 6, 8, 9, 12, 13, 15, 22, 29][..]),
        (5, &[0, 1, 2, 3, 4, 5, 8][..]),
    ];
    for cause in Cause::ALL {
        let (class, detail) = (cause.coap() >> 5, cause.coap() & 0x1f);
        assert!(
            registered
                .iter()
                .any(|(known, details)| *known == class && details.contains(&detail)),
            "{cause} answers {class}.{detail:02}"
        );
    }
    assert_eq!(Cause::NotAuthorized.coap(), 0x83);
}

#[test]
fn every_http_status_is_a_registered_error() {
    let registered = [
        400, 401, 403, 404, 409, 410, 413, 415, 429, 500, 501, 503, 504,
    ];
    for cause in Cause::ALL {
        assert!(registered.contains(&cause.http()), "{cause}");
    }
}

#[test]
fn codes_of_the_protocols_blame_the_same_side() {
    for cause in Cause::ALL {
        let ours = cause.http() >= 500;
        assert_eq!(cause.coap() >> 5 == 5, ours, "{cause}");
    }
}

#[test]
fn three_gpp_causes_come_with_the_status_of_their_table() {
    // TS 29.500 table 5.2.7.2-1, TS 29.509 table 6.1.7.3-1
    let table = [
        ("INVALID_MSG_FORMAT", 400),
        ("MANDATORY_IE_MISSING", 400),
        ("MANDATORY_IE_INCORRECT", 400),
        ("SYSTEM_FAILURE", 500),
        ("NF_CONGESTION", 503),
        ("SERVING_NETWORK_NOT_AUTHORIZED", 403),
        ("AUTHENTICATION_REJECTED", 403),
        ("INVALID_HN_PUBLIC_KEY_IDENTIFIER", 403),
        ("INVALID_SCHEME_OUTPUT", 403),
        ("CONTEXT_NOT_FOUND", 404),
        ("USER_NOT_FOUND", 404),
        ("AV_GENERATION_PROBLEM", 500),
        ("UNSUPPORTED_PROTECTION_SCHEME", 501),
        ("UPSTREAM_SERVER_ERROR", 504),
    ];
    for cause in Cause::ALL {
        if let Some(name) = cause.three_gpp() {
            assert!(table.contains(&(name, cause.http())), "{cause} as {name}");
        }
    }
    for (name, status) in table {
        assert!(
            Cause::ALL
                .iter()
                .any(|cause| cause.three_gpp() == Some(name) && cause.http() == status),
            "{name} has no cause"
        );
    }
}

#[test]
fn what_is_temporary_is_retryable_and_what_is_forbidden_is_not() {
    for cause in Cause::ALL {
        match cause.grpc() {
            // DEADLINE_EXCEEDED, ABORTED, UNAVAILABLE
            4 | 10 | 14 => assert!(cause.retryable(), "{cause}"),
            // INVALID_ARGUMENT, ALREADY_EXISTS, PERMISSION_DENIED, UNIMPLEMENTED, UNAUTHENTICATED
            3 | 6 | 7 | 12 | 16 => assert!(!cause.retryable(), "{cause}"),
            _ => {}
        }
    }
}

#[test]
fn texts_are_single_sentences_for_people() {
    for cause in Cause::ALL {
        let text = cause.text();
        assert!(
            text.ends_with('.') && text.matches('.').count() == 1,
            "{cause}"
        );
        assert!(text.starts_with(|first: char| first.is_ascii_uppercase()));
        assert!(text.len() <= 100 && !text.contains('_'), "{cause}");
    }
}

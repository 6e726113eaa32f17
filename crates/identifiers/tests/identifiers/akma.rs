//! A-KID, FQDN, Ua* identifier.

use identifiers::{AKid, Fqdn, Plmn, RoutingIndicator, UaStarId};

const REALM: &str = "5gc.mnc001.mcc001.3gppnetwork.org";
const BASE64URL: &str = "pHY_9qVCfFj6UfYuA2wqozyINDzdpfF9uGzxq3tWYbY";
const HEX: &str = "a4763ff6a5427c58fa51f62e036c2aa33c88343cdda5f17db86cf1ab7b5661b6";

fn a_kid(username: &str) -> AKid {
    AKid::parse(&format!("{username}@{REALM}")).expect("an NAI")
}

fn indicator(username: &str) -> Option<String> {
    a_kid(username)
        .routing_indicator()
        .map(|indicator| indicator.as_str().into())
}

#[test]
fn the_default_form_separates_routing_indicator_and_a_tid_by_a_dot() {
    let a_tid = [0xff; 32];
    let home = Plmn::parse("26201").expect("a PLMN");
    let indicator = RoutingIndicator::parse("0017").expect("digits");
    let a_kid = AKid::new(&indicator, &a_tid, &home);
    assert_eq!(
        a_kid.as_str(),
        format!("0017.{}8@5gc.mnc001.mcc262.3gppnetwork.org", "_".repeat(42))
    );
    assert_eq!(AKid::parse(a_kid.as_str()), Ok(a_kid.clone()));
    assert_eq!(a_kid.routing_indicator(), Some(indicator));
    assert_eq!(a_kid.realm(), "5gc.mnc001.mcc262.3gppnetwork.org");
}

#[test]
fn routing_reads_both_encodings_with_and_without_a_dot() {
    for digits in ["0", "42", "678", "9999"] {
        for a_tid in [BASE64URL, HEX, &HEX.to_uppercase()] {
            assert_eq!(
                indicator(&format!("{digits}.{a_tid}")).as_deref(),
                Some(digits)
            );
            assert_eq!(
                indicator(&format!("{digits}{a_tid}")).as_deref(),
                Some(digits)
            );
        }
    }
}

#[test]
fn digits_in_front_of_the_a_tid_are_not_taken_for_the_routing_indicator() {
    // The A-TID is the last 43 or 64 characters, whatever it begins with.
    let a_tid = format!("12{}", &BASE64URL[2..]);
    assert_eq!(indicator(&format!("7{a_tid}")).as_deref(), Some("7"));
    assert_eq!(indicator(&format!("1234{a_tid}")).as_deref(), Some("1234"));
}

#[test]
fn other_user_names_are_an_a_kid_without_routing_indicator() {
    for username in [
        "user",
        BASE64URL,
        HEX,
        &format!(".{BASE64URL}")[1..],
        &format!("12345{BASE64URL}"),
        &format!("12345.{BASE64URL}"),
        &format!("x.{BASE64URL}"),
        &format!("0.{}", &BASE64URL[1..]),
        &format!("0.{BASE64URL}.x"),
        &format!("0.{}", &HEX[1..]),
    ] {
        assert_eq!(indicator(username), None, "{username}");
    }
}

#[test]
fn a_kids_are_the_same_only_character_by_character() {
    let default = a_kid(&format!("0.{BASE64URL}"));
    for other in [
        format!("0{BASE64URL}"),
        format!("0.{HEX}"),
        format!("00.{BASE64URL}"),
    ] {
        assert_ne!(default, a_kid(&other));
    }
    assert_ne!(AKid::parse("0.a@x.example"), AKid::parse("0.A@x.example"));
    assert_ne!(AKid::parse("0.a@x.example"), AKid::parse("0.a@X.example"));
}

#[test]
fn a_psk_identity_with_the_longest_a_kid_stays_below_512_octets() {
    // RFC 7542 2.3; TS 33.535 Annex B
    let longest = format!("{}@{REALM}", "a".repeat(253 - 1 - REALM.len()));
    let a_kid = AKid::parse(&longest).expect("253 octets");
    assert!("3GPP-AKMA".len() + a_kid.as_str().len() <= 512);
    assert!(AKid::parse(&format!("a{longest}")).is_err());
}

#[test]
fn what_is_no_nai_is_no_a_kid() {
    for text in [
        "",
        "0.x",
        "@x.example",
        "0.x@",
        "0.x@y",
        "0.ä@x.example",
        "0.x@x.example\0",
        "a@b@x.example",
    ] {
        assert!(AKid::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_domain_name_has_one_form() {
    for text in [
        "msgin5g.berth.test",
        "a.b",
        "xn--bcher-kva.example",
        "5gc.mnc001.mcc001.3gppnetwork.org",
    ] {
        assert_eq!(Fqdn::parse(text).expect("a name").as_str(), text);
    }
    for text in [
        "",
        "localhost",
        "Msgin5g.berth.test",
        "msgin5g.berth.test.",
        ".berth.test",
        "msgin5g..test",
        "-a.test",
        "a-.test",
        "a_b.test",
        "a b.test",
        "bücher.example",
        "192.0.2.1",
        "[2001:db8::1]",
        "a.test:5684",
        "*.berth.test",
    ] {
        assert!(Fqdn::parse(text).is_err(), "{text}");
    }
}

#[test]
fn labels_have_at_most_63_octets_and_names_253() {
    // RFC 1035 2.3.4
    let label = "a".repeat(63);
    assert!(Fqdn::parse(&format!("{label}.test")).is_ok());
    assert!(Fqdn::parse(&format!("{label}a.test")).is_err());
    let name = format!("{label}.{label}.{label}.{}", "a".repeat(61));
    assert_eq!(name.len(), 253);
    assert!(Fqdn::parse(&name).is_ok());
    assert!(Fqdn::parse(&format!("{name}a")).is_err());
}

#[test]
fn the_protocol_identifier_of_tls_1_2_ends_in_the_cipher_suite() {
    // TS 33.220 Annex H
    assert_eq!(
        UaStarId::tls12([0xc0, 0xa8]).as_bytes(),
        &[0x01, 0x00, 0x01, 0xc0, 0xa8]
    );
    assert_eq!(
        UaStarId::tls12([0x00, 0xa8]).as_bytes(),
        &[0x01, 0x00, 0x01, 0x00, 0xa8]
    );
    assert_eq!(UaStarId::TLS13.as_bytes(), &[1, 0, 0, 0, 7]);
    assert_eq!(UaStarId::HTTP_DIGEST.as_bytes(), &[1, 0, 0, 0, 2]);
}

#[test]
fn a_protocol_identifier_has_five_octets() {
    assert_eq!(
        UaStarId::try_from_slice(&[1, 0, 0, 0, 7]),
        Ok(UaStarId::TLS13)
    );
    for length in [0, 4, 6] {
        assert!(UaStarId::try_from_slice(&vec![1; length]).is_err());
    }
}

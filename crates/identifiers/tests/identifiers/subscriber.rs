//! SUPI, SUCI, GPSI.

use cause::Cause;
use identifiers::{
    Fault, Gpsi, HomeNetwork, Plmn, ProtectionScheme, RoutingIndicator, Suci, Supi, SupiType,
};

fn supi(text: &str) -> Supi {
    Supi::parse(text).expect("a SUPI")
}

fn suci(text: &str) -> Suci {
    Suci::parse(text).expect("a SUCI")
}

fn fault(text: &str) -> Option<Fault> {
    Suci::parse(text).err().map(|error| error.fault())
}

#[test]
fn key_derivation_takes_a_supi_without_its_prefix() {
    // TS 33.501 A.7.0
    assert_eq!(
        supi("imsi-001010000000001").kdf_form().as_bytes(),
        b"001010000000001"
    );
    let nai = supi("nai-sensor42@factory.example.com");
    assert_eq!(nai.kdf_form().as_bytes(), b"sensor42@factory.example.com");
    assert_eq!(nai.as_text(), "nai-sensor42@factory.example.com");
}

#[test]
fn hyphens_after_the_prefix_stay_in_the_key_derivation() {
    let nai = supi("nai-a-b-c@my-factory.example.com");
    assert_eq!(nai.kdf_form().as_bytes(), b"a-b-c@my-factory.example.com");
    assert_eq!(
        nai.username_and_realm(),
        Some(("a-b-c", "my-factory.example.com"))
    );
    let confusing = supi("nai-imsi-001010000000001@x.example.com");
    assert_eq!(confusing.supi_type(), SupiType::NetworkSpecificIdentifier);
    assert_eq!(confusing.imsi(), None);
}

#[test]
fn an_imsi_has_5_to_15_digits() {
    for digits in ["00101", "001010000000001"] {
        assert_eq!(supi(&format!("imsi-{digits}")).imsi(), Some(digits));
    }
    for digits in [
        "",
        "0010",
        "0010100000000011",
        "00101000000000x",
        "00101 0000000",
    ] {
        assert!(Supi::parse(&format!("imsi-{digits}")).is_err(), "{digits}");
    }
}

#[test]
fn what_is_not_ascii_is_no_supi() {
    // TS 33.220 B.2.1.2 would normalise; nothing is normalised here.
    for text in [
        "imsi-００１０１００００００００１",
        "imsi-٠٠١٠١",
        "nai-sensör@factory.example.com",
        "nai-sensor@fäctory.example.com",
        "nai-sensor@factory.example.com\u{0}",
        "nai-sens\u{301}or@factory.example.com",
    ] {
        assert!(Supi::parse(text).is_err(), "{text}");
    }
}

#[test]
fn what_is_no_nai_is_no_supi() {
    for text in [
        "nai-",
        "nai-@",
        "nai-a@",
        "nai-@b.example",
        "nai-a@b",
        "nai-a@b@c.example",
        "nai-a b@c.example",
        "nai-.a@c.example",
        "nai-a..b@c.example",
        "nai-a@-c.example",
        "nai-a@c-.example",
        "nai-a@c..example",
        "nai-a@c.example.",
        "nai-a@192.0.2.1",
        "gci-00-11",
        "gli-00",
        "IMSI-001010000000001",
        "001010000000001",
        " imsi-001010000000001",
        "imsi-001010000000001\n",
    ] {
        assert!(Supi::parse(text).is_err(), "{text}");
    }
}

#[test]
fn an_nai_has_at_most_253_octets() {
    // RFC 7542 2.3
    let realm = "x.example";
    let username = "u".repeat(253 - 1 - realm.len());
    assert!(Supi::from_username(&username, realm).is_ok());
    let error = Supi::from_username(&format!("{username}u"), realm).err();
    assert_eq!(error.map(|error| error.fault()), Some(Fault::Length));
}

#[test]
fn a_subscriber_number_belongs_to_one_length_of_network_code() {
    let (two, three) = (Plmn::new("001", "01"), Plmn::new("001", "010"));
    let (two, three) = (two.expect("a PLMN"), three.expect("a PLMN"));
    let supi = supi("imsi-001010000000001");
    assert_eq!(supi.msin(&two), Some("0000000001"));
    assert_eq!(supi.msin(&three), Some("000000001"));
    assert_eq!(Supi::from_msin(&two, "0000000001"), Ok(supi.clone()));
    assert_eq!(Supi::from_msin(&three, "000000001"), Ok(supi.clone()));
    let other = Plmn::new("262", "01").expect("a PLMN");
    assert_eq!(supi.msin(&other), None);
    assert!(Supi::from_msin(&three, "0000000001").is_err(), "16 digits");
    assert!(Supi::from_msin(&two, "").is_err());
    assert!(Supi::from_msin(&two, "12x").is_err());
}

#[test]
fn a_null_scheme_suci_shows_its_supi() {
    // TS 33.501 C.2
    let suci = suci("suci-0-001-01-0-0-0-0000000001");
    assert_eq!(suci.supi_type(), SupiType::Imsi);
    assert_eq!(suci.scheme(), ProtectionScheme::Null);
    assert_eq!(suci.home_network_key_id(), 0);
    assert_eq!(suci.scheme_output(), b"0000000001");
    assert_eq!(suci.unconcealed(), Supi::parse("imsi-001010000000001").ok());
}

#[test]
fn the_network_code_of_a_suci_keeps_its_length() {
    let (two, three) = (
        suci("suci-0-001-01-0-0-0-0123"),
        suci("suci-0-001-010-0-0-0-123"),
    );
    assert_ne!(two, three);
    assert_eq!(two.unconcealed(), three.unconcealed());
    assert!(Suci::parse("suci-0-001-1-0-0-0-0123").is_err());
}

#[test]
fn a_concealed_suci_shows_nothing_of_its_supi() {
    let text = "suci-0-274-012-678-1-27-b2e92f836055a255837debf850b528997ce0201cb82adfe4be1f587d07d8457dcb02352410cddd9e730ef3fa87";
    let suci = suci(text);
    assert_eq!(
        suci.home_network(),
        &HomeNetwork::Plmn(Plmn::parse("274012").expect("a PLMN"))
    );
    assert_eq!(suci.routing_indicator().as_str(), "678");
    assert_eq!(suci.scheme(), ProtectionScheme::ProfileA);
    assert_eq!(suci.home_network_key_id(), 27);
    assert_eq!(suci.scheme_output().len(), 32 + 5 + 8);
    assert_eq!(suci.unconcealed(), None);
    assert_eq!(suci.to_text(), text);
    assert_eq!(
        suci.supi_from_scheme_input(b"001002086"),
        Supi::parse("imsi-274012001002086")
    );
}

#[test]
fn hexadecimal_digits_are_taken_in_either_case_and_given_in_lower_case() {
    let suci = suci("suci-0-001-01-0-2-255-03AbCD");
    assert_eq!(suci.scheme_output(), [0x03, 0xab, 0xcd]);
    assert_eq!(suci.to_text(), "suci-0-001-01-0-2-255-03abcd");
}

#[test]
fn the_null_scheme_has_key_id_0_and_every_other_has_another() {
    // TS 23.003 2.2B
    for text in [
        "suci-0-001-01-0-0-1-0000000001",
        "suci-0-001-01-0-1-0-00",
        "suci-0-001-01-0-2-256-00",
        "suci-0-001-01-0-1-999-00",
    ] {
        assert_eq!(fault(text), Some(Fault::Range), "{text}");
    }
    for text in [
        "suci-0-001-01-0-1-01-00",
        "suci-0-001-01-0-0-00-1",
        "suci-0-001-01-0-0--1",
        "suci-0-001-01-0-1-+1-00",
    ] {
        assert!(fault(text).is_some(), "{text}");
    }
    for id in [1, 2, 254, 255] {
        assert_eq!(
            suci(&format!("suci-0-001-01-0-1-{id}-00")).home_network_key_id(),
            id
        );
    }
}

#[test]
fn schemes_other_than_null_a_and_b_are_told_as_unsupported() {
    for scheme in ["3", "9", "A", "b", "C", "f", "F"] {
        let error = Suci::parse(&format!("suci-0-001-01-0-{scheme}-1-00")).err();
        let error = error.expect("no such scheme");
        assert_eq!(error.fault(), Fault::ProtectionScheme);
        assert_eq!(error.cause(), Cause::UnsupportedProtectionScheme);
    }
    for scheme in ["", "00", "10", "g", " "] {
        let error = Suci::parse(&format!("suci-0-001-01-0-{scheme}-1-00")).err();
        assert_eq!(
            error.map(|error| error.cause()),
            Some(Cause::MandatoryElementIncorrect)
        );
    }
}

#[test]
fn a_scheme_output_has_1_to_3000_octets_in_whole_hexadecimal_pairs() {
    let longest = "ab".repeat(3000);
    assert_eq!(
        suci(&format!("suci-0-001-01-0-1-1-{longest}"))
            .scheme_output()
            .len(),
        3000
    );
    assert_eq!(
        fault(&format!("suci-0-001-01-0-1-1-{longest}ab")),
        Some(Fault::Length)
    );
    assert_eq!(fault("suci-0-001-01-0-1-1-"), Some(Fault::Length));
    for output in ["a", "abc", "zz", "ab-cd", "a b ", "0x00"] {
        assert_eq!(
            fault(&format!("suci-0-001-01-0-1-1-{output}")),
            Some(Fault::Character),
            "{output}"
        );
    }
}

#[test]
fn a_null_scheme_output_is_the_subscriber_part_of_a_supi() {
    for output in ["", "00000000011", "12345678a", "12-34", "1 2"] {
        assert!(
            fault(&format!("suci-0-001-01-0-0-0-{output}")).is_some(),
            "{output}"
        );
    }
    assert!(
        fault("suci-0-001-010-0-0-0-1234567890").is_some(),
        "16 digits"
    );
    for output in ["", "a@b", ".a", "a b"] {
        assert!(
            fault(&format!("suci-1-x.example-0-0-0-{output}")).is_some(),
            "{output}"
        );
    }
}

#[test]
fn routing_indicators_of_a_suci_have_1_to_4_digits() {
    for indicator in ["0", "12", "0000"] {
        let suci = suci(&format!("suci-0-001-01-{indicator}-0-0-1"));
        assert_eq!(suci.routing_indicator().as_str(), indicator);
    }
    for indicator in ["", "00000", "x"] {
        assert!(fault(&format!("suci-0-001-01-{indicator}-0-0-1")).is_some());
        assert!(fault(&format!("suci-1-x.example-{indicator}-0-0-u")).is_some());
    }
}

#[test]
fn a_network_specific_identifier_keeps_its_realm_in_the_clear() {
    let suci = suci("suci-1-3gpp.com-678-1-27-977d8b2f");
    assert_eq!(suci.supi_type(), SupiType::NetworkSpecificIdentifier);
    assert_eq!(suci.home_network(), &HomeNetwork::Realm("3gpp.com".into()));
    assert_eq!(
        suci.supi_from_scheme_input(b"verylongusername1"),
        Supi::parse("nai-verylongusername1@3gpp.com")
    );
    assert!(suci.supi_from_scheme_input(b"a@b").is_err());
    assert!(suci.supi_from_scheme_input(b"\xff").is_err());
}

#[test]
fn realms_and_user_names_with_hyphens_are_told_apart() {
    let suci = suci("suci-1-my-factory-7.example.com-0-0-0-line-1-0-0-robot");
    assert_eq!(
        suci.unconcealed(),
        Supi::parse("nai-line-1-0-0-robot@my-factory-7.example.com").ok()
    );
    assert_eq!(
        suci.to_text(),
        "suci-1-my-factory-7.example.com-0-0-0-line-1-0-0-robot"
    );
}

#[test]
fn a_realm_that_would_read_back_as_another_is_refused() {
    let realm = HomeNetwork::Realm("x.example-1-0-0-y.example".into());
    let indicator = RoutingIndicator::parse("0").expect("digits");
    let suci = Suci::new(
        realm,
        indicator,
        ProtectionScheme::Null,
        0,
        b"user".to_vec(),
    );
    assert_eq!(suci.map_err(|error| error.fault()), Err(Fault::Form));
}

#[test]
fn a_suci_is_made_only_of_parts_that_fit() {
    let indicator = || RoutingIndicator::parse("0").expect("digits");
    let network = || HomeNetwork::Plmn(Plmn::parse("00101").expect("a PLMN"));
    let make = |scheme, key_id, output: &[u8]| {
        Suci::new(network(), indicator(), scheme, key_id, output.to_vec()).is_ok()
    };
    assert!(make(ProtectionScheme::Null, 0, b"0000000001"));
    assert!(make(ProtectionScheme::ProfileA, 1, &[0; 45]));
    assert!(!make(ProtectionScheme::Null, 1, b"0000000001"));
    assert!(!make(ProtectionScheme::ProfileA, 0, &[0; 45]));
    assert!(!make(ProtectionScheme::ProfileB, 1, &[]));
    assert!(!make(ProtectionScheme::ProfileB, 1, &[0; 3001]));
    assert!(!make(ProtectionScheme::Null, 0, b"\xff"));
    let realm = HomeNetwork::Realm("no realm".into());
    assert!(
        Suci::new(
            realm,
            indicator(),
            ProtectionScheme::ProfileA,
            1,
            vec![0; 45]
        )
        .is_err()
    );
}

#[test]
fn other_types_of_suci_are_refused() {
    for text in [
        "suci-2-x.example-0-0-0-u",
        "suci-3-x.example-0-0-0-u",
        "suci-8-x.example-0-0-0-u",
        "suci-0",
        "suci-",
        "suci-0-001-01-0-0-0",
        "suci-1-x.example-0-0-0",
        "suci-1--0-0-0-u",
        "SUCI-0-001-01-0-0-0-1",
        "suci-0-001-01-0-0-0-１",
        "imsi-001010000000001",
    ] {
        assert!(Suci::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_gpsi_is_an_msisdn_or_an_external_identifier() {
    for text in [
        "msisdn-49123",
        "msisdn-491234567890123",
        "extid-meter.7@utility.example.com",
    ] {
        assert_eq!(Gpsi::parse(text).expect("a GPSI").as_str(), text);
    }
    for text in [
        "msisdn-4912",
        "msisdn-4912345678901234",
        "msisdn-+49123",
        "extid-meter",
        "extid-@utility.example.com",
        "extid-meter@utility",
        "extid-mèter@utility.example.com",
        "MSISDN-49123",
        "49123",
        "",
    ] {
        assert!(Gpsi::parse(text).is_err(), "{text}");
    }
    assert_eq!(
        Gpsi::parse("msisdn-49123").expect("a GPSI").msisdn(),
        Some("49123")
    );
}

//! What logs show.

use identifiers::{
    AKid, DeviceId, Fqdn, Gpsi, Layer2Id, OnboardingSession, Plmn, SubscriptionId, Suci, Supi,
    UaStarId, UeServiceId,
};

const A_KID: &str =
    "0.pHY_9qVCfFj6UfYuA2wqozyINDzdpfF9uGzxq3tWYbY@5gc.mnc001.mcc001.3gppnetwork.org";

#[test]
fn logs_show_the_network_and_three_digits_of_a_supi() {
    let supi = Supi::parse("imsi-001010000000042").expect("a SUPI");
    assert_eq!(supi.redacted().to_string(), "imsi-00101…042");
    assert_eq!(format!("{supi:?}"), "Supi(imsi-00101…042)");
    let nai = Supi::parse("nai-sensor42@factory.example.com").expect("a SUPI");
    assert_eq!(nai.redacted().to_string(), "nai-…r42@factory.example.com");
}

#[test]
fn short_identifiers_show_no_tail() {
    let supi = Supi::parse("imsi-00101123").expect("a SUPI");
    assert_eq!(supi.redacted().to_string(), "imsi-00101…");
    let nai = Supi::parse("nai-abcdef@x.example").expect("a SUPI");
    assert_eq!(nai.redacted().to_string(), "nai-…@x.example");
    let id = UeServiceId::parse("ue-12345@x.example").expect("an id");
    assert_eq!(id.redacted().to_string(), "…@x.example");
}

#[test]
fn the_key_derivation_form_is_redacted_too() {
    let supi = Supi::parse("imsi-001010000000042").expect("a SUPI");
    assert_eq!(format!("{:?}", supi.kdf_form()), "SupiKdf(…042)");
}

#[test]
fn logs_show_no_subscriber_of_a_suci() {
    let suci = Suci::parse("suci-0-001-01-0-0-0-0000000042").expect("a SUCI");
    assert_eq!(suci.redacted().to_string(), "suci-0-001-01-0-0-0-…");
    let suci = Suci::parse("suci-1-3gpp.com-678-1-27-977d8b2f").expect("a SUCI");
    assert_eq!(format!("{suci:?}"), "Suci(suci-1-3gpp.com-678-1-27-…)");
}

#[test]
fn logs_show_country_and_three_digits_of_a_gpsi() {
    let gpsi = Gpsi::parse("msisdn-491234567890").expect("a GPSI");
    assert_eq!(gpsi.redacted().to_string(), "msisdn-49…890");
    let gpsi = Gpsi::parse("extid-meter0042@utility.example.com").expect("a GPSI");
    assert_eq!(
        gpsi.redacted().to_string(),
        "extid-…042@utility.example.com"
    );
}

#[test]
fn logs_show_four_characters_of_other_identifiers() {
    let a_kid = AKid::parse(A_KID).expect("an A-KID");
    assert_eq!(
        a_kid.redacted().to_string(),
        "…WYbY@5gc.mnc001.mcc001.3gppnetwork.org"
    );
    let device = DeviceId::parse("dev_otd33q6vyfeddciqlka2ekk32fqxt5eu").expect("an id");
    assert_eq!(format!("{device:?}"), "DeviceId(dev_…t5eu)");
    let subscription = SubscriptionId::parse("sub_01ARZ3NDEKTSV4RRFFQ69G5FAV").expect("an id");
    assert_eq!(subscription.redacted().to_string(), "sub_…5FAV");
    let id = UeServiceId::parse("ue-abcdefgh@msgin5g.berth.test").expect("an id");
    assert_eq!(id.redacted().to_string(), "…efgh@msgin5g.berth.test");
    let id = UeServiceId::parse("sip:alice.liddell@example.com").expect("an id");
    assert_eq!(id.redacted().to_string(), "sip:….com");
    let mac = Layer2Id::parse("00005e0053af").expect("an id");
    assert_eq!(mac.redacted().to_string(), "…53af");
    let session = OnboardingSession::new([0xfb; 16]);
    assert_eq!(session.redacted().to_string(), "…v7-w");
}

#[test]
fn what_names_no_person_is_shown_whole() {
    assert_eq!(
        format!("{:?}", Plmn::parse("00101").expect("a PLMN")),
        "Plmn(00101)"
    );
    assert_eq!(
        format!("{:?}", Fqdn::parse("a.test").expect("a name")),
        "Fqdn(a.test)"
    );
    assert_eq!(format!("{:?}", UaStarId::TLS13), "UaStarId(0100000007)");
}

#[test]
fn errors_name_the_identifier_and_the_fault_but_not_the_text() {
    let error = Supi::parse("imsi-00101000000004x").expect_err("no digit");
    assert_eq!(
        error.to_string(),
        "supi is not valid: it holds a character that is not allowed"
    );
    assert_eq!(error.identifier(), "supi");
    assert!(!format!("{error:?}").contains("00101"));
}

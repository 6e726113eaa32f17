//! The project's vectors, made by an independent implementation.

use identifiers::{
    AKid, DeviceId, HomeNetwork, OperatorId, Plmn, ProtectionScheme, RoutingIndicator,
    ServingNetworkName, Suci, Supi,
};
use serde_json::Value;

fn vectors(file: &str) -> Value {
    let path = format!("{}/../../vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("the vector file exists");
    serde_json::from_str(&text).expect("the vector file is JSON")
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .expect("a text at this place")
}

fn octets(hex: &str) -> Vec<u8> {
    data_encoding::HEXLOWER
        .decode(hex.as_bytes())
        .expect("hexadecimal")
}

#[test]
fn the_a_kid_is_made_as_in_the_vector() {
    let vectors = vectors("standards.json");
    let a_tid = octets(text(&vectors, "/akma/a_tid"))
        .try_into()
        .expect("32 octets");
    let indicator = RoutingIndicator::parse("0").expect("digits");
    let home = Plmn::parse("00101").expect("a PLMN");
    assert_eq!(
        AKid::new(&indicator, &a_tid, &home).as_str(),
        text(&vectors, "/akma/a_kid")
    );
}

#[test]
fn the_serving_network_name_and_the_supi_are_those_of_the_vector() {
    let vectors = vectors("standards.json");
    let plmn = Plmn::parse("00101").expect("a PLMN");
    assert_eq!(
        ServingNetworkName::from_plmn(&plmn).as_str(),
        text(&vectors, "/aka/inputs/snn")
    );
    let supi = Supi::parse(text(&vectors, "/suci/supi")).expect("a SUPI");
    assert_eq!(
        supi.kdf_form().as_bytes(),
        text(&vectors, "/aka/inputs/supi").as_bytes()
    );
}

#[test]
fn concealed_identifiers_read_and_write_as_in_the_vectors() {
    let vectors = vectors("standards.json");
    let cases = vectors
        .pointer("/suci/cases")
        .and_then(Value::as_array)
        .expect("cases");
    assert_eq!(cases.len(), 3);
    for case in cases {
        let suci = Suci::parse(text(case, "/text")).expect("a SUCI");
        assert_eq!(suci.to_text(), text(case, "/text"));
        let scheme = case
            .pointer("/scheme")
            .and_then(Value::as_u64)
            .expect("a number");
        assert_eq!(suci.scheme() as u64, scheme);
        assert_eq!(u64::from(suci.home_network_key_id()), scheme);
        assert_eq!(
            suci.home_network(),
            &HomeNetwork::Plmn(Plmn::new("001", "01").expect("a PLMN"))
        );
        if suci.scheme() == ProtectionScheme::Null {
            assert_eq!(
                suci.unconcealed(),
                Supi::parse(text(&vectors, "/suci/supi")).ok()
            );
        }
    }
}

#[test]
fn the_device_is_named_as_in_the_vector() {
    let vectors = vectors("identities.json");
    let hash = octets(text(&vectors, "/device_spki_sha256"))
        .try_into()
        .expect("32 octets");
    let device = DeviceId::from_spki_sha256(&hash);
    assert_eq!(device.as_str(), text(&vectors, "/device_id"));
    assert_eq!(DeviceId::parse(text(&vectors, "/device_id")), Ok(device));
}

#[test]
fn identifiers_of_the_sealed_profile_are_taken() {
    // Random characters of the right form, more than 128 bits among them.
    for (text, taken) in [
        (
            "pkg_0J232VF6K1BZR9DK8MZ4Z34YZM",
            identifiers::PackageId::parse("pkg_0J232VF6K1BZR9DK8MZ4Z34YZM").is_ok(),
        ),
        (
            "sub_HZCCFJBB00ZESNCXJKVSGS8FP4",
            identifiers::SubscriptionId::parse("sub_HZCCFJBB00ZESNCXJKVSGS8FP4").is_ok(),
        ),
        (
            "crd_X8S5C39DJD619N4BSTYXR2CK1R",
            identifiers::CredentialSetId::parse("crd_X8S5C39DJD619N4BSTYXR2CK1R").is_ok(),
        ),
        (
            "vector-operator",
            OperatorId::parse("vector-operator").is_ok(),
        ),
    ] {
        assert!(taken, "{text}");
    }
}

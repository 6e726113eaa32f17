//! UE Service ID and layer-2 ID.

use identifiers::{Layer2Id, UeServiceId};

fn id(text: &str) -> UeServiceId {
    UeServiceId::parse(text).expect("a UE Service ID")
}

#[test]
fn the_domain_of_a_ue_service_id_is_compared_without_case_and_the_rest_with_it() {
    assert_eq!(id("ue-1@MSGin5G.Berth.test"), id("ue-1@msgin5g.berth.test"));
    assert_ne!(id("UE-1@msgin5g.berth.test"), id("ue-1@msgin5g.berth.test"));
    assert_eq!(
        id("ue-1@MSGin5G.Berth.test").as_str(),
        "ue-1@msgin5g.berth.test"
    );
}

#[test]
fn scheme_and_host_of_a_uri_are_compared_without_case_and_the_rest_with_it() {
    assert_eq!(
        id("SIP:Alice@Example.COM;Tag=A"),
        id("sip:Alice@example.com;Tag=A")
    );
    assert_ne!(id("sip:Alice@example.com"), id("sip:alice@example.com"));
    assert_eq!(
        id("coaps://Example.COM:5684/Ue/A?B=C").as_str(),
        "coaps://example.com:5684/Ue/A?B=C"
    );
    assert_eq!(
        id("https://User@Example.COM/A@B").as_str(),
        "https://User@example.com/A@B"
    );
    assert_eq!(id("URN:UUID:F81D4FAE").as_str(), "urn:UUID:F81D4FAE");
}

#[test]
fn the_domain_selects_the_home_server() {
    for (text, domain) in [
        ("ue-1@msgin5g.berth.test", Some("msgin5g.berth.test")),
        ("sip:alice@example.com", Some("example.com")),
        (
            "sip:alice@example.com:5060;transport=udp",
            Some("example.com"),
        ),
        ("mailto:a@example.com?subject=b@c", Some("example.com")),
        ("coap://example.com", Some("example.com")),
        ("coap://example.com:5683/a:b@c", Some("example.com")),
        ("coap://u:p@example.com/", Some("example.com")),
        ("coap://[2001:DB8::1]:5683/", Some("[2001:db8::1]")),
        ("coap://[2001:db8::1", None),
        ("file:///a", None),
        ("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", None),
        ("tel:+49123", None),
        ("x:@", None),
    ] {
        assert_eq!(id(text).domain(), domain, "{text}");
    }
}

#[test]
fn a_ue_service_id_has_at_most_255_octets() {
    let longest = format!("{}@msgin5g.berth.test", "a".repeat(255 - 19));
    assert_eq!(longest.len(), 255);
    assert!(UeServiceId::parse(&longest).is_ok());
    assert!(UeServiceId::parse(&format!("a{longest}")).is_err());
    assert!(UeServiceId::parse(&format!("urn:{}", "a".repeat(252))).is_err());
}

#[test]
fn what_is_neither_local_at_domain_nor_a_uri_is_refused() {
    for text in [
        "",
        "ue-1",
        "@",
        "ue-1@",
        "@msgin5g.berth.test",
        "ue-1@berth",
        "ue-1@msgin5g.berth.test.",
        "ue 1@msgin5g.berth.test",
        "ue-1@a@msgin5g.berth.test",
        "ue-ü@msgin5g.berth.test",
        "ue-1@münchen.example",
        ":",
        "urn:",
        "1rn:a",
        ":a",
        "ur n:a",
        "urn:a b",
        "urn:a%2",
        "urn:a%zz",
        "urn:ä",
        "urn:a\"b",
        "urn:<a>",
        "urn:a\n",
    ] {
        assert!(UeServiceId::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_layer_2_id_is_the_same_in_every_notation() {
    let mac = Layer2Id::parse("00005e0053af").expect("a MAC address");
    for text in ["00005E0053AF", "00:00:5e:00:53:af", "00-00-5E-00-53-AF"] {
        assert_eq!(Layer2Id::parse(text), Ok(mac.clone()), "{text}");
    }
    assert_eq!(mac.as_str(), "00005e0053af");
    assert_eq!(
        Layer2Id::parse("A1B2C3").expect("3 octets").as_str(),
        "a1b2c3"
    );
    assert_eq!(
        Layer2Id::parse("02:00:5e:10:00:00:00:01")
            .expect("8 octets")
            .as_str(),
        "02005e1000000001"
    );
}

#[test]
fn layer_2_ids_of_other_lengths_or_notations_are_refused() {
    for text in [
        "",
        "a1b2",
        "a1b2c",
        "a1b2c3d4",
        "a1b2c3d4e5f60718a9",
        "00:00:5e:00:53",
        "00:00-5e:00:53:af",
        "00:005e:00:53:af",
        "0000:5e00:53af",
        ":00:00:5e:00:53:af",
        "00:00:5e:00:53:af:",
        "00:00:5e::53:af",
        "g00000",
        "a1 b2 c3",
        "é1b2c",
    ] {
        assert!(Layer2Id::parse(text).is_err(), "{text}");
    }
}

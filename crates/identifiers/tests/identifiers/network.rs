//! PLMN, NID, serving network name, routing indicator.

use identifiers::{Fault, Nid, Plmn, RoutingIndicator, ServingNetworkName};

fn plmn(text: &str) -> Plmn {
    Plmn::parse(text).expect("a PLMN")
}

#[test]
fn leading_zeros_of_a_plmn_are_kept() {
    let plmn = plmn("00101");
    assert_eq!(
        (plmn.mcc(), plmn.mnc(), plmn.as_str()),
        ("001", "01", "00101")
    );
    assert_eq!(Plmn::new("001", "01"), Ok(plmn));
}

#[test]
fn network_codes_of_two_and_three_digits_are_different_networks() {
    let (two, three) = (plmn("00101"), plmn("001010"));
    assert_ne!(two, three);
    assert_eq!((two.mnc3(), three.mnc3()), ("001".into(), "010".into()));
    assert_eq!(three.mnc(), "010");
    assert_ne!(plmn("001001"), two);
}

#[test]
fn the_home_network_realm_pads_the_network_code() {
    // TS 23.003 28.7.3
    assert_eq!(
        plmn("27412").home_network_realm(),
        "5gc.mnc012.mcc274.3gppnetwork.org"
    );
    assert_eq!(
        plmn("274120").home_network_realm(),
        "5gc.mnc120.mcc274.3gppnetwork.org"
    );
}

#[test]
fn what_is_no_plmn_is_refused() {
    for text in [
        "",
        "0010",
        "0010100",
        "0010a",
        "001-01",
        " 00101",
        "00101 ",
        "٠٠١٠١",
        "+0101",
    ] {
        assert!(Plmn::parse(text).is_err(), "{text}");
    }
    for (mcc, mnc) in [
        ("01", "001"),
        ("0010", "1"),
        ("001", "1"),
        ("001", "0101"),
        ("00x", "01"),
        ("", ""),
    ] {
        assert!(Plmn::new(mcc, mnc).is_err(), "{mcc} {mnc}");
    }
}

#[test]
fn a_network_identifier_is_eleven_upper_case_hexadecimal_digits() {
    assert_eq!(
        Nid::parse("000007ED9D5").expect("a NID").as_str(),
        "000007ED9D5"
    );
    for (text, fault) in [
        ("000007ed9d5", Fault::Character),
        ("000007ED9D", Fault::Length),
        ("000007ED9D55", Fault::Length),
        ("000007ED9DG", Fault::Character),
        ("", Fault::Length),
    ] {
        assert_eq!(
            Nid::parse(text).map_err(|error| error.fault()),
            Err(fault),
            "{text}"
        );
    }
}

#[test]
fn serving_network_names_pad_the_network_code_to_three_digits() {
    // TS 24.501 9.12.1
    let name = ServingNetworkName::from_plmn(&plmn("00101"));
    assert_eq!(name.as_str(), "5G:mnc001.mcc001.3gppnetwork.org");
    assert_eq!(name.as_str().len(), 32);
    let name = ServingNetworkName::from_plmn(&plmn("001010"));
    assert_eq!(name.as_str(), "5G:mnc010.mcc001.3gppnetwork.org");
}

#[test]
fn the_name_of_a_stand_alone_network_ends_in_its_identifier() {
    // TS 33.501 I.3
    let nid = Nid::parse("A0000000001").expect("a NID");
    let name = ServingNetworkName::from_snpn(&plmn("99999"), &nid);
    assert_eq!(
        name.as_str(),
        "5G:mnc099.mcc999.3gppnetwork.org:A0000000001"
    );
    assert_eq!(ServingNetworkName::parse(name.as_str()), Ok(name));
}

#[test]
fn only_a_whole_serving_network_name_is_taken() {
    // The pattern of the OpenAPI file is anchored on one side of each alternative only.
    for text in [
        "",
        "5G:",
        "5G:NSWO",
        "5G:mnc01.mcc001.3gppnetwork.org",
        "5g:mnc001.mcc001.3gppnetwork.org",
        "5G:mnc001.mcc001.3gppnetwork.org:",
        "5G:mnc001.mcc001.3gppnetwork.org:000007ed9d5",
        "5G:mnc001.mcc001.3gppnetwork.org:000007ED9D",
        "5G:mnc001.mcc001.3gppnetwork.org:000007ED9D55",
        "5G:mnc001.mcc001.3gppnetwork.orgx",
        "5G:mnc001.mcc001.3gppnetwork.org\n",
        "x5G:mnc001.mcc001.3gppnetwork.org",
        "x5G:NSWO",
        "5G:mnc001xmcc001.3gppnetwork.org",
        "5G:mnc001.mcc001x3gppnetwork.org",
        "5G:mcc001.mnc001.3gppnetwork.org",
        "5G:mncé1.mcc001.3gppnetwork.org",
    ] {
        assert!(ServingNetworkName::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_routing_indicator_has_one_to_four_digits_and_keeps_them() {
    for text in ["0", "0000", "17", "678", "9999"] {
        assert_eq!(
            RoutingIndicator::parse(text)
                .expect("1 to 4 digits")
                .as_str(),
            text
        );
    }
    assert_ne!(
        RoutingIndicator::parse("0"),
        RoutingIndicator::parse("0000")
    );
    for text in ["", "00000", "a", "-1", " 1"] {
        assert!(RoutingIndicator::parse(text).is_err(), "{text}");
    }
}

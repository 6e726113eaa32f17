use akma::{AKidFormat, ATid, ATidEncoding, AfId, Realm, a_tid, k_af, k_akma};
use identifiers::{AKid, Fqdn, Plmn, RoutingIndicator, Supi, UaStarId};
use secret::KAusf;

use crate::{array, vectors};

fn inputs() -> (RoutingIndicator, ATid, Plmn) {
    let file = vectors("akma.json");
    let case = &file["five_g_aka"];
    (
        RoutingIndicator::parse(case["routing_indicator"].as_str().unwrap()).unwrap(),
        ATid::new(array(case, "a_tid")),
        Plmn::parse(case["plmn"].as_str().unwrap()).unwrap(),
    )
}

#[test]
fn default_form_is_that_of_the_vectors() {
    let (routing_indicator, a_tid, home) = inputs();
    let a_kid = AKidFormat::default()
        .a_kid(&routing_indicator, &a_tid, &home)
        .unwrap();
    for file in [
        &vectors("akma.json")["five_g_aka"],
        &vectors("standards.json")["akma"],
    ] {
        assert_eq!(a_kid.as_str(), file["a_kid"].as_str().unwrap());
    }
    assert_eq!(
        a_kid,
        AKid::new(&routing_indicator, a_tid.as_octets(), &home)
    );
    assert_eq!(a_kid.as_str().len(), 79);
}

#[test]
fn ue_and_ausf_arrive_at_the_same_name_and_key() {
    let file = vectors("akma.json");
    let case = &file["five_g_aka"];
    let k_ausf = KAusf::new(array(case, "k_ausf"));
    let supi = Supi::parse(case["supi"].as_str().unwrap()).unwrap();
    let (routing_indicator, _, home) = inputs();
    let a_tid = a_tid(&k_ausf, &supi.kdf_form());
    let a_kid = AKidFormat::default()
        .a_kid(&routing_indicator, &a_tid, &home)
        .unwrap();
    assert_eq!(a_kid.as_str(), case["a_kid"].as_str().unwrap());
    let af_id = AfId {
        fqdn: Fqdn::parse("msgin5g.example.com").unwrap(),
        ua_star_id: UaStarId::tls12([0xC0, 0xA8]),
    };
    let key = k_af(&k_akma(&k_ausf, &supi.kdf_form()), &af_id);
    assert_eq!(key.expose(), &array(&file["af"]["keys"][2], "k_af"));
}

#[test]
fn hexadecimal_and_fixed_realm_keep_the_routing_indicator_readable() {
    let (_, a_tid, home) = inputs();
    for digits in ["0", "17", "0000"] {
        let routing_indicator = RoutingIndicator::parse(digits).unwrap();
        for encoding in [ATidEncoding::Base64Url, ATidEncoding::Hexadecimal] {
            for realm in [
                Realm::HomeNetwork,
                Realm::Fixed(Fqdn::parse("akma.example.com").unwrap()),
            ] {
                let format = AKidFormat { encoding, realm };
                let a_kid = format.a_kid(&routing_indicator, &a_tid, &home).unwrap();
                assert_eq!(a_kid.routing_indicator().as_ref(), Some(&routing_indicator));
            }
        }
    }
    let format = AKidFormat {
        encoding: ATidEncoding::Hexadecimal,
        realm: Realm::HomeNetwork,
    };
    let routing_indicator = RoutingIndicator::parse("0").unwrap();
    let a_kid = format.a_kid(&routing_indicator, &a_tid, &home).unwrap();
    assert_eq!(a_kid.as_str().len(), 100);
    assert!(a_kid.as_str().starts_with("0.a4763ff6a5427c58"));
}

#[test]
fn realm_that_makes_the_name_too_long_is_an_error() {
    let (routing_indicator, a_tid, home) = inputs();
    let label = "a".repeat(60);
    let long = Fqdn::parse(&format!("{label}.{label}.{label}.{label}.de")).unwrap();
    let format = AKidFormat {
        encoding: ATidEncoding::Base64Url,
        realm: Realm::Fixed(long),
    };
    assert!(format.a_kid(&routing_indicator, &a_tid, &home).is_err());
}

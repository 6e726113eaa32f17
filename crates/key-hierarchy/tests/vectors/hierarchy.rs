//! The key hierarchy of primary authentication and AKMA against its vectors.

use core::num::NonZeroU16;

use crate::files::{array, octets, snn, supi, text, vectors};
use identifiers::{Fqdn, UaStarId};
use key_hierarchy::Rand;
use key_hierarchy::akma::{AfId, a_tid, k_af, k_akma};
use key_hierarchy::eap_aka_prime::{
    ck_prime_ik_prime, k_ausf_from_emsk, k_ausf_from_msk, master_key,
};
use key_hierarchy::five_g_aka::{
    Abba, AccessKeyUse, AccessType, HxresStar, NasKeyUse, access_key, first_next_hop,
    following_next_hop, hxres_star, k_amf, k_ausf, k_gnb, k_seaf, nas_key, res_star, xres_star,
};
use key_hierarchy::keys::{Emsk, KGnb, Msk, NextHop, Res};
use key_hierarchy::parameters_update::{
    Counter, sor_mac_i_ausf, sor_mac_i_ue, upu_mac_i_ausf, upu_mac_i_ue,
};
use secret::{Ck, Ik, KAkma, KAmf, KAusf, KSeaf, ResStar};
use serde_json::Value;

fn keys(main: &Value) -> (Ck, Ik, Rand, Res) {
    (
        Ck::new(array(main, "ck")),
        Ik::new(array(main, "ik")),
        Rand::new(array(main, "rand")),
        Res::new(array(main, "res")),
    )
}

#[test]
fn chain_of_5g_aka_down_to_k_amf() {
    let file = vectors("aka.json");
    let main = &file["five_g_aka"];
    let (ck, ik, rand, res) = keys(main);
    let snn = snn(main, "serving_network_name");

    let expected = xres_star(&ck, &ik, &snn, &rand, &res);
    assert_eq!(expected.expose(), &array(main, "res_star"));
    let answered = res_star(&ck, &ik, &snn, &rand, &res);
    assert_eq!(answered.expose(), &array(main, "res_star"));
    let hashed = hxres_star(&rand, &expected);
    assert_eq!(hashed.as_octets(), &array(main, "hxres_star"));

    let ausf = k_ausf(&ck, &ik, &snn, &array(main, "sqn_xor_ak"));
    assert_eq!(ausf.expose(), &array(main, "k_ausf"));
    let seaf = k_seaf(&ausf, &snn);
    assert_eq!(seaf.expose(), &array(main, "k_seaf"));
    let amf = k_amf(&seaf, &supi(main).kdf_form(), Abba(array(main, "abba")));
    assert_eq!(amf.expose(), &array(main, "k_amf"));
    assert_eq!(Abba::INITIAL, Abba(array(main, "abba")));
}

#[test]
fn second_source_of_the_chain_agrees() {
    let file = vectors("standards.json");
    let aka = &file["aka"];
    let snn = snn(&aka["inputs"], "snn");
    let seaf = k_seaf(&KAusf::new(array(aka, "k_ausf")), &snn);
    assert_eq!(seaf.expose(), &array(aka, "k_seaf"));
    let supi = identifiers::Supi::parse(&format!("imsi-{}", text(&aka["inputs"], "supi"))).unwrap();
    let amf = k_amf(&seaf, &supi.kdf_form(), Abba::INITIAL);
    assert_eq!(amf.expose(), &array(aka, "k_amf"));

    let ausf = KAusf::new(array(aka, "k_ausf"));
    let akma = k_akma(&ausf, &supi.kdf_form());
    assert_eq!(akma.expose(), &array(&file["akma"], "k_akma"));
    let a_tid = a_tid(&ausf, &supi.kdf_form());
    assert_eq!(a_tid.as_octets(), &array(&file["akma"], "a_tid"));
    let keys = file["akma"]["k_af"].as_object().unwrap();
    assert_eq!(keys.len(), 3);
    for (ua_star_id, _) in keys {
        let af_id = AfId {
            fqdn: Fqdn::parse("msgin5g.example.com").unwrap(),
            ua_star_id: UaStarId::try_from_slice(&hex::decode(ua_star_id).unwrap()).unwrap(),
        };
        let expected = array(&file["akma"]["k_af"], ua_star_id);
        assert_eq!(k_af(&akma, &af_id).expose(), &expected);
    }
}

#[test]
fn stand_alone_non_public_network_has_keys_of_its_own() {
    let file = vectors("aka.json");
    let (ck, ik, rand, res) = keys(&file["five_g_aka"]);
    let snpn = &file["snpn"];
    let snn = snn(snpn, "serving_network_name");
    let sqn_xor_ak = array(&file["five_g_aka"], "sqn_xor_ak");
    let ausf = k_ausf(&ck, &ik, &snn, &sqn_xor_ak);
    assert_eq!(ausf.expose(), &array(snpn, "k_ausf"));
    let expected = xres_star(&ck, &ik, &snn, &rand, &res);
    assert_eq!(expected.expose(), &array(snpn, "res_star"));
    assert_eq!(
        hxres_star(&rand, &expected).as_octets(),
        &array(snpn, "hxres_star")
    );
    assert_eq!(k_seaf(&ausf, &snn).expose(), &array(snpn, "k_seaf"));
}

#[test]
fn k_amf_of_an_nai_takes_the_nai_without_prefix() {
    let file = vectors("aka.json");
    let seaf = KSeaf::new(array(&file["five_g_aka"], "k_seaf"));
    let nai = &file["nai"];
    let amf = k_amf(&seaf, &supi(nai).kdf_form(), Abba::INITIAL);
    assert_eq!(amf.expose(), &array(nai, "k_amf"));
}

#[test]
fn serving_network_accepts_the_response_and_nothing_else() {
    let file = vectors("aka.json");
    let main = &file["five_g_aka"];
    let rand = Rand::new(array(main, "rand"));
    let hxres_star = HxresStar::from_slice(&octets(main, "hxres_star")).unwrap();
    let right: [u8; 16] = array(main, "res_star");
    assert!(hxres_star.matches(&rand, &ResStar::new(right)));
    for bit in 0..128 {
        let mut wrong = right;
        wrong[bit / 8] ^= 1 << (bit % 8);
        assert!(!hxres_star.matches(&rand, &ResStar::new(wrong)));
    }
    assert!(!hxres_star.matches(&Rand::new([0; 16]), &ResStar::new(right)));
}

#[test]
fn keys_of_nas_and_access_stratum() {
    let file = vectors("aka.json");
    let amf = KAmf::new(array(&file["five_g_aka"], "k_amf"));
    let access = &file["access_stratum"];
    let count = u32::from_be_bytes(array(access, "uplink_nas_count"));
    let gnb = k_gnb(&amf, count, AccessType::ThreeGpp);
    assert_eq!(gnb.expose(), &array(access, "k_gnb"));
    let count = u32::from_be_bytes(array(&access["n3iwf"], "uplink_nas_count"));
    let n3iwf = k_gnb(&amf, count, AccessType::NonThreeGpp);
    assert_eq!(n3iwf.expose(), &array(&access["n3iwf"], "k_n3iwf"));
    let first = first_next_hop(&amf, &KGnb::new(array(access, "k_gnb")));
    assert_eq!(first.expose(), &array(access, "nh_first"));
    let next = following_next_hop(&amf, &NextHop::new(array(access, "nh_first")));
    assert_eq!(next.expose(), &array(access, "nh_next"));

    let algorithm = &file["algorithm_keys"];
    let [identity] = array(algorithm, "algorithm_identity");
    for (key_use, name) in [
        (NasKeyUse::Encryption, "nas_encryption"),
        (NasKeyUse::Integrity, "nas_integrity"),
    ] {
        let key = nas_key(&amf, key_use, identity);
        assert_eq!(key.expose(), &array(algorithm, name), "{name}");
    }
    for (key_use, name) in [
        (AccessKeyUse::RrcEncryption, "rrc_encryption"),
        (AccessKeyUse::RrcIntegrity, "rrc_integrity"),
        (AccessKeyUse::UserPlaneEncryption, "up_encryption"),
        (AccessKeyUse::UserPlaneIntegrity, "up_integrity"),
    ] {
        let key = access_key(&gnb, key_use, identity);
        assert_eq!(key.expose(), &array(algorithm, name), "{name}");
    }
}

#[test]
fn macs_of_parameters_update_and_steering() {
    let file = vectors("aka.json");
    let ausf = KAusf::new(array(&file["five_g_aka"], "k_ausf"));
    let counter = |object: &Value| -> Counter {
        NonZeroU16::new(u16::from_be_bytes(array(object, "counter"))).unwrap()
    };

    let upu = &file["upu"];
    let mac = upu_mac_i_ausf(&ausf, &octets(upu, "data"), counter(upu)).unwrap();
    assert_eq!(mac.as_octets(), &array(upu, "upu_mac_i_ausf"));
    let acknowledgement = upu_mac_i_ue(&ausf, counter(upu));
    assert_eq!(acknowledgement.as_octets(), &array(upu, "upu_mac_i_ue"));
    assert!(acknowledgement.verifies(&octets(upu, "upu_mac_i_ue")));
    assert!(!acknowledgement.verifies(&octets(upu, "upu_mac_i_ausf")));
    assert!(!acknowledgement.verifies(&[]));

    let sor = file["sor"].as_array().unwrap();
    assert_eq!(sor.len(), 2);
    for case in sor {
        let [header] = array(case, "header");
        let list = case["list"].as_str().map(|list| hex::decode(list).unwrap());
        let mac = sor_mac_i_ausf(&ausf, header, counter(case), list.as_deref()).unwrap();
        assert_eq!(mac.as_octets(), &array(case, "sor_mac_i_ausf"));
        let acknowledgement = sor_mac_i_ue(&ausf, counter(case));
        assert_eq!(acknowledgement.as_octets(), &array(case, "sor_mac_i_ue"));
    }
}

#[test]
fn data_that_its_length_field_cannot_express_are_refused() {
    let ausf = KAusf::new([1; 32]);
    let one = NonZeroU16::MIN;
    assert!(upu_mac_i_ausf(&ausf, &vec![0; 65535], one).is_ok());
    assert!(upu_mac_i_ausf(&ausf, &vec![0; 65536], one).is_err());
    assert!(sor_mac_i_ausf(&ausf, 0, one, Some(&vec![0; 65536])).is_err());
}

#[test]
fn chain_of_eap_aka_prime_down_to_k_seaf() {
    let file = vectors("aka.json");
    let case = &file["eap_aka_prime"]["five_g"];
    let (ck, ik) = (Ck::new(array(case, "ck")), Ik::new(array(case, "ik")));
    let snn = snn(case, "serving_network_name");
    let (ck_prime, ik_prime) = ck_prime_ik_prime(&ck, &ik, &snn, &array(case, "sqn_xor_ak"));
    assert_eq!(ck_prime.expose(), &array(case, "ck_prime"));
    assert_eq!(ik_prime.expose(), &array(case, "ik_prime"));
    let mk = master_key(&ik_prime, &ck_prime, &supi(case).kdf_form());
    assert_eq!(mk.k_encr.expose(), &array(case, "k_encr"));
    assert_eq!(mk.k_aut.expose(), &array(case, "k_aut"));
    assert_eq!(mk.k_re.expose(), &array(case, "k_re"));
    assert_eq!(mk.msk.expose(), &array(case, "msk"));
    assert_eq!(mk.emsk.expose(), &array(case, "emsk"));
    let ausf = k_ausf_from_emsk(&mk.emsk);
    assert_eq!(ausf.expose(), &array(case, "k_ausf"));
    assert_eq!(k_seaf(&ausf, &snn).expose(), &array(case, "k_seaf"));
}

#[test]
fn tail_of_eap_tls() {
    let file = vectors("aka.json");
    let case = &file["eap_tls"];
    let ausf = k_ausf_from_emsk(&Emsk::new(array(case, "emsk")));
    assert_eq!(ausf.expose(), &array(case, "k_ausf"));
    let external = k_ausf_from_msk(&Msk::new(array(case, "emsk")));
    assert_eq!(external.expose(), &array(case, "k_ausf"));
    let seaf = k_seaf(&ausf, &snn(case, "serving_network_name"));
    assert_eq!(seaf.expose(), &array(case, "k_seaf"));
    let supi = supi(case);
    let akma = k_akma(&ausf, &supi.kdf_form());
    assert_eq!(akma.expose(), &array(case, "k_akma"));
    let a_tid = a_tid(&ausf, &supi.kdf_form());
    assert_eq!(a_tid.as_octets(), &array(case, "a_tid"));
}

#[test]
fn akma_keys_of_imsi_and_nai() {
    let file = vectors("akma.json");
    let ausf = KAusf::new(array(&file["five_g_aka"], "k_ausf"));
    for case in [&file["five_g_aka"], &file["nai"]] {
        let supi = supi(case);
        let akma = k_akma(&ausf, &supi.kdf_form());
        assert_eq!(akma.expose(), &array(case, "k_akma"));
        let a_tid = a_tid(&ausf, &supi.kdf_form());
        assert_eq!(a_tid.as_octets(), &array(case, "a_tid"));
    }
}

#[test]
fn application_keys_differ_by_protocol_and_cipher_suite() {
    let file = vectors("akma.json");
    let akma = KAkma::new(array(&file["five_g_aka"], "k_akma"));
    let fqdn = Fqdn::parse(text(&file["af"], "fqdn")).unwrap();
    let cases = file["af"]["keys"].as_array().unwrap();
    assert_eq!(cases.len(), 4);
    for case in cases {
        let af_id = AfId {
            fqdn: fqdn.clone(),
            ua_star_id: UaStarId::new(array(case, "ua_star_id")),
        };
        assert_eq!(af_id.to_octets(), octets(case, "af_id"));
        assert_eq!(k_af(&akma, &af_id).expose(), &array(case, "k_af"));
    }
    assert_eq!(
        UaStarId::tls12([0xC0, 0xA8]).as_bytes(),
        &array(&cases[2], "ua_star_id")
    );
}

/// Informative: OSCORE over AKMA would take its master secret from the first of the application keys.
#[test]
fn oscore_master_secret_follows_from_the_application_key() {
    let file = vectors("akma.json");
    let key: [u8; 32] = array(&file["af"]["keys"][0], "k_af");
    let mut secret = [0; 32];
    hkdf::Hkdf::<sha2::Sha256>::new(None, &key)
        .expand(b"AKMA-OSCORE", &mut secret)
        .unwrap();
    assert_eq!(secret, array(&file["oscore"], "master_secret"));
}

#[test]
fn k_akma_is_not_the_value_of_the_known_wrong_derivation() {
    let file = vectors("akma.json");
    let ausf = KAusf::new(array(&file["five_g_aka"], "k_ausf"));
    let supi = supi(&file["five_g_aka"]);
    let wrong: [u8; 32] = array(&file["negative"], "k_akma");
    assert_ne!(k_akma(&ausf, &supi.kdf_form()).expose(), &wrong);
    // What makes it wrong: FC of K_AUSF and no label.
    let form = supi.kdf_form();
    let reproduced = key_hierarchy::kdf::kdf(ausf.expose(), 0x6A, &[(&form).into()]);
    assert_eq!(*reproduced, wrong);
}

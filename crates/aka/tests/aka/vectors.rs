//! Both ends against the vectors.

use aka::{
    Amf, AuthenticationFailure, Autn, Auts, HxresStar, Rand, Sqn, SqnArray, Usim, confirm,
    generate_vector, verify_auts,
};
use identifiers::ServingNetworkName;
use secret::{K, Opc};
use serde_json::Value;

fn vectors(name: &str) -> Value {
    let path = format!("{}/../../vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn array<const N: usize>(object: &Value, name: &str) -> [u8; N] {
    let octets = hex::decode(object[name].as_str().unwrap()).unwrap();
    octets.try_into().unwrap()
}

fn snn(object: &Value, name: &str) -> ServingNetworkName {
    ServingNetworkName::parse(object[name].as_str().unwrap()).unwrap()
}

fn keys() -> (K, Opc, Rand, Sqn) {
    let file = vectors("aka.json");
    let main = &file["five_g_aka"];
    (
        K::new(array(main, "k")),
        Opc::new(array(main, "opc")),
        Rand::new(array(main, "rand")),
        Sqn::from_octets(array(main, "sqn")),
    )
}

#[test]
fn home_vector_and_answer_of_the_ue() {
    let file = vectors("aka.json");
    let (k, opc, rand, sqn) = keys();
    for (case, autn) in [
        (&file["five_g_aka"], &file["five_g_aka"]),
        (&file["snpn"], &file["five_g_aka"]),
    ] {
        let snn = snn(case, "serving_network_name");
        let vector = generate_vector(&k, &opc, Amf::SEPARATED, sqn, rand, &snn).unwrap();
        assert_eq!(vector.rand, rand);
        assert_eq!(vector.autn.as_octets(), &array(autn, "autn"));
        assert_eq!(vector.xres_star.expose(), &array(case, "res_star"));
        assert_eq!(vector.k_ausf.expose(), &array(case, "k_ausf"));
        let hxres_star = vector.hxres_star();
        assert_eq!(hxres_star.as_octets(), &array(case, "hxres_star"));

        let mut usim = Usim::new(&k, &opc, SqnArray::default()).with_delta(Sqn::MAX_SEQ);
        let result = usim.challenge(&rand, &vector.autn, &snn).ok().unwrap();
        assert_eq!(result.res_star.expose(), &array(case, "res_star"));
        assert!(result.k_ausf == vector.k_ausf);
        assert!(hxres_star.matches(&rand, &result.res_star));
        assert_eq!(confirm(&vector.xres_star, &result.res_star), Ok(()));
    }
}

#[test]
fn second_source_agrees() {
    let file = vectors("standards.json");
    let aka = &file["aka"];
    let inputs = &aka["inputs"];
    let (k, opc) = (K::new(array(inputs, "k")), Opc::new(array(aka, "opc")));
    let rand = Rand::new(array(inputs, "rand"));
    let sqn = Sqn::from_octets(array(inputs, "sqn"));
    let vector = generate_vector(&k, &opc, Amf::SEPARATED, sqn, rand, &snn(inputs, "snn")).unwrap();
    assert_eq!(vector.autn.as_octets(), &array(aka, "autn"));
    assert_eq!(vector.xres_star.expose(), &array(aka, "xres_star"));
    assert_eq!(vector.k_ausf.expose(), &array(aka, "k_ausf"));
    assert_eq!(
        vector.hxres_star(),
        HxresStar::new(array(aka, "hxres_star"))
    );
    let auts = Auts::new(array(aka, "auts"));
    assert!(verify_auts(&k, &opc, &rand, &auts).is_ok());
}

#[test]
fn resynchronisation_token_in_both_directions() {
    let file = vectors("aka.json");
    let case = &file["resynchronization"];
    let (k, opc, rand, sqn) = keys();
    let sqn_ms = Sqn::from_octets(array(case, "sqn_ms"));
    let auts = Auts::from_slice(&hex::decode(case["auts"].as_str().unwrap()).unwrap()).unwrap();
    assert_eq!(auts.mac_s(), array(case, "mac_s"));
    assert_eq!(verify_auts(&k, &opc, &rand, &auts), Ok(sqn_ms));

    // A USIM that has accepted SQN_MS refuses the challenge of the main case, which is older.
    let mut accepted = SqnArray::default();
    accepted.seq[usize::from(sqn_ms.ind())] = sqn_ms.seq();
    let mut usim = Usim::new(&k, &opc, accepted);
    let autn = Autn::new(array(&file["five_g_aka"], "autn"));
    let snn = snn(&file["five_g_aka"], "serving_network_name");
    assert_eq!(sqn.ind(), sqn_ms.ind());
    assert_eq!(
        usim.challenge(&rand, &autn, &snn).err(),
        Some(AuthenticationFailure::SynchFailure { auts })
    );
}

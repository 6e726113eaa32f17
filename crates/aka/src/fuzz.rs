//! Entry points for fuzzing: each takes any octets and must return.

use identifiers::ServingNetworkName;
use secret::{K, Opc};

use crate::{Amf, Autn, Auts, DEFAULT_DELTA, Rand, Sqn, SqnArray, Usim, generate_vector};
use crate::{resynchronize, verify_auts};

const K: [u8; 16] = [0x46; 16];
const OPC: [u8; 16] = [0xCD; 16];

/// Reads AUTN, alone and as a part of a challenge (RAND, then AUTN).
pub fn fuzz_autn(data: &[u8]) {
    if let Ok(autn) = Autn::from_slice(data) {
        assert_eq!(Autn::from_slice(autn.as_octets()), Ok(autn));
    }
    let Some((rand, autn)) = data.split_at_checked(Rand::LEN) else {
        return;
    };
    let (Some(rand), Ok(autn)) = (Rand::from_slice(rand), Autn::from_slice(autn)) else {
        return;
    };
    let Ok(snn) = ServingNetworkName::parse("5G:mnc001.mcc001.3gppnetwork.org") else {
        return;
    };
    let mut usim = Usim::new(&K::new(K), &Opc::new(OPC), SqnArray::default());
    let before = usim.sqn().clone();
    if usim.challenge(&rand, &autn, &snn).is_err() {
        assert_eq!(usim.sqn(), &before, "a refused challenge changes nothing");
    }
}

/// Reads AUTS, verifies it under a fixed key and decides on what it says.
pub fn fuzz_auts(data: &[u8]) {
    let Some((rand, auts)) = data.split_at_checked(Rand::LEN) else {
        return;
    };
    let (Some(rand), Ok(auts)) = (Rand::from_slice(rand), Auts::from_slice(auts)) else {
        return;
    };
    if let Ok(sqn_ms) = verify_auts(&K::new(K), &Opc::new(OPC), &rand, &auts) {
        let _decision = resynchronize(Sqn::ZERO, sqn_ms, DEFAULT_DELTA);
    }
}

/// Makes a vector from any SQN, AMF and RAND, and lets the USIM judge it.
pub fn fuzz_vector(data: &[u8]) {
    let Some((sqn, rest)) = data.split_first_chunk::<6>() else {
        return;
    };
    let Some((amf, rest)) = rest.split_first_chunk::<2>() else {
        return;
    };
    let (Some(rand), Ok(snn)) = (
        Rand::from_slice(rest),
        ServingNetworkName::parse("5G:mnc001.mcc001.3gppnetwork.org"),
    ) else {
        return;
    };
    let (k, opc) = (K::new(K), Opc::new(OPC));
    let sqn = Sqn::from_octets(*sqn);
    let Ok(vector) = generate_vector(&k, &opc, Amf::new(*amf), sqn, rand, &snn) else {
        return;
    };
    let mut usim = Usim::new(&k, &opc, SqnArray::default()).with_delta(Sqn::MAX_SEQ);
    match usim.challenge(&rand, &vector.autn, &snn) {
        Ok(result) => assert!(crate::confirm(&vector.xres_star, &result.res_star).is_ok()),
        Err(_) => assert_eq!(sqn.seq(), 0, "every later number is fresh"),
    }
}

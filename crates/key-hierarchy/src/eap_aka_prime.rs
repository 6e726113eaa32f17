//! EAP-AKA' in 5GS, and the entry of any EAP method into the key hierarchy.

use hmac::Mac;
use identifiers::{ServingNetworkName, SupiKdf};
use secret::{Ck, Ik, KAusf};
use zeroize::Zeroizing;

use crate::kdf::{Parameter, finish, halves, hmac_sha_256, joined, kdf};
use crate::keys::{CkPrime, Emsk, IkPrime, KAut, KEncr, KRe, Msk};

/// CK' and IK' of an authentication vector. TS 33.501 A.3, which takes the function of TS 33.402 A.2.
///
/// `sqn_xor_ak` is SQN ⊕ AK, the first six octets of AUTN.
#[must_use]
pub fn ck_prime_ik_prime(
    ck: &Ck,
    ik: &Ik,
    snn: &ServingNetworkName,
    sqn_xor_ak: &[u8; 6],
) -> (CkPrime, IkPrime) {
    bound_to_network(ck, ik, snn.into(), sqn_xor_ak)
}

fn bound_to_network(
    ck: &Ck,
    ik: &Ik,
    network_name: Parameter<'_>,
    sqn_xor_ak: &[u8; 6],
) -> (CkPrime, IkPrime) {
    let key = joined(ck.expose(), ik.expose());
    let derived = kdf(&*key, 0x20, &[network_name, sqn_xor_ak.into()]);
    let (ck_prime, ik_prime) = halves(&derived);
    (CkPrime::new(*ck_prime), IkPrime::new(*ik_prime))
}

/// The parts of the master key MK of EAP-AKA'. RFC 9048 3.3.
#[derive(Clone)]
pub struct MasterKey {
    /// Encrypts AT_ENCR_DATA.
    pub k_encr: KEncr,
    /// Authenticates messages (AT_MAC).
    pub k_aut: KAut,
    /// For fast re-authentication, which 5GS does not use.
    pub k_re: KRe,
    /// The master session key.
    pub msk: Msk,
    /// The extended master session key, whose first half is K_AUSF.
    pub emsk: Emsk,
}

/// `MK = PRF'(IK' || CK', "EAP-AKA'" || Identity)`, split. RFC 9048 3.3, TS 33.501 Annex F.3.
///
/// The identity is that of the SUPI, whatever identity was sent in EAP.
#[must_use]
pub fn master_key(ik_prime: &IkPrime, ck_prime: &CkPrime, supi: &SupiKdf<'_>) -> MasterKey {
    master_key_of(ik_prime, ck_prime, supi.as_bytes())
}

fn master_key_of(ik_prime: &IkPrime, ck_prime: &CkPrime, identity: &[u8]) -> MasterKey {
    let key = joined(ik_prime.expose(), ck_prime.expose());
    let mut octets = PrfPrime::new(&key, identity);
    MasterKey {
        k_encr: KEncr::new(*octets.take()),
        k_aut: KAut::new(*octets.take()),
        k_re: KRe::new(*octets.take()),
        msk: Msk::new(*octets.take()),
        emsk: Emsk::new(*octets.take()),
    }
}

/// The stream T1 || T2 || … of PRF', where `Tn = HMAC-SHA-256(K, Tn-1 || S || n)`. RFC 9048 3.4.1.
struct PrfPrime<'a> {
    key: &'a [u8; 32],
    identity: &'a [u8],
    block: Zeroizing<[u8; 32]>,
    number: u8,
    used: usize,
}

impl<'a> PrfPrime<'a> {
    const LABEL: &'static [u8] = b"EAP-AKA'";

    fn new(key: &'a [u8; 32], identity: &'a [u8]) -> Self {
        Self {
            key,
            identity,
            block: Zeroizing::new([0; 32]),
            number: 0,
            used: 32,
        }
    }

    fn take<const N: usize>(&mut self) -> Zeroizing<[u8; N]> {
        let mut output = Zeroizing::new([0; N]);
        for octet in output.iter_mut() {
            if self.used == self.block.len() {
                self.advance();
            }
            *octet = self.block[self.used];
            self.used += 1;
        }
        output
    }

    /// Computes the next block. 208 octets need seven of the 255 that the counter allows.
    fn advance(&mut self) {
        let mut mac = hmac_sha_256(self.key);
        if self.number > 0 {
            mac.update(&*self.block);
        }
        self.number += 1;
        mac.update(Self::LABEL);
        mac.update(self.identity);
        mac.update(&[self.number]);
        self.block = finish(mac);
        self.used = 0;
    }
}

/// K_AUSF of an EAP method whose server is in the AUSF (EAP-AKA', EAP-TLS, EAP-TTLS): the first half of
/// EMSK. TS 33.501 6.1.3.1, B.2.1.1, U.2.
#[must_use]
pub fn k_ausf_from_emsk(emsk: &Emsk) -> KAusf {
    KAusf::new(*first_half(emsk.expose()))
}

/// K_AUSF after authentication by an external AAA server: the first half of MSK. TS 33.501 I.2.2.2.
#[must_use]
pub fn k_ausf_from_msk(msk: &Msk) -> KAusf {
    KAusf::new(*first_half(msk.expose()))
}

fn first_half(key: &[u8; 64]) -> Zeroizing<[u8; 32]> {
    let mut half = Zeroizing::new([0; 32]);
    half.copy_from_slice(&key[..32]);
    half
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::String;

    use super::*;

    fn vector() -> serde_json::Value {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/aka.json");
        let file: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        file["eap_aka_prime"]["rfc5448"].clone()
    }

    fn array<const N: usize>(case: &serde_json::Value, name: &str) -> [u8; N] {
        hex::decode(case[name].as_str().unwrap())
            .unwrap()
            .try_into()
            .unwrap()
    }

    // RFC 5448 Appendix C case 1: network name and identity are none that 5GS has.
    #[test]
    fn published_case_is_reproduced() {
        let case = vector();
        let network_name = String::from(case["network_name"].as_str().unwrap());
        let autn: [u8; 16] = array(&case, "autn");
        let sqn_xor_ak = autn[..6].try_into().unwrap();
        let (ck_prime, ik_prime) = bound_to_network(
            &Ck::new(array(&case, "ck")),
            &Ik::new(array(&case, "ik")),
            Parameter::identifier(network_name.as_bytes()),
            &sqn_xor_ak,
        );
        assert_eq!(ck_prime.expose(), &array(&case, "ck_prime"));
        assert_eq!(ik_prime.expose(), &array(&case, "ik_prime"));
        let identity = case["identity"].as_str().unwrap();
        let mk = master_key_of(&ik_prime, &ck_prime, identity.as_bytes());
        assert_eq!(mk.k_encr.expose(), &array(&case, "k_encr"));
        assert_eq!(mk.k_aut.expose(), &array(&case, "k_aut"));
        assert_eq!(mk.k_re.expose(), &array(&case, "k_re"));
        assert_eq!(mk.msk.expose(), &array(&case, "msk"));
        assert_eq!(mk.emsk.expose(), &array(&case, "emsk"));
    }
}

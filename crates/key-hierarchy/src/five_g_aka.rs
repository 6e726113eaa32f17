//! Keys and responses of 5G AKA, and the keys below K_AUSF that every method shares.

use identifiers::{ServingNetworkName, SupiKdf};
use secret::{Ck, Ik, KAmf, KAusf, KSeaf, ResStar, XresStar};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::kdf::{Parameter, joined, kdf, last_half};
use crate::keys::{AlgorithmKey, KGnb, NextHop, Res};
use crate::vector::Rand;

/// K_AUSF of 5G AKA. TS 33.501 A.2.
///
/// `sqn_xor_ak` is SQN ⊕ AK, the first six octets of AUTN.
#[must_use]
pub fn k_ausf(ck: &Ck, ik: &Ik, snn: &ServingNetworkName, sqn_xor_ak: &[u8; 6]) -> KAusf {
    let key = joined(ck.expose(), ik.expose());
    KAusf::new(*kdf(&*key, 0x6A, &[snn.into(), sqn_xor_ak.into()]))
}

/// RES*, which the UE answers. TS 33.501 A.4.
#[must_use]
pub fn res_star(ck: &Ck, ik: &Ik, snn: &ServingNetworkName, rand: &Rand, res: &Res) -> ResStar {
    ResStar::new(*bound_response(ck, ik, snn, rand, res))
}

/// XRES*, which the home network expects. TS 33.501 A.4.
#[must_use]
pub fn xres_star(ck: &Ck, ik: &Ik, snn: &ServingNetworkName, rand: &Rand, xres: &Res) -> XresStar {
    XresStar::new(*bound_response(ck, ik, snn, rand, xres))
}

fn bound_response(
    ck: &Ck,
    ik: &Ik,
    snn: &ServingNetworkName,
    rand: &Rand,
    response: &Res,
) -> Zeroizing<[u8; 16]> {
    let key = joined(ck.expose(), ik.expose());
    let parameters = [
        snn.into(),
        rand.as_octets().into(),
        response.expose().into(),
    ];
    last_half(&kdf(&*key, 0x6B, &parameters))
}

/// HXRES*, the expected response as the serving network may know it. TS 33.501 A.5.
///
/// Not a secret: it travels to the serving network before the UE is authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HxresStar([u8; 16]);

impl HxresStar {
    /// Length in octets.
    pub const LEN: usize = 16;

    /// Takes the sixteen octets that the home network sent.
    #[must_use]
    pub const fn new(octets: [u8; 16]) -> Self {
        Self(octets)
    }

    /// Takes a slice; `None` unless it has sixteen octets.
    #[must_use]
    pub fn from_slice(octets: &[u8]) -> Option<Self> {
        octets.try_into().ok().map(Self)
    }

    /// The sixteen octets.
    #[must_use]
    pub const fn as_octets(&self) -> &[u8; 16] {
        &self.0
    }

    /// The comparison that the SEAF makes on a RES* of the UE, in constant time.
    ///
    /// Source: TS 33.501 6.1.3.2.0 step 9. RES* goes on to the AUSF in either case (6.1.3.2.2).
    #[must_use]
    pub fn matches(&self, rand: &Rand, res_star: &ResStar) -> bool {
        let hres_star = hashed_response(rand, res_star.expose());
        self.0.as_slice().ct_eq(hres_star.as_slice()).into()
    }
}

/// HXRES* of an expected response. TS 33.501 A.5.
#[must_use]
pub fn hxres_star(rand: &Rand, xres_star: &XresStar) -> HxresStar {
    HxresStar(hashed_response(rand, xres_star.expose()))
}

/// The last half of a plain SHA-256: neither FC nor lengths enter here.
fn hashed_response(rand: &Rand, response: &[u8; 16]) -> [u8; 16] {
    let mut digest = Sha256::new();
    digest.update(rand.as_octets());
    digest.update(response);
    *last_half(&digest.finalize().into())
}

/// K_SEAF, whatever the method that made K_AUSF. TS 33.501 A.6.
#[must_use]
pub fn k_seaf(k_ausf: &KAusf, snn: &ServingNetworkName) -> KSeaf {
    KSeaf::new(*kdf(k_ausf.expose(), 0x6C, &[snn.into()]))
}

/// The parameter against bidding down between architectures, ABBA. TS 33.501 A.7.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abba(pub [u8; 2]);

impl Abba {
    /// The only value that is defined so far.
    pub const INITIAL: Self = Self([0, 0]);
}

/// K_AMF. TS 33.501 A.7.
#[must_use]
pub fn k_amf(k_seaf: &KSeaf, supi: &SupiKdf<'_>, abba: Abba) -> KAmf {
    KAmf::new(*kdf(
        k_seaf.expose(),
        0x6D,
        &[supi.into(), (&abba.0).into()],
    ))
}

/// What a key that is derived from K_AMF protects. TS 33.501 table A.8-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NasKeyUse {
    /// N-NAS-enc-alg.
    Encryption = 0x01,
    /// N-NAS-int-alg.
    Integrity = 0x02,
}

/// What a key that is derived from K_gNB protects. TS 33.501 table A.8-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessKeyUse {
    /// N-RRC-enc-alg.
    RrcEncryption = 0x03,
    /// N-RRC-int-alg.
    RrcIntegrity = 0x04,
    /// N-UP-enc-alg.
    UserPlaneEncryption = 0x05,
    /// N-UP-int-alg.
    UserPlaneIntegrity = 0x06,
}

/// K_NASenc or K_NASint for a 128-bit algorithm. TS 33.501 A.8.
///
/// `algorithm_identity` is the number of the algorithm (TS 33.501 5.11.1), in the low bits of one octet.
#[must_use]
pub fn nas_key(k_amf: &KAmf, key_use: NasKeyUse, algorithm_identity: u8) -> AlgorithmKey {
    algorithm_key(k_amf.expose(), key_use as u8, algorithm_identity)
}

/// K_RRCenc, K_RRCint, K_UPenc or K_UPint for a 128-bit algorithm. TS 33.501 A.8.
///
/// `algorithm_identity` is the number of the algorithm (TS 33.501 5.11.1), in the low bits of one octet.
#[must_use]
pub fn access_key(k_gnb: &KGnb, key_use: AccessKeyUse, algorithm_identity: u8) -> AlgorithmKey {
    algorithm_key(k_gnb.expose(), key_use as u8, algorithm_identity)
}

fn algorithm_key(key: &[u8; 32], type_distinguisher: u8, algorithm_identity: u8) -> AlgorithmKey {
    AlgorithmKey::new(*last_half(&kdf(
        key,
        0x69,
        &[
            (&[type_distinguisher]).into(),
            (&[algorithm_identity]).into(),
        ],
    )))
}

/// The access that a key is for. TS 33.501 table A.9-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessType {
    /// 3GPP access: the key is K_gNB.
    ThreeGpp = 0x01,
    /// Non-3GPP access: the key is K_N3IWF.
    NonThreeGpp = 0x02,
}

/// K_gNB, or K_N3IWF for non-3GPP access. TS 33.501 A.9.
#[must_use]
pub fn k_gnb(k_amf: &KAmf, uplink_nas_count: u32, access: AccessType) -> KGnb {
    let count = uplink_nas_count.to_be_bytes();
    let access = [access as u8];
    let parameters = [(&count).into(), (&access).into()];
    KGnb::new(*kdf(k_amf.expose(), 0x6E, &parameters))
}

/// The first NH after the initial K_gNB. TS 33.501 A.10.
#[must_use]
pub fn first_next_hop(k_amf: &KAmf, k_gnb: &KGnb) -> NextHop {
    next_hop(k_amf, k_gnb.expose().into())
}

/// Each further NH, from the one before it. TS 33.501 A.10.
#[must_use]
pub fn following_next_hop(k_amf: &KAmf, previous: &NextHop) -> NextHop {
    next_hop(k_amf, previous.expose().into())
}

fn next_hop(k_amf: &KAmf, synchronization_input: Parameter<'_>) -> NextHop {
    NextHop::new(*kdf(k_amf.expose(), 0x6F, &[synchronization_input]))
}

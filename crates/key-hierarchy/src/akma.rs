//! Keys and temporary identifier of AKMA. TS 33.535 Annex A.

use alloc::vec::Vec;

use identifiers::{Fqdn, SupiKdf, UaStarId};
use secret::{KAf, KAkma, KAusf};

use crate::kdf::{Parameter, kdf};

/// The AKMA temporary UE identifier A-TID, the part of an A-KID that K_AUSF yields. TS 33.535 A.3.
///
/// Not a key, but a name of the UE for as long as K_AUSF lives: it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct ATid([u8; 32]);

impl ATid {
    /// Length in octets.
    pub const LEN: usize = 32;

    /// Takes 32 octets.
    #[must_use]
    pub const fn new(octets: [u8; 32]) -> Self {
        Self(octets)
    }

    /// The 32 octets; the clause states no truncation.
    #[must_use]
    pub const fn as_octets(&self) -> &[u8; 32] {
        &self.0
    }
}

/// K_AKMA. TS 33.535 A.2.
#[must_use]
pub fn k_akma(k_ausf: &KAusf, supi: &SupiKdf<'_>) -> KAkma {
    KAkma::new(*kdf(k_ausf.expose(), 0x80, &[b"AKMA".into(), supi.into()]))
}

/// A-TID. TS 33.535 A.3.
#[must_use]
pub fn a_tid(k_ausf: &KAusf, supi: &SupiKdf<'_>) -> ATid {
    ATid(*kdf(k_ausf.expose(), 0x81, &[b"A-TID".into(), supi.into()]))
}

/// AF_ID: who an application key is for, and in which protocol. TS 33.535 A.4.
///
/// `Choice:` the FQDN is lower-case ASCII without a final dot, as its type demands; both sides have to
/// agree on every octet.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AfId {
    /// FQDN of the application function.
    pub fqdn: Fqdn,
    /// Ua* security protocol identifier. TS 33.220 Annex H.
    pub ua_star_id: UaStarId,
}

impl AfId {
    /// The FQDN followed by the five octets of the identifier.
    #[must_use]
    pub fn to_octets(&self) -> Vec<u8> {
        [self.fqdn.as_str().as_bytes(), self.ua_star_id.as_bytes()].concat()
    }
}

/// K_AF for one application function and one Ua* protocol. TS 33.535 A.4.
///
/// The same K_AKMA and AF_ID always give the same key: there is no nonce.
#[must_use]
pub fn k_af(k_akma: &KAkma, af_id: &AfId) -> KAf {
    let af_id = af_id.to_octets();
    KAf::new(*kdf(
        k_akma.expose(),
        0x82,
        &[Parameter::identifier(&af_id)],
    ))
}

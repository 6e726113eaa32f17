//! AUTN and AUTS, the two tokens that carry SQN.

use cause::Cause;
use key_hierarchy::Amf;
use key_hierarchy::milenage::Mac;

/// A token has the wrong number of octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("token of {expected} octets expected, {actual} octets given")]
pub struct TokenLength {
    /// What the token has, in octets.
    pub expected: usize,
    /// What was given, in octets.
    pub actual: usize,
}

impl TokenLength {
    /// The cause to answer to the peer that sent the token.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        Cause::MandatoryElementIncorrect
    }
}

/// The authentication token `AUTN = (SQN ⊕ AK) || AMF || MAC-A`. TS 33.102 6.3.2. Not a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Autn([u8; 16]);

impl Autn {
    /// Length in octets.
    pub const LEN: usize = 16;

    /// Takes sixteen octets.
    #[must_use]
    pub const fn new(octets: [u8; 16]) -> Self {
        Self(octets)
    }

    /// Takes a slice that must have sixteen octets.
    ///
    /// # Errors
    /// [`TokenLength`] for another length.
    pub fn from_slice(octets: &[u8]) -> Result<Self, TokenLength> {
        octets.try_into().map(Self).map_err(|_| TokenLength {
            expected: Self::LEN,
            actual: octets.len(),
        })
    }

    pub(crate) fn from_parts(sqn_xor_ak: [u8; 6], amf: Amf, mac_a: Mac) -> Self {
        let mut octets = [0; 16];
        octets[..6].copy_from_slice(&sqn_xor_ak);
        octets[6..8].copy_from_slice(amf.as_octets());
        octets[8..].copy_from_slice(&mac_a);
        Self(octets)
    }

    /// The sixteen octets.
    #[must_use]
    pub const fn as_octets(&self) -> &[u8; 16] {
        &self.0
    }

    /// SQN ⊕ AK.
    #[must_use]
    pub const fn sqn_xor_ak(&self) -> [u8; 6] {
        let [a, b, c, d, e, f, ..] = self.0;
        [a, b, c, d, e, f]
    }

    /// AMF.
    #[must_use]
    pub const fn amf(&self) -> Amf {
        let [_, _, _, _, _, _, a, b, ..] = self.0;
        Amf::new([a, b])
    }

    /// MAC-A.
    #[must_use]
    pub const fn mac_a(&self) -> Mac {
        let [.., a, b, c, d, e, f, g, h] = self.0;
        [a, b, c, d, e, f, g, h]
    }
}

/// The resynchronisation token `AUTS = (SQN_MS ⊕ AK*) || MAC-S`. TS 33.102 6.3.3. Not a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auts([u8; 14]);

impl Auts {
    /// Length in octets.
    pub const LEN: usize = 14;

    /// Takes fourteen octets.
    #[must_use]
    pub const fn new(octets: [u8; 14]) -> Self {
        Self(octets)
    }

    /// Takes a slice that must have fourteen octets.
    ///
    /// # Errors
    /// [`TokenLength`] for another length.
    pub fn from_slice(octets: &[u8]) -> Result<Self, TokenLength> {
        octets.try_into().map(Self).map_err(|_| TokenLength {
            expected: Self::LEN,
            actual: octets.len(),
        })
    }

    pub(crate) fn from_parts(sqn_ms_xor_ak_star: [u8; 6], mac_s: Mac) -> Self {
        let mut octets = [0; 14];
        octets[..6].copy_from_slice(&sqn_ms_xor_ak_star);
        octets[6..].copy_from_slice(&mac_s);
        Self(octets)
    }

    /// The fourteen octets.
    #[must_use]
    pub const fn as_octets(&self) -> &[u8; 14] {
        &self.0
    }

    /// SQN_MS ⊕ AK*.
    #[must_use]
    pub const fn sqn_ms_xor_ak_star(&self) -> [u8; 6] {
        let [a, b, c, d, e, f, ..] = self.0;
        [a, b, c, d, e, f]
    }

    /// MAC-S.
    #[must_use]
    pub const fn mac_s(&self) -> Mac {
        let [.., a, b, c, d, e, f, g, h] = self.0;
        [a, b, c, d, e, f, g, h]
    }
}

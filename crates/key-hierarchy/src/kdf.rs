//! The generic key derivation function. TS 33.220 B.2.

use hmac::{Hmac, Mac};
use identifiers::{ServingNetworkName, SupiKdf};
use sha2::Sha256;
use zeroize::Zeroizing;

/// A parameter P of a derivation does not fit the 16 bits of its length L.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parameter of {0} octets exceeds 65535")]
pub struct ParameterTooLong(pub usize);

impl ParameterTooLong {
    /// The cause to answer when the parameter came from a peer.
    #[must_use]
    pub const fn cause(&self) -> cause::Cause {
        cause::Cause::MandatoryElementIncorrect
    }
}

/// One parameter Pi together with its length Li. TS 33.220 B.2.1.1.
///
/// Text enters as its octets, without terminator (B.2.1.2): every text that reaches a derivation is an
/// identifier and ASCII, so no normalisation is needed.
#[derive(Clone, Copy)]
pub struct Parameter<'a> {
    octets: &'a [u8],
    length: u16,
}

impl<'a> Parameter<'a> {
    /// Takes octets of any length that L can express. An empty parameter is allowed; its length counts.
    ///
    /// # Errors
    /// [`ParameterTooLong`] above 65535 octets.
    pub fn new(octets: &'a [u8]) -> Result<Self, ParameterTooLong> {
        let length = u16::try_from(octets.len()).map_err(|_| ParameterTooLong(octets.len()))?;
        Ok(Self { octets, length })
    }

    /// Takes an identifier, whose own type keeps it to a few hundred octets.
    pub(crate) fn identifier(octets: &'a [u8]) -> Self {
        let length = u16::try_from(octets.len()).unwrap_or(u16::MAX);
        Self { octets, length }
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Parameter<'a> {
    fn from(octets: &'a [u8; N]) -> Self {
        const { assert!(N <= u16::MAX as usize, "L has 16 bits") };
        Self {
            octets,
            length: N as u16,
        }
    }
}

impl<'a> From<&'a ServingNetworkName> for Parameter<'a> {
    fn from(name: &'a ServingNetworkName) -> Self {
        Self::identifier(name.as_str().as_bytes())
    }
}

impl<'a> From<&'a SupiKdf<'a>> for Parameter<'a> {
    fn from(supi: &'a SupiKdf<'a>) -> Self {
        Self::identifier(supi.as_bytes())
    }
}

/// `HMAC-SHA-256(key, FC || P0 || L0 || P1 || L1 || …)`, where Li is the length of Pi in octets as a
/// 16-bit number with the most significant octet first, after Pi.
///
/// Source: TS 33.220 B.2.0, B.2.2. The key may have any length.
#[must_use]
pub fn kdf(key: &[u8], fc: u8, parameters: &[Parameter<'_>]) -> Zeroizing<[u8; 32]> {
    let mut mac = hmac_sha_256(key);
    mac.update(&[fc]);
    for parameter in parameters {
        mac.update(parameter.octets);
        mac.update(&parameter.length.to_be_bytes());
    }
    finish(mac)
}

/// HMAC-SHA-256 under a key of any length. RFC 2104.
pub(crate) fn hmac_sha_256(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

/// The 32 octets of a finished HMAC-SHA-256.
pub(crate) fn finish(mac: Hmac<Sha256>) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// Two 128-bit keys as the 256-bit key of a derivation: `CK || IK`, `IK' || CK'`.
pub(crate) fn joined(first: &[u8; 16], second: &[u8; 16]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    let (left, right) = key.split_at_mut(16);
    left.copy_from_slice(first);
    right.copy_from_slice(second);
    key
}

/// Both halves of a derived value: `CK' || IK'`, or what is dropped and what is kept.
pub(crate) fn halves(value: &[u8; 32]) -> (Zeroizing<[u8; 16]>, Zeroizing<[u8; 16]>) {
    let mut first = Zeroizing::new([0; 16]);
    let mut last = Zeroizing::new([0; 16]);
    first.copy_from_slice(&value[..16]);
    last.copy_from_slice(&value[16..]);
    (first, last)
}

/// The 16 last (least significant) octets of a derived value.
pub(crate) fn last_half(value: &[u8; 32]) -> Zeroizing<[u8; 16]> {
    halves(value).1
}

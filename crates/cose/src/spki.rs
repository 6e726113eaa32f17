//! DER SubjectPublicKeyInfo of the key types in use.
//!
//! Each type has one encoding with a fixed beginning (RFC 5480, RFC 8410), so building and parsing
//! are a comparison, and a key in any other encoding is refused.

use crate::key::KeyError;

/// Length of the SubjectPublicKeyInfo of a P-256 key.
pub const P256_LEN: usize = P256_PREFIX.len() + P256_POINT_LEN;

/// Length of an uncompressed P-256 point, `04 || X || Y`.
pub const P256_POINT_LEN: usize = 65;

/// Builds the SubjectPublicKeyInfo of a P-256 key from its uncompressed point.
#[must_use]
pub fn p256(point: &[u8; P256_POINT_LEN]) -> [u8; P256_LEN] {
    let mut der = [0; P256_LEN];
    let (prefix, rest) = der.split_at_mut(P256_PREFIX.len());
    prefix.copy_from_slice(&P256_PREFIX);
    rest.copy_from_slice(point);
    der
}

/// The uncompressed point in the SubjectPublicKeyInfo of a P-256 key.
///
/// Whether the point lies on the curve is not checked here.
///
/// # Errors
/// [`KeyError::UnsupportedType`] if this is not a P-256 key in that form.
pub fn p256_point(der: &[u8]) -> Result<&[u8; P256_POINT_LEN], KeyError> {
    strip(der, &P256_PREFIX).ok_or(KeyError::UnsupportedType)
}

/// The key, without its algorithm, if `der` begins with `prefix` and has the right length.
pub(crate) fn strip<'a, const N: usize>(der: &'a [u8], prefix: &[u8]) -> Option<&'a [u8; N]> {
    der.strip_prefix(prefix)?.try_into().ok()
}

/// id-ecPublicKey with secp256r1, up to and with the head of the bit string.
const P256_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// id-ecPublicKey with secp384r1, up to and with the head of the bit string.
pub(crate) const P384_PREFIX: [u8; 23] = [
    0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
    0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00,
];

/// id-Ed25519, up to and with the head of the bit string.
pub(crate) const ED25519_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

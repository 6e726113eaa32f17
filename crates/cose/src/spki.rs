//! DER SubjectPublicKeyInfo of the key types in use.
//!
//! Each type has one encoding with a fixed beginning (RFC 5480, RFC 8410), so building and parsing
//! are a comparison, and a key in any other encoding is refused.

use crate::key::KeyError;

/// Length of the SubjectPublicKeyInfo of a P-256 key.
pub const P256_LEN: usize = P256_PREFIX.len() + P256_POINT_LEN;

/// Length of an uncompressed P-256 point, `04 || X || Y`.
pub const P256_POINT_LEN: usize = 65;

/// Length of an uncompressed P-384 point.
pub const P384_POINT_LEN: usize = 97;

/// Length of an Ed25519 public key.
pub const ED25519_KEY_LEN: usize = 32;

/// Builds the SubjectPublicKeyInfo of a P-256 key from its uncompressed point.
#[must_use]
pub fn p256(point: &[u8; P256_POINT_LEN]) -> [u8; P256_LEN] {
    join(&P256_PREFIX, point)
}

/// Builds the SubjectPublicKeyInfo of a P-384 key from its uncompressed point.
#[must_use]
pub fn p384(point: &[u8; P384_POINT_LEN]) -> [u8; P384_PREFIX.len() + P384_POINT_LEN] {
    join(&P384_PREFIX, point)
}

/// Builds the SubjectPublicKeyInfo of an Ed25519 key.
#[must_use]
pub fn ed25519(key: &[u8; ED25519_KEY_LEN]) -> [u8; ED25519_PREFIX.len() + ED25519_KEY_LEN] {
    join(&ED25519_PREFIX, key)
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

/// `prefix` and `key`; `N` is the sum of their lengths at every call.
fn join<const N: usize>(prefix: &[u8], key: &[u8]) -> [u8; N] {
    let mut der = [0; N];
    for (place, octet) in der.iter_mut().zip(prefix.iter().chain(key)) {
        *place = *octet;
    }
    der
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

//! Signing and verification keys, named by the hash of their SubjectPublicKeyInfo.

use crate::header::Algorithm;
use crate::{sha256, spki};
use alloc::vec::Vec;
use cause::Cause;
use core::fmt;
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use secret::PrivateKey;

/// SHA-256 of a key's DER SubjectPublicKeyInfo.
///
/// Debug shows the first octets only: the hash of a device's key follows the device everywhere.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 32]);

impl KeyId {
    /// Takes a hash that was received.
    #[must_use]
    pub const fn new(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// Hashes a DER SubjectPublicKeyInfo.
    #[must_use]
    pub fn of_spki(der: &[u8]) -> Self {
        Self(sha256(der))
    }

    /// The hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, third, ..] = self.0;
        write!(formatter, "KeyId({first:02x}{second:02x}{third:02x}…)")
    }
}

/// A key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not P-256, P-384 or Ed25519, or not in the one DER form of its type.
    #[error("key type or its encoding is not supported")]
    UnsupportedType,
    /// The public key is no point of its curve.
    #[error("public key is not a point of its curve")]
    InvalidPublicKey,
    /// The private key is zero or not below the order of the curve.
    #[error("private key is out of range")]
    InvalidPrivateKey,
}

impl KeyError {
    /// The cause to answer a peer that offered this key.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::UnsupportedType => Cause::Unsupported,
            Self::InvalidPublicKey => Cause::MandatoryElementIncorrect,
            Self::InvalidPrivateKey => Cause::Internal,
        }
    }
}

/// A public key that verifies signatures.
///
/// P-256 verifies ES256, P-384 ES384, Ed25519 EdDSA. An RSA key, and so PS256, is refused as
/// [`KeyError::UnsupportedType`].
/// Choice: the portable RSA implementation carries an open advisory (RUSTSEC-2023-0071).
#[derive(Clone)]
pub struct VerificationKey {
    spki: Vec<u8>,
    key: Public,
}

#[derive(Clone)]
enum Public {
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
}

impl VerificationKey {
    /// Reads a DER SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// [`KeyError::UnsupportedType`] or [`KeyError::InvalidPublicKey`].
    pub fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        let key = if let Ok(point) = spki::p256_point(der) {
            p256::ecdsa::VerifyingKey::from_sec1_bytes(point)
                .map(Public::P256)
                .map_err(|_| KeyError::InvalidPublicKey)
        } else if let Some(point) = spki::strip::<{ spki::P384_POINT_LEN }>(der, &spki::P384_PREFIX)
        {
            p384::ecdsa::VerifyingKey::from_sec1_bytes(point)
                .map(Public::P384)
                .map_err(|_| KeyError::InvalidPublicKey)
        } else if let Some(octets) =
            spki::strip::<{ spki::ED25519_KEY_LEN }>(der, &spki::ED25519_PREFIX)
        {
            ed25519_dalek::VerifyingKey::from_bytes(octets)
                .map(Public::Ed25519)
                .map_err(|_| KeyError::InvalidPublicKey)
        } else {
            Err(KeyError::UnsupportedType)
        }?;
        Ok(Self {
            spki: der.to_vec(),
            key,
        })
    }

    /// The DER SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The key's id.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        KeyId::of_spki(&self.spki)
    }

    /// The only algorithm that this key may be used with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self.key {
            Public::P256(_) => Algorithm::Es256,
            Public::P384(_) => Algorithm::Es384,
            Public::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    /// Whether `signature` (RFC 9053: `r || s`, or as in RFC 8032) is this key's for `message`.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.key {
            Public::P256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Public::P384(key) => p384::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Public::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
        }
    }

    /// The same for an ECDSA signature in DER, as certificates carry it.
    #[must_use]
    pub fn verifies_der(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.key {
            Public::P256(key) => p256::ecdsa::DerSignature::from_bytes(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Public::P384(key) => p384::ecdsa::DerSignature::from_bytes(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Public::Ed25519(_) => self.verifies(message, signature),
        }
    }
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("VerificationKey")
            .field("algorithm", &self.algorithm())
            .field("key_id", &self.key_id())
            .finish()
    }
}

/// A P-256 private key that signs with ES256 and the nonces of RFC 6979.
///
/// It is erased when it is dropped.
#[derive(Clone)]
pub struct SigningKey(p256::ecdsa::SigningKey);

impl SigningKey {
    /// Takes a private key.
    ///
    /// # Errors
    /// [`KeyError::InvalidPrivateKey`] if it is zero or not below the order of the curve.
    pub fn new(private: &PrivateKey) -> Result<Self, KeyError> {
        p256::ecdsa::SigningKey::from_slice(private.expose())
            .map(Self)
            .map_err(|_| KeyError::InvalidPrivateKey)
    }

    /// The public key as an uncompressed point, `04 || X || Y`.
    #[must_use]
    pub fn public_point(&self) -> [u8; spki::P256_POINT_LEN] {
        let point = self.0.verifying_key().to_encoded_point(false);
        let mut octets = [0; spki::P256_POINT_LEN];
        octets.copy_from_slice(point.as_bytes());
        octets
    }

    /// The DER SubjectPublicKeyInfo of the public key.
    #[must_use]
    pub fn spki(&self) -> [u8; spki::P256_LEN] {
        spki::p256(&self.public_point())
    }

    /// The key's id.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        KeyId::of_spki(&self.spki())
    }

    /// The public half.
    #[must_use]
    pub fn verification_key(&self) -> VerificationKey {
        VerificationKey {
            spki: self.spki().to_vec(),
            key: Public::P256(*self.0.verifying_key()),
        }
    }

    /// Signs a message: `r || s`.
    ///
    /// # Errors
    /// [`KeyError::InvalidPrivateKey`] in the negligible case that no nonce is found.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyError> {
        let signature: p256::ecdsa::Signature = self
            .0
            .try_sign(message)
            .map_err(|_| KeyError::InvalidPrivateKey)?;
        Ok(signature.to_bytes().into())
    }
}

//! Diffie-Hellman over X25519 (RFC 7748) and P-256 (SP 800-56A).

use crate::suite::Suite;
use alloc::vec::Vec;
use cause::Cause;
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use secret::{PrivateKey, SharedSecret};

/// One side's key pair.
#[derive(Clone)]
pub struct AgreementKey {
    suite: Suite,
    private: PrivateKey,
    public: Vec<u8>,
}

impl AgreementKey {
    /// Takes a private key. One for an authentication is 32 random octets and is used once.
    ///
    /// # Errors
    /// [`KexError::PrivateKey`] if a P-256 key is zero or not below the order; draw again.
    pub fn new(suite: Suite, private: PrivateKey) -> Result<Self, KexError> {
        let public = match suite {
            Suite::X25519 => {
                let key = x25519_dalek::StaticSecret::from(*private.expose());
                x25519_dalek::PublicKey::from(&key).as_bytes().to_vec()
            }
            Suite::P256 => p256_secret(&private)?
                .public_key()
                .to_encoded_point(false)
                .as_bytes()
                .to_vec(),
        };
        Ok(Self {
            suite,
            private,
            public,
        })
    }

    /// The suite that the key is for.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// The public key in the form of the suite.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// Agrees on Z with the public key of the other side.
    ///
    /// # Errors
    /// [`KexError::PublicKey`] if the key has the wrong form, is not on the curve, or gives an
    /// all-zero secret.
    pub fn agree(&self, peer: &[u8]) -> Result<SharedSecret, KexError> {
        match self.suite {
            Suite::X25519 => {
                let peer: [u8; 32] = peer.try_into().map_err(|_| KexError::PublicKey)?;
                let key = x25519_dalek::StaticSecret::from(*self.private.expose());
                let shared = key.diffie_hellman(&peer.into());
                if shared.was_contributory() {
                    Ok(SharedSecret::new(*shared.as_bytes()))
                } else {
                    Err(KexError::PublicKey)
                }
            }
            Suite::P256 => {
                let peer = p256_public(peer)?;
                let key = p256_secret(&self.private)?;
                let shared = p256::ecdh::diffie_hellman(key.to_nonzero_scalar(), peer.as_affine());
                Ok(SharedSecret::new((*shared.raw_secret_bytes()).into()))
            }
        }
    }
}

/// Checks that a peer's public key can be agreed with, before anything is spent on it.
pub(crate) fn check_public(suite: Suite, peer: &[u8]) -> Result<(), KexError> {
    match suite {
        // Every multiple of a point of small order that clamping allows is zero, so one multiple
        // tells.
        Suite::X25519 => {
            let any = AgreementKey::new(suite, PrivateKey::new([1; PrivateKey::LEN]))?;
            any.agree(peer).map(|_| ())
        }
        Suite::P256 => p256_public(peer).map(|_| ()),
    }
}

/// No key can be agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KexError {
    /// The peer's public key has the wrong form or is not a usable point.
    #[error("public key of the peer is unusable")]
    PublicKey,
    /// Our private key is out of range.
    #[error("private key is out of range")]
    PrivateKey,
}

impl KexError {
    /// The cause to answer.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::PublicKey => Cause::MandatoryElementIncorrect,
            Self::PrivateKey => Cause::Internal,
        }
    }
}

fn p256_public(octets: &[u8]) -> Result<p256::PublicKey, KexError> {
    if octets.len() != Suite::P256.public_key_len() {
        return Err(KexError::PublicKey);
    }
    p256::PublicKey::from_sec1_bytes(octets).map_err(|_| KexError::PublicKey)
}

fn p256_secret(private: &PrivateKey) -> Result<p256::SecretKey, KexError> {
    p256::SecretKey::from_slice(private.expose()).map_err(|_| KexError::PrivateKey)
}

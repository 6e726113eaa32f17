//! Signature algorithms of certificates, on the same keys as signed objects.

use cose::{VerificationKey, spki};
use rustls_pki_types::{
    AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};

/// ECDSA P-256 with SHA-256, ECDSA P-384 with SHA-384, Ed25519.
///
/// A network that has manufacturers with other algorithms passes its own list in the policy.
pub const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] =
    &[&Algorithm::P256, &Algorithm::P384, &Algorithm::Ed25519];

#[derive(Debug)]
enum Algorithm {
    P256,
    P384,
    Ed25519,
}

impl Algorithm {
    fn key(&self, public_key: &[u8]) -> Option<VerificationKey> {
        match self {
            Self::P256 => VerificationKey::from_spki(&spki::p256(public_key.try_into().ok()?)),
            Self::P384 => VerificationKey::from_spki(&spki::p384(public_key.try_into().ok()?)),
            Self::Ed25519 => {
                VerificationKey::from_spki(&spki::ed25519(public_key.try_into().ok()?))
            }
        }
        .ok()
    }
}

impl SignatureVerificationAlgorithm for Algorithm {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let key = self.key(public_key).ok_or(InvalidSignature)?;
        if key.verifies_der(message, signature) {
            Ok(())
        } else {
            Err(InvalidSignature)
        }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        match self {
            Self::P256 => alg_id::ECDSA_P256,
            Self::P384 => alg_id::ECDSA_P384,
            Self::Ed25519 => alg_id::ED25519,
        }
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        match self {
            Self::P256 => alg_id::ECDSA_SHA256,
            Self::P384 => alg_id::ECDSA_SHA384,
            Self::Ed25519 => alg_id::ED25519,
        }
    }
}

//! The network's proof to the device: an operator chain signs the Challenge.

use crate::certificate::{CertificateError, PathPolicy, validate_path};
use crate::challenge::Challenge;
use alloc::vec::Vec;
use cause::Cause;
use cose::cbor::{self, DecodeError};
use cose::{
    CoseError, KeyId, ObjectType, SignError, SignedObject, Signing, SigningKey, VerificationKey,
    sha256,
};

/// The operator roots that a device was made with.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OperatorRoots(Vec<Vec<u8>>);

impl OperatorRoots {
    /// Takes DER certificates of operator roots.
    #[must_use]
    pub const fn new(certificates: Vec<Vec<u8>>) -> Self {
        Self(certificates)
    }
}

/// A network proof that was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkProof {
    /// Id of the operator root that the chain ended at. A package must come from the same root.
    pub root: KeyId,
    /// Id of the key that signed. The operator's keyset must name it for `owa-net`.
    pub signer: KeyId,
}

/// Signs a Challenge for the device whose Start has this SHA-256.
///
/// `challenge` is the body without label 8. `certificates` are the signer's, end entity first.
///
/// # Errors
/// [`NetworkProofError::Challenge`] if those octets are no such Challenge;
/// [`NetworkProofError::Sign`].
pub fn sign_network_proof(
    start_hash: &[u8; 32],
    challenge: &[u8],
    certificates: &[&[u8]],
    key: &SigningKey,
) -> Result<Vec<u8>, NetworkProofError> {
    let decoded = Challenge::decode(challenge).map_err(NetworkProofError::Challenge)?;
    if decoded.network_proof.is_some() {
        return Err(NetworkProofError::AlreadyProven);
    }
    Ok(
        Signing::new(ObjectType::OwaNet, &payload(start_hash, challenge))
            .with_chain(certificates)
            .detached()
            .sign(key)?,
    )
}

/// Verifies the `proof` that `challenge` carries over `start`, both as sent and received.
///
/// Without a clock, the Challenge's own time stands in for the time: it is under the signature, so
/// the chain must at least agree with what the network says the time is.
pub(crate) fn verify_network_proof(
    start: &[u8],
    challenge: &[u8],
    proof: &[u8],
    roots: &OperatorRoots,
    now: u64,
) -> Result<NetworkProof, NetworkProofError> {
    let object = SignedObject::decode(proof, ObjectType::OwaNet)?;
    let anchors: Vec<&[u8]> = roots.0.iter().map(Vec::as_slice).collect();
    let policy = PathPolicy::new(&anchors, now);
    let path = validate_path(&object.header().x5chain, &policy)?;
    let key = VerificationKey::from_spki(path.certificate.spki()).map_err(CoseError::Key)?;
    let bare = Challenge::without_network_proof(challenge).map_err(NetworkProofError::Challenge)?;
    object.verify_detached(&key, &payload(&sha256(start), bare.as_slice()))?;
    Ok(NetworkProof {
        root: path.anchor,
        signer: key.key_id(),
    })
}

fn payload(start_hash: &[u8; 32], challenge: &[u8]) -> Vec<u8> {
    cbor::array([cbor::bytes(start_hash), cbor::bytes(challenge)]).into_vec()
}

/// A network proof cannot be made or does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkProofError {
    /// The Challenge cannot be read.
    #[error("challenge cannot be decoded")]
    Challenge(#[source] DecodeError),
    /// The Challenge to sign has a proof already.
    #[error("challenge carries a network proof already")]
    AlreadyProven,
    /// Signing failed.
    #[error("network proof could not be signed")]
    Sign(#[from] SignError),
    /// The signer's chain does not lead to an operator root of the device.
    #[error("certificates of the network are refused")]
    Certificate(#[from] CertificateError),
    /// The signed object is refused.
    #[error("network proof is refused")]
    Object(#[from] CoseError),
}

impl NetworkProofError {
    /// The cause to report.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Challenge(error) => error.cause(),
            Self::AlreadyProven => Cause::Conflict,
            Self::Sign(error) => error.cause(),
            Self::Certificate(error) => error.cause(),
            Self::Object(error) => error.cause(),
        }
    }
}

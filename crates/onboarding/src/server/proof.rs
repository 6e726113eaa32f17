//! The third step: does the device hold the key that its Start names?

use crate::certificate::{Certificate, CertificateError};
use crate::proof::{Kem, ProofPayload, Recipient, RecipientKey};
use crate::start::{DecodeStartError, Start};
use crate::transcript::Transcript;
use alloc::vec::Vec;
use cause::Cause;
use cose::cbor::DecodeError;
use cose::{CoseError, KeyError, ObjectType, SignedObject, VerificationKey, spki};
use identifiers::DeviceId;

/// A Proof that holds: the device has the key that its Start names. Whose key that is, its
/// certificate has to say.
#[derive(Clone, Debug)]
pub struct VerifiedProof {
    /// The device, by that key.
    pub device_id: DeviceId,
    /// The key.
    pub key: VerificationKey,
    /// Which key packages are sealed to.
    pub recipient: Recipient,
    /// Evidence of the device's state.
    pub evidence: Option<Vec<u8>>,
    /// The device's counter.
    pub counter: Option<u64>,
    /// SHA-256 of the Proof, to be taken by compare-and-set into the session record.
    pub digest: [u8; 32],
    /// The Start that the Proof belongs to.
    pub start: Start,
}

impl VerifiedProof {
    /// The raw public key that packages are sealed to.
    ///
    /// # Errors
    /// [`KeyError::UnsupportedType`] for cert-direct with an identity key other than P-256.
    pub fn recipient_key(&self) -> Result<RecipientKey, KeyError> {
        match &self.recipient {
            Recipient::CertBound(key) => Ok(key.clone()),
            Recipient::CertDirect => Ok(RecipientKey {
                kem: Kem::P256,
                public: spki::p256_point(self.key.spki())?.to_vec(),
            }),
        }
    }
}

/// Verifies a Proof against the Start and Challenge of its session.
///
/// The key is the one in the Proof; else the one that is known already for the Start's key hash;
/// else the one of the certificate in Start. Whichever it is, its hash must be the one in Start.
/// Nothing is fetched and no certificate is trusted here.
///
/// # Errors
/// [`ProofError`].
pub fn verify_proof(
    transcript: &Transcript<'_>,
    known_key: Option<&VerificationKey>,
) -> Result<VerifiedProof, ProofError> {
    let start = Start::decode(transcript.start).map_err(ProofError::Start)?;
    let object = SignedObject::decode(transcript.proof, ObjectType::OwaProof)?;
    let key = find_key(&object, known_key, &start)?;
    if key.key_id() != start.key_id {
        return Err(ProofError::OtherKey);
    }
    let payload = ProofPayload::decode(object.verify(&key)?).map_err(ProofError::Payload)?;
    if payload.transcript_hash != transcript.hash() {
        return Err(ProofError::Transcript);
    }
    Ok(VerifiedProof {
        device_id: DeviceId::from_spki_sha256(key.key_id().as_bytes()),
        key,
        recipient: payload.recipient,
        evidence: payload.evidence,
        counter: payload.counter,
        digest: transcript.proof_digest(),
        start,
    })
}

fn find_key(
    object: &SignedObject<'_>,
    known_key: Option<&VerificationKey>,
    start: &Start,
) -> Result<VerificationKey, ProofError> {
    if object.header().spki.is_some() {
        return Ok(object.carried_key()?);
    }
    if let Some(key) = known_key {
        return Ok(key.clone());
    }
    let certificate = start.chain.first().ok_or(CoseError::KeyMissing)?;
    let certificate = Certificate::from_der(certificate).map_err(ProofError::Certificate)?;
    Ok(VerificationKey::from_spki(certificate.spki()).map_err(CoseError::Key)?)
}

/// Checks that a certificate, inline or fetched, is the one that Start names, before its path is
/// looked at.
///
/// # Errors
/// [`BindingError`].
pub fn check_certificate(start: &Start, der: &[u8]) -> Result<Certificate, BindingError> {
    let certificate = Certificate::from_der(der)?;
    if certificate.key_id() != start.key_id {
        return Err(BindingError::OtherKey);
    }
    let named = start.certificate.sha256();
    if named.is_some_and(|named| named != certificate.sha256()) {
        return Err(BindingError::Hash);
    }
    Ok(certificate)
}

/// A Proof is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The Start of the session record cannot be read.
    #[error("recorded start cannot be decoded")]
    Start(#[source] DecodeStartError),
    /// The certificate in Start cannot be read.
    #[error("certificate in start cannot be read")]
    Certificate(#[source] CertificateError),
    /// The signing key is not the one that Start names.
    #[error("proof is made with another key than start names")]
    OtherKey,
    /// The signed object is refused.
    #[error("proof is refused")]
    Object(#[from] CoseError),
    /// The payload is not as defined.
    #[error("payload of the proof is not as defined")]
    Payload(#[source] DecodeError),
    /// The Proof belongs to another Start or Challenge.
    #[error("proof belongs to another transcript")]
    Transcript,
}

impl ProofError {
    /// The cause to answer.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Start(error) => error.cause(),
            Self::Certificate(error) => error.cause(),
            Self::OtherKey => Cause::DeviceIdentityMismatch,
            Self::Object(error) => match error.cause() {
                Cause::SignatureInvalid => Cause::ProofInvalid,
                other => other,
            },
            Self::Payload(error) => error.cause(),
            Self::Transcript => Cause::ProofInvalid,
        }
    }
}

/// A certificate is not the one that Start names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    /// It cannot be read.
    #[error("certificate of the device is refused")]
    Certificate(#[from] CertificateError),
    /// It certifies another key.
    #[error("certificate has another key than start names")]
    OtherKey,
    /// It is another certificate for the same key.
    #[error("certificate has another hash than start names")]
    Hash,
}

impl BindingError {
    /// The cause to answer.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Certificate(error) => error.cause(),
            Self::OtherKey => Cause::DeviceIdentityMismatch,
            Self::Hash => Cause::CertificateHashMismatch,
        }
    }
}

//! Making signed objects.

use crate::cbor;
use crate::header::{self, Algorithm, MAX_CHAIN};
use crate::key::{KeyError, SigningKey};
use crate::object_type::ObjectType;
use alloc::vec::Vec;
use cause::Cause;

/// An object about to be signed.
///
/// ```
/// use cose::{ObjectType, SignedObject, Signing, SigningKey};
///
/// let key = SigningKey::new(&secret::PrivateKey::new([7; 32]))?;
/// let object = Signing::new(ObjectType::Receipt, b"\xa0").with_spki().sign(&key)?;
/// let received = SignedObject::decode(&object, ObjectType::Receipt)?;
/// assert_eq!(received.verify(&key.verification_key())?, b"\xa0");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Signing<'a> {
    object_type: ObjectType,
    payload: &'a [u8],
    x5chain: &'a [&'a [u8]],
    spki: bool,
    detached: bool,
}

impl<'a> Signing<'a> {
    /// An object of this type around an encoded payload.
    #[must_use]
    pub const fn new(object_type: ObjectType, payload: &'a [u8]) -> Self {
        Self {
            object_type,
            payload,
            x5chain: &[],
            spki: false,
            detached: false,
        }
    }

    /// Adds the signer's certificates, at most four, end entity first, anchor left out.
    #[must_use]
    pub const fn with_chain(mut self, certificates: &'a [&'a [u8]]) -> Self {
        self.x5chain = certificates;
        self
    }

    /// Adds the signer's SubjectPublicKeyInfo.
    #[must_use]
    pub const fn with_spki(mut self) -> Self {
        self.spki = true;
        self
    }

    /// Signs the payload without embedding it.
    #[must_use]
    pub const fn detached(mut self) -> Self {
        self.detached = true;
        self
    }

    /// Signs and encodes the COSE_Sign1.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(&self, key: &SigningKey) -> Result<Vec<u8>, SignError> {
        if self.x5chain.len() > MAX_CHAIN {
            return Err(SignError::ChainTooLong);
        }
        let spki = key.spki();
        let protected = header::encode(
            self.object_type,
            Algorithm::Es256,
            &key.key_id(),
            self.x5chain,
            self.spki.then_some(spki.as_slice()),
        )
        .into_vec();
        let message = to_be_signed(self.object_type, &protected, self.payload);
        let signature = key.sign(&message)?;
        let payload = if self.detached {
            cbor::null()
        } else {
            cbor::bytes(self.payload)
        };
        Ok(cbor::array([
            cbor::bytes(&protected),
            cbor::map().build(),
            payload,
            cbor::bytes(&signature),
        ])
        .into_vec())
    }
}

/// An object cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// More than four certificates were given.
    #[error("certificate chain is too long for a header")]
    ChainTooLong,
    /// The key does not sign.
    #[error("signing key failed")]
    Key(#[from] KeyError),
}

impl SignError {
    /// The cause to answer the caller; both are faults of ours.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        Cause::Internal
    }
}

/// Sig_structure of RFC 9052 4.4 for one signer.
pub(crate) fn to_be_signed(object_type: ObjectType, protected: &[u8], payload: &[u8]) -> Vec<u8> {
    cbor::array([
        cbor::text("Signature1"),
        cbor::bytes(protected),
        cbor::bytes(&object_type.external_aad()),
        cbor::bytes(payload),
    ])
    .into_vec()
}

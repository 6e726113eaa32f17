//! Checking signed objects.

use crate::cbor::{CborError, DecodeError, Item, SchemaError};
use crate::header::{Algorithm, Header};
use crate::key::{KeyError, KeyId, VerificationKey};
use crate::object_type::ObjectType;
use crate::sign::to_be_signed;
use cause::Cause;

/// A COSE_Sign1 of the expected type whose signature is not checked yet.
///
/// The payload comes out of [`verify`](Self::verify), so nothing unsigned is read by mistake.
#[derive(Clone)]
pub struct SignedObject<'a> {
    object_type: ObjectType,
    protected: &'a [u8],
    header: Header<'a>,
    payload: Option<&'a [u8]>,
    signature: &'a [u8],
}

impl<'a> SignedObject<'a> {
    /// Reads an object that must be of type `expected`.
    ///
    /// # Errors
    /// [`CoseError::Cbor`], [`CoseError::Form`], [`CoseError::Header`] or [`CoseError::Type`].
    pub fn decode(octets: &'a [u8], expected: ObjectType) -> Result<Self, CoseError> {
        let [protected, unprotected, payload, signature] = Item::decode(octets)?
            .array()
            .ok()
            .and_then(|items| <[Item<'a>; 4]>::try_from(items).ok())
            .ok_or(CoseError::Form)?;
        let protected = protected.bytes().map_err(|_| CoseError::Form)?;
        if !unprotected.open_map().is_ok_and(|map| map.is_empty()) {
            return Err(CoseError::Form);
        }
        let payload = if payload.is_null() {
            None
        } else {
            Some(payload.bytes().map_err(|_| CoseError::Form)?)
        };
        let signature = signature.bytes().map_err(|_| CoseError::Form)?;
        let header = Header::decode(protected).map_err(|error| match error {
            DecodeError::Cbor(error) => CoseError::Cbor(error),
            DecodeError::Schema(error) => CoseError::Header(error),
        })?;
        if ObjectType::from_media_type(header.media_type) != Some(expected) {
            return Err(CoseError::Type);
        }
        Ok(Self {
            object_type: expected,
            protected,
            header,
            payload,
            signature,
        })
    }

    /// The protected header; it may be used to find the key and for nothing else before the
    /// signature is checked.
    #[must_use]
    pub const fn header(&self) -> &Header<'a> {
        &self.header
    }

    /// The key that the object itself carries.
    ///
    /// Whether to trust that key is for the caller to decide.
    ///
    /// # Errors
    /// [`CoseError::KeyMissing`] or [`CoseError::Key`].
    pub fn carried_key(&self) -> Result<VerificationKey, CoseError> {
        let spki = self.header.spki.ok_or(CoseError::KeyMissing)?;
        Ok(VerificationKey::from_spki(spki)?)
    }

    /// The payload before its signature is checked, where the key that checks it stands inside.
    #[must_use]
    pub const fn unverified_payload(&self) -> Option<&'a [u8]> {
        self.payload
    }

    /// Checks the signature and gives the payload.
    ///
    /// # Errors
    /// [`CoseError::KeyId`], [`CoseError::Algorithm`] or [`CoseError::Signature`];
    /// [`CoseError::Form`] if the payload is detached.
    pub fn verify(&self, key: &VerificationKey) -> Result<&'a [u8], CoseError> {
        let payload = self.payload.ok_or(CoseError::Form)?;
        self.check(key, payload)?;
        Ok(payload)
    }

    /// Checks the signature over a payload that stands elsewhere.
    ///
    /// # Errors
    /// As [`verify`](Self::verify); [`CoseError::Form`] if there is an embedded payload.
    pub fn verify_detached(&self, key: &VerificationKey, payload: &[u8]) -> Result<(), CoseError> {
        if self.payload.is_some() {
            return Err(CoseError::Form);
        }
        self.check(key, payload)
    }

    fn check(&self, key: &VerificationKey, payload: &[u8]) -> Result<(), CoseError> {
        let key_id = key.key_id();
        let carried_differs = self
            .header
            .spki
            .is_some_and(|spki| KeyId::of_spki(spki) != key_id);
        if self.header.kid != key_id || carried_differs {
            return Err(CoseError::KeyId);
        }
        if self.header.algorithm != key.algorithm() {
            return Err(CoseError::Algorithm(self.header.algorithm));
        }
        let message = to_be_signed(self.object_type, self.protected, payload);
        if key.verifies(&message, self.signature) {
            Ok(())
        } else {
            Err(CoseError::Signature)
        }
    }
}

/// A signed object is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoseError {
    /// The object or its protected header is not deterministic CBOR.
    #[error("signed object is not deterministic cbor")]
    Cbor(#[from] CborError),
    /// Not a COSE_Sign1 with an empty unprotected header, or its payload is embedded or detached
    /// where it must not be.
    #[error("signed object does not have the form of a cose_sign1")]
    Form,
    /// The protected header is not as defined.
    #[error("protected header is not as defined")]
    Header(#[source] SchemaError),
    /// The object is of another type.
    #[error("signed object is of another type")]
    Type,
    /// The object should carry its key and does not.
    #[error("signed object does not carry its key")]
    KeyMissing,
    /// The key cannot be used.
    #[error("key of the signer cannot be used")]
    Key(#[from] KeyError),
    /// The key id is not that of the key.
    #[error("key id is not that of the expected key")]
    KeyId,
    /// The algorithm is not the one of the key's type.
    #[error("algorithm does not belong to the type of the key")]
    Algorithm(Algorithm),
    /// The signature is wrong.
    #[error("signature is wrong")]
    Signature,
}

impl CoseError {
    /// The cause to answer a peer that sent the object.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Cbor(error) => error.cause(),
            Self::Header(error) => error.cause(),
            Self::Form | Self::Type => Cause::MalformedMessage,
            Self::KeyMissing => Cause::MandatoryElementMissing,
            Self::Key(error) => error.cause(),
            Self::KeyId | Self::Algorithm(_) | Self::Signature => Cause::SignatureInvalid,
        }
    }
}

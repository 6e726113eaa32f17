//! Which keys of an operator sign what.

use crate::read;
use alloc::vec::Vec;
use cause::Cause;
use cose::cbor::{self, DecodeError, Item, SchemaError};
use cose::{
    CoseError, KeyError, KeyId, ObjectType, SignError, SignedObject, Signing, SigningKey,
    VerificationKey, sha256,
};
use identifiers::OperatorId;

/// The signing keys of an operator, signed by its root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyset {
    /// Only grows. A device refuses an older one, and an equal one with other octets.
    pub version: u64,
    /// The operator.
    pub operator: OperatorId,
    /// One to eight keys.
    pub keys: Vec<KeysetKey>,
    /// When it was issued, in seconds since 1970, UTC.
    pub issued: u64,
    /// When it expires.
    pub expires: u64,
}

/// A key of a keyset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysetKey {
    /// DER SubjectPublicKeyInfo.
    pub spki: Vec<u8>,
    /// The types of objects that it may sign, one to sixteen.
    pub types: Vec<ObjectType>,
    /// From when it may sign, in seconds since 1970, UTC.
    pub valid_from: u64,
    /// Until when it may sign.
    pub valid_until: u64,
}

impl Keyset {
    /// Reads a payload.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let map = Item::decode(octets)?.map(&[1, 2, 3, 4, 5])?;
        Ok(Self {
            version: map.required(1, Item::uint)?,
            operator: map.required(2, |item| read::identifier(item, OperatorId::parse))?,
            keys: map.required(3, |item| item.array_of(1..=8, KeysetKey::read))?,
            issued: map.required(4, Item::uint)?,
            expires: map.required(5, Item::uint)?,
        })
    }

    /// Encodes the payload.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        cbor::map()
            .with(1, cbor::uint(self.version))
            .with(2, cbor::text(self.operator.as_str()))
            .with(3, self.keys.iter().map(KeysetKey::write).collect())
            .with(4, cbor::uint(self.issued))
            .with(5, cbor::uint(self.expires))
            .build()
            .into_vec()
    }

    /// Signs the keyset with the operator's root.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(&self, root: &SigningKey) -> Result<Vec<u8>, SignError> {
        Signing::new(ObjectType::Keyset, &self.encode())
            .with_spki()
            .sign(root)
    }
}

impl KeysetKey {
    fn read(item: Item<'_>) -> Result<Self, SchemaError> {
        let map = item.map(&[1, 2, 3, 4])?;
        Ok(Self {
            spki: map.required(1, read::octets)?,
            types: map.required(2, |item| {
                item.array_of(1..=16, |item| {
                    ObjectType::from_name(item.text()?).ok_or(SchemaError::Form)
                })
            })?,
            valid_from: map.required(3, Item::uint)?,
            valid_until: map.required(4, Item::uint)?,
        })
    }

    fn write(&self) -> cbor::Encoded {
        let types = self.types.iter().map(|name| cbor::text(name.name()));
        cbor::map()
            .with(1, cbor::bytes(&self.spki))
            .with(2, types.collect())
            .with(3, cbor::uint(self.valid_from))
            .with(4, cbor::uint(self.valid_until))
            .build()
    }
}

/// A keyset whose signature holds under the root that it carries.
///
/// Whether that root is to be trusted, its user decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedKeyset {
    /// The keyset.
    pub keyset: Keyset,
    /// Id of the root.
    pub root: KeyId,
    /// SHA-256 of the signed object as received.
    pub sha256: [u8; 32],
}

impl VerifiedKeyset {
    /// Verifies a keyset under the root that it carries, at `now` if there is a clock.
    ///
    /// # Errors
    /// [`KeysetError`].
    pub fn verify(octets: &[u8], now: Option<u64>) -> Result<Self, KeysetError> {
        let object = SignedObject::decode(octets, ObjectType::Keyset)?;
        let root = object.carried_key()?;
        let payload = object.verify(&root)?;
        let keyset = Keyset::decode(payload).map_err(KeysetError::Payload)?;
        if now.is_some_and(|now| now >= keyset.expires) {
            return Err(KeysetError::Expired);
        }
        Ok(Self {
            keyset,
            root: root.key_id(),
            sha256: sha256(octets),
        })
    }

    /// The key of this id, if it may sign objects of this type, at `now` if there is a clock.
    ///
    /// # Errors
    /// [`KeysetError::UnknownKey`], [`KeysetError::KeyUse`], [`KeysetError::KeyValidity`] or
    /// [`KeysetError::Key`].
    pub fn key_for(
        &self,
        object_type: ObjectType,
        kid: &KeyId,
        now: Option<u64>,
    ) -> Result<VerificationKey, KeysetError> {
        let key = self
            .keyset
            .keys
            .iter()
            .find(|key| KeyId::of_spki(&key.spki) == *kid)
            .ok_or(KeysetError::UnknownKey)?;
        if !key.types.contains(&object_type) {
            return Err(KeysetError::KeyUse);
        }
        if now.is_some_and(|now| now < key.valid_from || now >= key.valid_until) {
            return Err(KeysetError::KeyValidity);
        }
        Ok(VerificationKey::from_spki(&key.spki)?)
    }
}

/// A keyset, or the use of one of its keys, is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysetError {
    /// The signed object is refused.
    #[error("keyset is refused")]
    Object(#[from] CoseError),
    /// The payload is not as defined.
    #[error("payload of the keyset is not as defined")]
    Payload(#[source] DecodeError),
    /// The keyset has expired.
    #[error("keyset has expired")]
    Expired,
    /// No key of the keyset has this id.
    #[error("signer is not in the keyset")]
    UnknownKey,
    /// The key may not sign objects of this type.
    #[error("signer may not sign objects of this type")]
    KeyUse,
    /// The key may not sign yet, or no longer.
    #[error("signer may not sign at this time")]
    KeyValidity,
    /// The key itself cannot be used.
    #[error("key of the keyset cannot be used")]
    Key(#[from] KeyError),
}

impl KeysetError {
    /// The cause to report.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Object(error) => error.cause(),
            Self::Payload(error) => error.cause(),
            Self::UnknownKey => Cause::SignatureInvalid,
            Self::Expired | Self::KeyUse | Self::KeyValidity | Self::Key(_) => Cause::KeysetInvalid,
        }
    }
}

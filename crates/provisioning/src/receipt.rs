//! The device's receipt for a package.

use crate::read;
use alloc::string::String;
use alloc::vec::Vec;
use cause::Cause;
use cose::cbor::{self, DecodeError, Item, SchemaError};
use cose::{CoseError, ObjectType, SignError, SignedObject, Signing, SigningKey, VerificationKey};
use identifiers::PackageId;

/// What became of a package at the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The package.
    pub package_id: PackageId,
    /// Which sealing of it.
    pub seal_seq: u64,
    /// What became of it.
    pub result: ReceiptResult,
    /// SHA-256 of the package as received.
    pub package_sha256: [u8; 32],
    /// Name and version of the device's software.
    pub agent: String,
    /// When, by the device's clock, in seconds since 1970, UTC.
    pub time: u64,
    /// Number of the cause, where it was not installed.
    pub cause: Option<u16>,
}

/// What became of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReceiptResult {
    /// It is installed.
    Installed,
    /// It was refused.
    Rejected,
    /// It was installed, did not reach service, and was undone.
    RolledBack,
}

impl Receipt {
    /// Reads a payload.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let map = Item::decode(octets)?.map(&[1, 2, 3, 4, 5, 6, 7])?;
        Ok(Self {
            package_id: map.required(1, |item| read::identifier(item, PackageId::parse))?,
            seal_seq: map.required(2, Item::uint)?,
            result: map.required(3, |item| match item.uint()? {
                0 => Ok(ReceiptResult::Installed),
                1 => Ok(ReceiptResult::Rejected),
                2 => Ok(ReceiptResult::RolledBack),
                _ => Err(SchemaError::Form),
            })?,
            package_sha256: map.required(4, Item::fixed)?,
            agent: map.required(5, read::text)?,
            time: map.required(6, Item::uint)?,
            cause: map.optional(7, Item::uint16)?,
        })
    }

    /// Encodes the payload.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let result = match self.result {
            ReceiptResult::Installed => 0_u64,
            ReceiptResult::Rejected => 1,
            ReceiptResult::RolledBack => 2,
        };
        cbor::map()
            .with(1, cbor::text(self.package_id.as_str()))
            .with(2, cbor::uint(self.seal_seq))
            .with(3, cbor::uint(result))
            .with(4, cbor::bytes(&self.package_sha256))
            .with(5, cbor::text(&self.agent))
            .with(6, cbor::uint(self.time))
            .with_some(7, self.cause.map(cbor::uint))
            .build()
            .into_vec()
    }

    /// Signs the receipt with the device's identity key.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(&self, identity: &SigningKey) -> Result<Vec<u8>, SignError> {
        Signing::new(ObjectType::Receipt, &self.encode()).sign(identity)
    }

    /// Verifies a receipt under the identity key of its device.
    ///
    /// # Errors
    /// [`ReceiptError`].
    pub fn verify(octets: &[u8], identity: &VerificationKey) -> Result<Self, ReceiptError> {
        let object = SignedObject::decode(octets, ObjectType::Receipt)?;
        Self::decode(object.verify(identity)?).map_err(ReceiptError::Payload)
    }

    /// Compares the receipt with the package that was delivered, member by member.
    ///
    /// # Errors
    /// [`ReceiptError::OtherPackage`] or [`ReceiptError::OtherOctets`].
    pub fn check(
        &self,
        package_id: &PackageId,
        seal_seq: u64,
        package_sha256: &[u8; 32],
    ) -> Result<(), ReceiptError> {
        if self.package_id != *package_id || self.seal_seq != seal_seq {
            return Err(ReceiptError::OtherPackage);
        }
        if self.package_sha256 != *package_sha256 {
            return Err(ReceiptError::OtherOctets);
        }
        Ok(())
    }
}

/// A receipt is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The signed object is refused.
    #[error("receipt is refused")]
    Object(#[from] CoseError),
    /// The payload is not as defined.
    #[error("payload of the receipt is not as defined")]
    Payload(#[source] DecodeError),
    /// It is for another package or sealing.
    #[error("receipt is for another package")]
    OtherPackage,
    /// The device received other octets than were sent.
    #[error("receipt names other octets than were delivered")]
    OtherOctets,
}

impl ReceiptError {
    /// The cause to answer the device.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Object(error) => error.cause(),
            Self::Payload(error) => error.cause(),
            Self::OtherPackage | Self::OtherOctets => Cause::ReceiptConflict,
        }
    }
}

//! The header of a package: readable on its way, and authenticated twice.

use crate::read;
use alloc::vec::Vec;
use cose::cbor::{self, DecodeError, Item, SchemaError};
use identifiers::{DeviceId, OnboardingSession, PackageId};
use onboarding::{Kem, NetworkProofLevel, Recipient, RecipientKey};

/// Who a package is for, under which session and until when.
///
/// Its octets are the additional data of the sealing, and stand under the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageHeader {
    /// The package.
    pub package_id: PackageId,
    /// The device that it is for.
    pub device_id: DeviceId,
    /// SHA-256 of the raw public key that it is sealed to.
    pub recipient_hash: [u8; 32],
    /// Whether that key is the identity key itself.
    pub cert_direct: bool,
    /// The key encapsulation mechanism of that key.
    pub kem: Kem,
    /// The session whose keys enter the sealing.
    pub session: OnboardingSession,
    /// How many times the package has been sealed, this time included.
    pub seal_seq: u64,
    /// When it was sealed, in seconds since 1970, UTC.
    pub created: u64,
    /// Until when it may be installed.
    pub not_after: u64,
    /// How the network has proven itself; [`NetworkProofLevel::ClaimSecret`] says that the claim
    /// secret is mixed in.
    pub network_proof: NetworkProofLevel,
    /// The package that this one replaces.
    pub supersedes: Option<PackageId>,
}

impl PackageHeader {
    /// Whether the header is for this recipient.
    #[must_use]
    pub fn is_for(&self, recipient: &Recipient, key: &RecipientKey) -> bool {
        self.cert_direct == matches!(recipient, Recipient::CertDirect)
            && self.kem == key.kem
            && self.recipient_hash == cose::sha256(&key.public)
    }

    /// Reads a header.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let map = Item::decode(octets)?.map(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])?;
        map.required(6, |item| constant(item, KDF_HKDF_SHA256))?;
        map.required(7, |item| constant(item, AEAD_AES_256_GCM))?;
        Ok(Self {
            package_id: map.required(1, |item| read::identifier(item, PackageId::parse))?,
            device_id: map.required(2, read::device_id)?,
            recipient_hash: map.required(3, Item::fixed)?,
            cert_direct: map.required(4, |item| match item.uint()? {
                0 => Ok(true),
                1 => Ok(false),
                _ => Err(SchemaError::Form),
            })?,
            kem: map.required(5, Kem::read)?,
            session: map.required(8, read::session)?,
            seal_seq: map.required(9, Item::uint)?,
            created: map.required(10, Item::uint)?,
            not_after: map.required(11, Item::uint)?,
            network_proof: map.required(12, |item| {
                NetworkProofLevel::from_number(item.uint()?).ok_or(SchemaError::Form)
            })?,
            supersedes: map.optional(13, |item| read::identifier(item, PackageId::parse))?,
        })
    }

    /// Encodes the header.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let supersedes = self.supersedes.as_ref();
        cbor::map()
            .with(1, cbor::text(self.package_id.as_str()))
            .with(2, cbor::text(self.device_id.as_str()))
            .with(3, cbor::bytes(&self.recipient_hash))
            .with(4, cbor::uint(if self.cert_direct { 0_u64 } else { 1 }))
            .with(5, cbor::uint(self.kem.number()))
            .with(6, cbor::uint(KDF_HKDF_SHA256))
            .with(7, cbor::uint(AEAD_AES_256_GCM))
            .with(8, cbor::bytes(self.session.as_bytes()))
            .with(9, cbor::uint(self.seal_seq))
            .with(10, cbor::uint(self.created))
            .with(11, cbor::uint(self.not_after))
            .with(12, cbor::uint(self.network_proof.number()))
            .with_some(13, supersedes.map(|id| cbor::text(id.as_str())))
            .build()
            .into_vec()
    }
}

fn constant(item: Item<'_>, expected: u64) -> Result<(), SchemaError> {
    if item.uint()? == expected {
        Ok(())
    } else {
        Err(SchemaError::Form)
    }
}

/// RFC 9180 7.2.
const KDF_HKDF_SHA256: u64 = 1;
/// RFC 9180 7.3.
const AEAD_AES_256_GCM: u64 = 2;

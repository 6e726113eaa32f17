//! The profile: everything that a device needs to be a subscriber.
//!
//! The secret part is not a member of [`Profile`]: only the vault makes it and only the device reads
//! it. Its label, 7, is inserted into the encoded profile by [`insert_secret`].

mod access;
mod applications;
mod management;
mod secret_part;
mod service;

pub use access::{Access, Snpn, SuciKey};
pub use applications::{Applications, MsgIn5g};
pub use management::{Fallback, Management, OperatorName, Pin, Rollback};
pub use secret_part::{AuthenticationKeys, SecretPart, insert_secret};
pub use service::{PduSessionType, Plan, Service, Slice};

use crate::read;
use alloc::vec::Vec;
use cose::cbor::{self, DecodeError, Item, Map, SchemaError};
use identifiers::{CredentialSetId, DeviceId, PackageId, SubscriptionId};

/// A profile without its secret part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The package that brings it.
    pub package_id: PackageId,
    /// The subscription.
    pub subscription_id: SubscriptionId,
    /// The device.
    pub device_id: DeviceId,
    /// The credential set.
    pub credential_set_id: CredentialSetId,
    /// Number of the credential set among the subscription's; only grows.
    pub credential_epoch: u64,
    /// How to reach the network.
    pub access: Access,
    /// What the subscription gives.
    pub service: Service,
    /// Application servers.
    pub applications: Applications,
    /// The operator, its keys and its rules.
    pub management: Management,
    /// Until when the profile may be installed, in seconds since 1970, UTC.
    pub not_after: u64,
    /// The package that this one replaces.
    pub supersedes: Option<PackageId>,
}

impl Profile {
    /// Reads a profile without its secret part.
    ///
    /// # Errors
    /// [`DecodeError`]; a secret part is an unknown label here.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        Ok(Self::read(
            &Item::decode(octets)?.map(&LABELS_WITHOUT_SECRET)?,
        )?)
    }

    /// Reads a whole profile, as it comes out of a package.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode_with_secret(octets: &[u8]) -> Result<(Self, SecretPart), DecodeError> {
        let map = Item::decode(octets)?.map(&LABELS)?;
        let secret = map.required(SECRET, SecretPart::read)?;
        Ok((Self::read(&map)?, secret))
    }

    /// Encodes the profile without its secret part.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let supersedes = self.supersedes.as_ref();
        cbor::map()
            .with(1, cbor::uint(VERSION))
            .with(2, cbor::text(self.package_id.as_str()))
            .with(3, cbor::text(self.subscription_id.as_str()))
            .with(4, cbor::text(self.device_id.as_str()))
            .with(5, cbor::text(self.credential_set_id.as_str()))
            .with(6, cbor::uint(self.credential_epoch))
            .with(8, self.access.write())
            .with(9, self.service.write())
            .with(10, self.applications.write())
            .with(11, self.management.write())
            .with(12, cbor::uint(self.not_after))
            .with_some(13, supersedes.map(|id| cbor::text(id.as_str())))
            .build()
            .into_vec()
    }

    fn read(map: &Map<'_>) -> Result<Self, SchemaError> {
        map.required(1, |item| match item.uint()? {
            VERSION => Ok(()),
            _ => Err(SchemaError::Form),
        })?;
        Ok(Self {
            package_id: map.required(2, |item| read::identifier(item, PackageId::parse))?,
            subscription_id: map
                .required(3, |item| read::identifier(item, SubscriptionId::parse))?,
            device_id: map.required(4, read::device_id)?,
            credential_set_id: map
                .required(5, |item| read::identifier(item, CredentialSetId::parse))?,
            credential_epoch: map.required(6, Item::uint)?,
            access: map.required(8, Access::read)?,
            service: map.required(9, Service::read)?,
            applications: map.required(10, Applications::read)?,
            management: map.required(11, Management::read)?,
            not_after: map.required(12, Item::uint)?,
            supersedes: map.optional(13, |item| read::identifier(item, PackageId::parse))?,
        })
    }
}

const VERSION: u64 = 1;
const SECRET: i64 = 7;
const LABELS: [i64; 13] = [1, 2, 3, 4, 5, 6, SECRET, 8, 9, 10, 11, 12, 13];
const LABELS_WITHOUT_SECRET: [i64; 12] = [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13];

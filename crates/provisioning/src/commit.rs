//! The network's word that a credential set is active for good.

use crate::keyset::{KeysetError, VerifiedKeyset};
use crate::read;
use alloc::string::String;
use alloc::vec::Vec;
use cause::Cause;
use cose::cbor::{self, DecodeError, Item, SchemaError};
use cose::{CoseError, ObjectType, SignError, SignedObject, Signing, SigningKey};
use identifiers::{CredentialSetId, DeviceId, PackageId, SubscriptionId};

/// After it, and not before, a device erases what came before the credential set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// What brought the credential set.
    pub by: CommittedBy,
    /// The device.
    pub device_id: DeviceId,
    /// The subscription.
    pub subscription_id: SubscriptionId,
    /// The credential set.
    pub credential_set_id: CredentialSetId,
    /// Its number among the subscription's.
    pub credential_epoch: u64,
    /// When it became active for good, in seconds since 1970, UTC.
    pub committed_at: u64,
}

/// What brought a credential set to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommittedBy {
    /// A package.
    Package(PackageId),
    /// A credential update, by its id.
    Update(String),
}

impl Commit {
    /// Reads a payload.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let map = Item::decode(octets)?.map(&[1, 2, 3, 4, 5, 6, 7])?;
        let by = match map.required(1, Item::uint)? {
            0 => CommittedBy::Package(
                map.required(2, |item| read::identifier(item, PackageId::parse))?,
            ),
            1 => CommittedBy::Update(map.required(2, read::text)?),
            _ => return Err(SchemaError::Incorrect(1).into()),
        };
        Ok(Self {
            by,
            device_id: map.required(3, read::device_id)?,
            subscription_id: map
                .required(4, |item| read::identifier(item, SubscriptionId::parse))?,
            credential_set_id: map
                .required(5, |item| read::identifier(item, CredentialSetId::parse))?,
            credential_epoch: map.required(6, Item::uint)?,
            committed_at: map.required(7, Item::uint)?,
        })
    }

    /// Encodes the payload.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (kind, id) = match &self.by {
            CommittedBy::Package(package) => (0_u64, package.as_str()),
            CommittedBy::Update(update) => (1, update.as_str()),
        };
        cbor::map()
            .with(1, cbor::uint(kind))
            .with(2, cbor::text(id))
            .with(3, cbor::text(self.device_id.as_str()))
            .with(4, cbor::text(self.subscription_id.as_str()))
            .with(5, cbor::text(self.credential_set_id.as_str()))
            .with(6, cbor::uint(self.credential_epoch))
            .with(7, cbor::uint(self.committed_at))
            .build()
            .into_vec()
    }

    /// Signs the commit with an operator key.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(&self, signer: &SigningKey) -> Result<Vec<u8>, SignError> {
        Signing::new(ObjectType::Commit, &self.encode()).sign(signer)
    }

    /// Verifies a commit under the operator's keyset, at `now` if there is a clock.
    ///
    /// # Errors
    /// [`CommitError`].
    pub fn verify(
        octets: &[u8],
        keyset: &VerifiedKeyset,
        now: Option<u64>,
    ) -> Result<Self, CommitError> {
        let object = SignedObject::decode(octets, ObjectType::Commit)?;
        let key = keyset.key_for(ObjectType::Commit, &object.header().kid, now)?;
        Self::decode(object.verify(&key)?).map_err(CommitError::Payload)
    }

    /// Compares the commit with what the device has installed, member by member. The time is the
    /// network's own and is not compared.
    ///
    /// # Errors
    /// The variant of [`CommitError`] that names the first other member.
    pub fn check(&self, installed: &Self) -> Result<(), CommitError> {
        if self.by != installed.by {
            return Err(CommitError::OtherOrigin);
        }
        if self.device_id != installed.device_id {
            return Err(CommitError::OtherDevice);
        }
        if self.subscription_id != installed.subscription_id {
            return Err(CommitError::OtherSubscription);
        }
        if self.credential_set_id != installed.credential_set_id {
            return Err(CommitError::OtherCredentialSet);
        }
        if self.credential_epoch != installed.credential_epoch {
            return Err(CommitError::OtherEpoch);
        }
        Ok(())
    }
}

/// A commit is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The signed object is refused.
    #[error("commit is refused")]
    Object(#[from] CoseError),
    /// The signer may not sign commits.
    #[error("signer of the commit is refused")]
    Keyset(#[from] KeysetError),
    /// The payload is not as defined.
    #[error("payload of the commit is not as defined")]
    Payload(#[source] DecodeError),
    /// It is for another package or update.
    #[error("commit is for another package or update")]
    OtherOrigin,
    /// It is for another device.
    #[error("commit is for another device")]
    OtherDevice,
    /// It is for another subscription.
    #[error("commit is for another subscription")]
    OtherSubscription,
    /// It is for another credential set.
    #[error("commit is for another credential set")]
    OtherCredentialSet,
    /// It is for another credential epoch.
    #[error("commit is for another credential epoch")]
    OtherEpoch,
}

impl CommitError {
    /// The cause to report.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Object(error) => error.cause(),
            Self::Keyset(error) => error.cause(),
            Self::Payload(error) => error.cause(),
            Self::OtherOrigin
            | Self::OtherDevice
            | Self::OtherSubscription
            | Self::OtherCredentialSet
            | Self::OtherEpoch => Cause::Conflict,
        }
    }
}

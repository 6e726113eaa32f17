//! The operator behind a profile, its keys and its rules.

use crate::read;
use alloc::string::String;
use alloc::vec::Vec;
use cose::KeyId;
use cose::cbor::{self, Encoded, Item, SchemaError};
use identifiers::OperatorId;
use onboarding::{Kem, RecipientKey};

/// How the operator goes on managing the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Management {
    /// The operator.
    pub operator: OperatorName,
    /// What everything that the operator signs later is checked against.
    pub pin: Pin,
    /// Where credential updates are offered; one to four URIs.
    pub update_endpoints: Vec<String>,
    /// Keys of the operator's vault that a device may seal to.
    pub vault_keys: Vec<RecipientKey>,
    /// What to do without service.
    pub fallback: Option<Fallback>,
    /// When to undo an installation by itself.
    pub rollback: Option<Rollback>,
    /// Seconds between contacts, at most.
    pub contact_seconds: Option<u64>,
    /// SHA-256 of the first owner's SubjectPublicKeyInfo.
    pub owner_key_hash: Option<[u8; 32]>,
}

/// An operator, as shown to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorName {
    /// The operator.
    pub id: OperatorId,
    /// Its name.
    pub name: String,
    /// SHA-256 of its logo.
    pub logo_hash: Option<[u8; 32]>,
}

/// The operator's root, and the oldest keyset that still counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Id of the root.
    pub root: KeyId,
    /// Least version of the keyset.
    pub least_keyset_version: u64,
}

/// What a device does when it has no service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fallback {
    /// It stays.
    Stay,
    /// It onboards again with its certificate.
    OnboardAgain,
}

/// When a device undoes an installation that did not reach service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rollback {
    /// After so many tries.
    pub tries: Option<u64>,
    /// After so many seconds.
    pub seconds: Option<u64>,
}

impl Management {
    pub(super) fn read(item: Item<'_>) -> Result<Self, SchemaError> {
        let map = item.map(&[1, 2, 3, 4, 5, 6, 7, 8])?;
        Ok(Self {
            operator: map.required(1, OperatorName::read)?,
            pin: map.required(2, Pin::read)?,
            update_endpoints: map.required(3, |item| item.array_of(1..=4, read::text))?,
            vault_keys: map
                .optional(4, |item| item.array_of(1..=4, read_vault_key))?
                .unwrap_or_default(),
            fallback: map.optional(5, |item| match item.uint()? {
                0 => Ok(Fallback::Stay),
                1 => Ok(Fallback::OnboardAgain),
                _ => Err(SchemaError::Form),
            })?,
            rollback: map.optional(6, Rollback::read)?,
            contact_seconds: map.optional(7, Item::uint)?,
            owner_key_hash: map.optional(8, Item::fixed)?,
        })
    }

    pub(super) fn write(&self) -> Encoded {
        let endpoints = self.update_endpoints.iter().map(|uri| cbor::text(uri));
        let fallback = self.fallback.map(|fallback| match fallback {
            Fallback::Stay => cbor::uint(0_u64),
            Fallback::OnboardAgain => cbor::uint(1_u64),
        });
        let owner_key_hash = self.owner_key_hash.as_ref();
        cbor::map()
            .with(1, self.operator.write())
            .with(2, self.pin.write())
            .with(3, endpoints.collect())
            .with_some(4, read::some_list(&self.vault_keys, write_vault_key))
            .with_some(5, fallback)
            .with_some(6, self.rollback.map(Rollback::write))
            .with_some(7, self.contact_seconds.map(cbor::uint))
            .with_some(8, owner_key_hash.map(|hash| cbor::bytes(hash)))
            .build()
    }
}

impl OperatorName {
    fn read(item: Item<'_>) -> Result<Self, SchemaError> {
        let map = item.map(&[1, 2, 3])?;
        Ok(Self {
            id: map.required(1, |item| read::identifier(item, OperatorId::parse))?,
            name: map.required(2, read::text)?,
            logo_hash: map.optional(3, Item::fixed)?,
        })
    }

    fn write(&self) -> Encoded {
        let logo_hash = self.logo_hash.as_ref();
        cbor::map()
            .with(1, cbor::text(self.id.as_str()))
            .with(2, cbor::text(&self.name))
            .with_some(3, logo_hash.map(|hash| cbor::bytes(hash)))
            .build()
    }
}

impl Pin {
    fn read(item: Item<'_>) -> Result<Self, SchemaError> {
        let map = item.map(&[1, 2])?;
        Ok(Self {
            root: map.required(1, |item| item.fixed().map(KeyId::new))?,
            least_keyset_version: map.required(2, Item::uint)?,
        })
    }

    fn write(self) -> Encoded {
        cbor::map()
            .with(1, cbor::bytes(self.root.as_bytes()))
            .with(2, cbor::uint(self.least_keyset_version))
            .build()
    }
}

impl Rollback {
    fn read(item: Item<'_>) -> Result<Self, SchemaError> {
        let map = item.map(&[1, 2])?;
        Ok(Self {
            tries: map.optional(1, Item::uint)?,
            seconds: map.optional(2, Item::uint)?,
        })
    }

    fn write(self) -> Encoded {
        cbor::map()
            .with_some(1, self.tries.map(cbor::uint))
            .with_some(2, self.seconds.map(cbor::uint))
            .build()
    }
}

fn read_vault_key(item: Item<'_>) -> Result<RecipientKey, SchemaError> {
    let map = item.map(&[1, 2])?;
    let kem = map.required(1, Kem::read)?;
    let public = map.required(2, read::octets)?;
    if public.len() != kem.public_key_len() {
        return Err(SchemaError::Incorrect(2));
    }
    Ok(RecipientKey { kem, public })
}

fn write_vault_key(key: &RecipientKey) -> Encoded {
    cbor::map()
        .with(1, cbor::uint(key.kem.number()))
        .with(2, cbor::bytes(&key.public))
        .build()
}

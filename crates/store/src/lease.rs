//! Leases: at most one holder at a time, and a token by which a late holder is recognised.

use std::time::{Duration, Instant};

use prost::Message;

use crate::audit::Known;
use crate::backend::Names;
use crate::error::Error;
use crate::key::{Kind, Tag};
use crate::record::Record;
use crate::store::{MAX_ROWS, Store};
use crate::transaction::{Class, Transaction};
use crate::value::Version;

/// A lease in the store.
#[derive(Clone, PartialEq, Message)]
struct Held {}

impl Record for Held {
    const KIND: Kind = Kind::new("lease");
    const SCHEMA: u16 = 1;
}

pub(crate) const KNOWN: Known = Known::of::<Held>();

/// The right to do something alone, for a time.
///
/// A holder that was stopped for a while may believe in a lease that ended. Therefore what it writes in the
/// same tag is [guarded](Self::guard), and whoever else it calls compares [tokens](Self::token).
#[derive(Clone, Debug)]
pub struct Lease {
    tag: Tag,
    name: String,
    token: Version,
    version: Version,
    lifetime: Duration,
    until: Instant,
}

impl Lease {
    /// The tag it was taken in.
    #[must_use]
    pub const fn tag(&self) -> &Tag {
        &self.tag
    }

    /// A number larger than that of every earlier holder.
    #[must_use]
    pub const fn token(&self) -> Version {
        self.token
    }

    /// How long it surely lasts.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Lets a transaction in the same tag take place only while this lease is held.
    pub fn guard(&self, transaction: &mut Transaction) {
        match Held::KIND.named(&self.name) {
            Ok(field) => transaction.require_version(field, Some(self.version)),
            // The name was accepted when the lease was taken.
            Err(_) => transaction,
        };
    }

    /// Gives the lease up together with the other changes of a transaction in the same tag, which takes place
    /// only while this lease is held.
    pub fn release_with(&self, transaction: &mut Transaction) {
        transaction
            .delete_named::<Held>(&self.name)
            .if_version(self.version);
    }
}

impl Store {
    /// Takes a lease if nobody has it. It ends after `lifetime` unless it is renewed.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub async fn take_lease(
        &self,
        tag: &Tag,
        name: &str,
        lifetime: Duration,
    ) -> Result<Option<Lease>, Error> {
        let until = Instant::now() + lifetime;
        let mut transaction = self.transaction(tag, Class::Ephemeral);
        transaction
            .put_named(name, &Held {})
            .if_absent()
            .expires_in(lifetime);
        match self.commit(transaction).await {
            Ok(committed) => Ok(Some(Lease {
                tag: tag.clone(),
                name: name.to_owned(),
                token: committed.version,
                version: committed.version,
                lifetime,
                until,
            })),
            Err(error) if error.is_conflict() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Lets a lease last its lifetime from now; answers whether it was still held.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub async fn renew_lease(&self, lease: &mut Lease) -> Result<bool, Error> {
        let until = Instant::now() + lease.lifetime;
        let mut transaction = self.transaction(&lease.tag, Class::Ephemeral);
        transaction
            .put_named(&lease.name, &Held {})
            .if_version(lease.version)
            .expires_in(lease.lifetime);
        match self.commit(transaction).await {
            Ok(committed) => {
                lease.version = committed.version;
                lease.until = until;
                Ok(true)
            }
            Err(error) if error.is_conflict() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Names of the leases that are held in a tag.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn leases(&self, tag: &Tag) -> Result<Vec<String>, Error> {
        let held = self.list::<Held>(tag, &Names::all(), MAX_ROWS).await?;
        Ok(held.into_iter().map(|(name, _)| name).collect())
    }

    /// Gives a lease up, if it is still held.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub async fn release_lease(&self, lease: Lease) -> Result<(), Error> {
        let mut transaction = self.transaction(&lease.tag, Class::Ephemeral);
        lease.release_with(&mut transaction);
        match self.commit(transaction).await {
            Err(error) if !error.is_conflict() => Err(error),
            _ => Ok(()),
        }
    }
}

//! Unique claims: a device, SUPI, GPSI or UE Service ID has at most one holder, though the holder's record lies
//! under another tag.
//!
//! The claimed thing is a tag of its own. It is reserved for a holder, then the holder's record is written, then
//! the claim is confirmed. Readers rely on a record only together with its confirmed claim. What was reserved
//! and never confirmed is found by [`Store::scrub_claims`].

use std::time::Duration;

use cause::Cause;
use prost::Message;

use crate::audit::Known;
use crate::backend::Shape;
use crate::error::Error;
use crate::key::{Kind, Tag};
use crate::record::{Record, Stored};
use crate::store::Store;
use crate::transaction::Class;
use crate::update::Update;

/// A claim in the store.
#[derive(Clone, PartialEq, Message)]
struct Row {
    #[prost(string, tag = "1")]
    holder: String,
    #[prost(bool, tag = "2")]
    confirmed: bool,
    #[prost(uint64, tag = "3")]
    reserved_ms: u64,
}

impl Record for Row {
    const KIND: Kind = Kind::new("claim");
    const SCHEMA: u16 = 1;
}

pub(crate) const KNOWN: Known = Known::of::<Row>();

/// How long a stored claim waits for its confirmation; `None` if it has it.
pub(crate) fn unconfirmed_for(octets: &[u8], now_ms: u64) -> Option<Duration> {
    let row = Row::decode(octets).ok().filter(|row| !row.confirmed)?;
    Some(Duration::from_millis(
        now_ms.saturating_sub(row.reserved_ms),
    ))
}

/// Who holds a claimed thing.
#[derive(Clone, PartialEq, Eq)]
pub struct Claim {
    /// The holder, as given to [`Store::reserve`].
    pub holder: String,
    /// Whether the holder's record is known to be written.
    pub confirmed: bool,
}

impl std::fmt::Debug for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Claim(confirmed: {})", self.confirmed)
    }
}

/// A claim could not be taken or confirmed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// Another holder has it.
    #[error("it is held by another")]
    Held {
        /// Whether that holder's claim is confirmed; if not, it may soon be free.
        confirmed: bool,
    },
    /// The reservation is gone: the record must not be relied on.
    #[error("it is not reserved for this holder any more")]
    Lost,
    /// The store failed.
    #[error("the claim could not be stored")]
    Store(#[from] Error),
}

impl ClaimError {
    /// The cause to answer a peer with.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Held { .. } => Cause::AlreadyExists,
            Self::Lost => Cause::Conflict,
            Self::Store(error) => error.cause(),
        }
    }
}

/// What is to become of a claim that was reserved and never confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The holder's record relies on it.
    Confirm,
    /// There is no record.
    Free,
    /// It is not for the asked to say.
    Leave,
}

/// What a scrub did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// Claims that were confirmed because the holder's record is there.
    pub confirmed: usize,
    /// Reservations that were freed because there is no record.
    pub freed: usize,
}

impl Store {
    /// Reserves a thing for a holder, or finds it reserved or confirmed for that holder already.
    ///
    /// The holder's name must be unique to the attempt (an association's or order's id): two attempts under
    /// one name both succeed.
    ///
    /// # Errors
    /// [`ClaimError::Held`]; as [`update`](Self::update).
    pub async fn reserve(&self, claimed: &Tag, holder: &str) -> Result<(), ClaimError> {
        let reserved_ms = self.unix_ms();
        self.update::<Row, ClaimError>(claimed, Class::Record, |read| match read {
            None => Ok(Update::Put(Row {
                holder: holder.to_owned(),
                confirmed: false,
                reserved_ms,
            })),
            Some(held) if held.record.holder == holder => Ok(Update::Keep),
            Some(held) => Err(ClaimError::Held {
                confirmed: held.record.confirmed,
            }),
        })
        .await?;
        Ok(())
    }

    /// Confirms a claim after the holder's record was written. May be repeated.
    ///
    /// # Errors
    /// [`ClaimError::Lost`] if the reservation was freed or is another's; as [`update`](Self::update).
    pub async fn confirm(&self, claimed: &Tag, holder: &str) -> Result<(), ClaimError> {
        self.update::<Row, ClaimError>(claimed, Class::Record, |read| match read {
            Some(held) if held.record.holder == holder => Ok(if held.record.confirmed {
                Update::Keep
            } else {
                Update::Put(Row {
                    confirmed: true,
                    ..held.record.clone()
                })
            }),
            _ => Err(ClaimError::Lost),
        })
        .await?;
        Ok(())
    }

    /// Frees a thing if this holder has it, reserved or confirmed. May be repeated.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub async fn release(&self, claimed: &Tag, holder: &str) -> Result<(), Error> {
        self.update::<Row, Error>(claimed, Class::Record, |read| {
            Ok(match read {
                Some(held) if held.record.holder == holder => Update::Delete,
                _ => Update::Keep,
            })
        })
        .await?;
        Ok(())
    }

    /// Who holds a thing.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn claim(&self, claimed: &Tag) -> Result<Option<Claim>, Error> {
        let read = self.read::<Row>(claimed).await?;
        Ok(read.map(|held| Claim {
            holder: held.record.holder,
            confirmed: held.record.confirmed,
        }))
    }

    /// Whether this holder's claim is confirmed: the half of the answer that its record cannot give.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn holds(&self, claimed: &Tag, holder: &str) -> Result<bool, Error> {
        let claim = self.claim(claimed).await?;
        Ok(claim.is_some_and(|claim| claim.confirmed && claim.holder == holder))
    }

    /// Walks all claims and settles those that were reserved at least `older_than` ago and never confirmed, as
    /// `decide` says for claim and holder.
    ///
    /// A holder that is only slow then fails to confirm, and must not rely on its record.
    ///
    /// # Errors
    /// What `decide` answers; as [`tags`](Self::tags) and [`update`](Self::update).
    pub async fn scrub_claims<F, Asked>(
        &self,
        older_than: Duration,
        mut decide: F,
    ) -> Result<Scrubbed, Error>
    where
        F: FnMut(Tag, String) -> Asked,
        Asked: Future<Output = Result<Settlement, Error>>,
    {
        let older_than = u64::try_from(older_than.as_millis()).unwrap_or(u64::MAX);
        let mut scrubbed = Scrubbed::default();
        let mut from = None;
        loop {
            let page = self.tags(Row::KIND, Shape::Single, from.as_ref()).await?;
            for claimed in page.tags {
                let Some(held) = self.read::<Row>(&claimed).await? else {
                    continue;
                };
                let age = self.unix_ms().saturating_sub(held.record.reserved_ms);
                if held.record.confirmed || age < older_than {
                    continue;
                }
                let is_recorded = match decide(claimed.clone(), held.record.holder.clone()).await? {
                    Settlement::Confirm => true,
                    Settlement::Free => false,
                    Settlement::Leave => continue,
                };
                let is_done = self.settle_claim(&claimed, held, is_recorded).await?;
                match (is_done, is_recorded) {
                    (true, true) => scrubbed.confirmed += 1,
                    (true, false) => scrubbed.freed += 1,
                    (false, _) => {}
                }
            }
            from = page.next;
            if from.is_none() {
                return Ok(scrubbed);
            }
        }
    }

    /// Confirms or frees a claim if it is still as it was read.
    async fn settle_claim(
        &self,
        claimed: &Tag,
        held: Stored<Row>,
        recorded: bool,
    ) -> Result<bool, Error> {
        let mut transaction = self.transaction(claimed, Class::Record);
        if recorded {
            let confirmed = Row {
                confirmed: true,
                ..held.record
            };
            transaction.put(&confirmed).if_version(held.version);
        } else {
            transaction.delete::<Row>().if_version(held.version);
        }
        match self.commit(transaction).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_conflict() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

//! Read, decide, write if nothing changed meanwhile; again if something did.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::Error;
use crate::key::Tag;
use crate::record::{Record, Stored};
use crate::store::Store;
use crate::transaction::{Class, Committed, Transaction};

/// How long conflicts are retried before the last one is reported.
pub const RETRY_FOR: Duration = Duration::from_secs(3);

/// What [`Store::update`] does with a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update<R> {
    /// Writes it.
    Put(R),
    /// Writes it with a lifetime.
    PutFor(R, Duration),
    /// Deletes what is there.
    Delete,
    /// Leaves everything as it is; nothing is written. With class record, what was read is as safe as a write of that
    /// class before it is answered: an earlier attempt may have written it without hearing whether it lasts.
    Keep,
}

impl Store {
    /// Changes the one record of its kind in a tag: `decide` sees what is there and says what becomes of it.
    ///
    /// When somebody else was faster, it is asked again, for at most [`RETRY_FOR`]. Answers what is there
    /// afterwards.
    ///
    /// # Errors
    /// What `decide` answers; [`Error::Conflict`] if others were faster all the time; as
    /// [`read`](Self::read), [`commit`](Self::commit) and [`settle`](Self::settle).
    pub async fn update<R, E>(
        &self,
        tag: &Tag,
        class: Class,
        mut decide: impl FnMut(Option<&Stored<R>>) -> Result<Update<R>, E>,
    ) -> Result<Option<Stored<R>>, E>
    where
        R: Record,
        E: From<Error>,
    {
        let mut backoff = Backoff::start();
        loop {
            let read = self.read::<R>(tag).await?;
            let mut transaction = self.transaction(tag, class);
            let written = match decide(read.as_ref())? {
                Update::Keep => {
                    if class == Class::Record {
                        self.settle().await?;
                    }
                    return Ok(read);
                }
                Update::Put(record) => {
                    transaction.put(&record).if_unchanged(read.as_ref());
                    Some(record)
                }
                Update::PutFor(record, ttl) => {
                    transaction
                        .put(&record)
                        .if_unchanged(read.as_ref())
                        .expires_in(ttl);
                    Some(record)
                }
                Update::Delete => {
                    transaction.delete::<R>().if_unchanged(read.as_ref());
                    None
                }
            };
            match self.commit(transaction).await {
                Ok(committed) => {
                    return Ok(written.map(|record| Stored {
                        record,
                        version: committed.version,
                        schema: R::SCHEMA,
                    }));
                }
                Err(error) => backoff.after(error).await?,
            }
        }
    }

    /// Builds and commits a transaction; when a condition does not hold, builds it anew from fresh reads, for at
    /// most [`RETRY_FOR`]. Answers what the last building gave beside the transaction.
    ///
    /// # Errors
    /// What `build` answers; [`Error::Conflict`] if others were faster all the time; as
    /// [`commit`](Self::commit).
    pub async fn transact<T, E, F, Building>(&self, mut build: F) -> Result<(T, Committed), E>
    where
        F: FnMut() -> Building,
        Building: Future<Output = Result<(Transaction, T), E>>,
        E: From<Error>,
    {
        let mut backoff = Backoff::start();
        loop {
            let (transaction, answer) = build().await?;
            match self.commit(transaction).await {
                Ok(committed) => return Ok((answer, committed)),
                Err(error) => backoff.after(error).await?,
            }
        }
    }
}

/// Waits between attempts: a random time, longer each time.
pub(crate) struct Backoff {
    until: Instant,
    attempts: u32,
}

impl Backoff {
    pub(crate) fn start() -> Self {
        Self {
            until: Instant::now() + RETRY_FOR,
            attempts: 0,
        }
    }

    /// Waits after a conflict; gives any other error back, and the conflict once the time is up.
    pub(crate) async fn after(&mut self, error: Error) -> Result<(), Error> {
        if !error.is_conflict() || Instant::now() >= self.until {
            return Err(error);
        }
        self.attempts += 1;
        // Up to 0.5, 1, 2 ... 32 ms: many contenders for one record spread out over its write times.
        let most_us = 500_u64 << self.attempts.min(6).saturating_sub(1);
        tokio::time::sleep(Duration::from_micros(random_below(most_us))).await;
        Ok(())
    }
}

/// A number below `end`, good enough to spread attempts.
pub(crate) fn random_below(end: u64) -> u64 {
    let mut octets = [0; 8];
    // Without randomness the attempts only collide more often.
    let _even_so = aws_lc_rs::rand::fill(&mut octets);
    u64::from_ne_bytes(octets) % end.max(1)
}

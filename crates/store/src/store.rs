//! The handle through which one function uses the store.

use std::sync::Arc;
use std::time::Instant;

use tracing::Instrument as _;

use crate::backend::{Backend, Cursor, EntryPage, Freshness, Names, Row, Shape, TagPage};
use crate::clock::Clock;
use crate::error::Error;
use crate::key::{Field, Function, InvalidKey, Kind, Tag};
use crate::observe::{Call, Observation, Observer, Outcome};
use crate::record::{Record, Stored, decode};
use crate::seen::Seen;
use crate::spans::{self, Label};
use crate::transaction::{Class, Committed, Transaction};
use crate::value::{Version, Versioned};
use crate::watch::{Watch, Watched};

/// One function's part of the store. Cheap to clone.
///
/// Reads are confirmed: where replicas exist they fail rather than answer from a server that may have lost its
/// role, as every security decision needs. [`relaxed`](Self::relaxed) gives a handle without that.
#[derive(Clone)]
pub struct Store {
    backend: Arc<dyn Backend>,
    function: Function,
    observer: Arc<dyn Observer>,
    clock: Arc<dyn Clock>,
    freshness: Freshness,
    seen: Arc<Seen>,
    label: Label,
}

/// Most values that one listing gives.
pub const MAX_ROWS: usize = 1000;

impl Store {
    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        function: Function,
        observer: Arc<dyn Observer>,
        clock: Arc<dyn Clock>,
        label: Label,
    ) -> Self {
        Self {
            backend,
            function,
            observer,
            clock,
            freshness: Freshness::Confirmed,
            seen: Arc::default(),
            label,
        }
    }

    /// The same store, read without asking whether the server still leads its replicas. For caches and
    /// displays, never for a security decision.
    #[must_use]
    pub fn relaxed(&self) -> Self {
        Self {
            freshness: Freshness::Any,
            ..self.clone()
        }
    }

    /// The function whose keys these are.
    #[must_use]
    pub const fn function(&self) -> &Function {
        &self.function
    }

    /// Milliseconds since 1970 by the store's clock.
    #[must_use]
    pub fn unix_ms(&self) -> u64 {
        self.clock.unix_ms()
    }

    /// The tag of an entity: the unit of atomicity. The text is any name that is unique in this function, such
    /// as a SUPI or a subscription's id.
    ///
    /// # Errors
    /// [`InvalidKey`] if the text is empty, longer than 320 octets or holds braces or control characters.
    pub fn tag(&self, entity: &str) -> Result<Tag, InvalidKey> {
        Tag::new(&self.function, entity)
    }

    /// Starts a transaction on one tag.
    #[must_use]
    pub fn transaction(&self, tag: &Tag, class: Class) -> Transaction {
        Transaction::new(tag.clone(), class)
    }

    /// Applies a transaction completely or not at all, and returns when it is as safe as its class says.
    ///
    /// # Errors
    /// [`Error::Conflict`] if a condition does not hold, [`Error::OutcomeUnknown`] if it may or may not last;
    /// with any other error nothing was written.
    pub async fn commit(&self, transaction: Transaction) -> Result<Committed, Error> {
        self.own(transaction.tag())?;
        transaction.check()?;
        let call = Call::Commit(transaction.class());
        let keys = self.seen.keys_of(&transaction);
        let committed = self
            .observed(call, self.backend.commit(transaction))
            .await?;
        self.seen.remember(&keys, committed.version);
        Ok(committed)
    }

    /// Reads the one record of its kind in a tag.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::NotConfirmed`], [`Error::NewerSchema`], [`Error::Corrupt`].
    pub async fn read<R: Record>(&self, tag: &Tag) -> Result<Option<Stored<R>>, Error> {
        let found = self.get(tag, R::KIND.into()).await?;
        found.as_ref().map(decode).transpose()
    }

    /// Reads one of many records of its kind.
    ///
    /// # Errors
    /// As [`read`](Self::read), and [`Error::InvalidKey`].
    pub async fn read_named<R: Record>(
        &self,
        tag: &Tag,
        name: &str,
    ) -> Result<Option<Stored<R>>, Error> {
        let found = self.get(tag, R::KIND.named(name)?).await?;
        found.as_ref().map(decode).transpose()
    }

    /// Lists records of a kind in a tag by ascending name, at most `limit` (and at most [`MAX_ROWS`]); the
    /// next page is asked for with [`Names::after`].
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn list<R: Record>(
        &self,
        tag: &Tag,
        names: &Names,
        limit: usize,
    ) -> Result<Vec<(String, Stored<R>)>, Error> {
        self.scan(tag, R::KIND, names, limit)
            .await?
            .into_iter()
            .map(|row| Ok((row.name, decode(&row.versioned)?)))
            .collect()
    }

    /// Reads a counter; one that was never stepped is 0.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn counter(&self, tag: &Tag, field: impl Into<Field>) -> Result<Counter, Error> {
        let field = field.into();
        let kind = field.kind().as_str();
        match self.get(tag, field).await? {
            None => Ok(Counter {
                count: 0,
                version: None,
            }),
            Some(found) => Ok(Counter {
                count: found.value.as_counter().ok_or(Error::Corrupt { kind })?,
                version: Some(found.version),
            }),
        }
    }

    /// Reads one field.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::NotConfirmed`].
    pub async fn get(&self, tag: &Tag, field: Field) -> Result<Option<Versioned>, Error> {
        let mut found = self.get_many(tag, &[field]).await?;
        Ok(found.pop().flatten())
    }

    /// Reads fields of one tag as of one moment; the answer has their order and length.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::NotConfirmed`].
    pub async fn get_many(
        &self,
        tag: &Tag,
        fields: &[Field],
    ) -> Result<Vec<Option<Versioned>>, Error> {
        self.own(tag)?;
        let floors: Vec<_> = fields.iter().map(|f| self.seen.floor(tag, f)).collect();
        let read = self.backend.get_many(tag, fields, self.freshness);
        let found = self.observed(Call::Read, read).await?;
        for (floor, found) in floors.iter().zip(&found) {
            // Absence is not judged: another process may have deleted the value.
            if found
                .as_ref()
                .is_some_and(|found| Some(found.version) < *floor)
            {
                self.observer.observe(Observation::VersionWentBack);
            }
        }
        Ok(found)
    }

    /// Lists named values of a kind in a tag, by ascending name.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::NotConfirmed`].
    pub async fn scan(
        &self,
        tag: &Tag,
        kind: Kind,
        names: &Names,
        limit: usize,
    ) -> Result<Vec<Row>, Error> {
        self.own(tag)?;
        let limit = limit.min(MAX_ROWS);
        let scan = self.backend.scan(tag, kind, names, limit, self.freshness);
        self.observed(Call::Scan, scan).await
    }

    /// Lists tags that hold a kind: for repair and export, because it walks all keys of the function.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn tags(
        &self,
        kind: Kind,
        shape: Shape,
        from: Option<&Cursor>,
    ) -> Result<TagPage, Error> {
        let tags = self.backend.tags(&self.function, kind, shape, from);
        self.observed(Call::Scan, tags).await
    }

    /// Hints at changes of a kind in any tag.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn watch_kind(&self, kind: Kind) -> Result<Watch, Error> {
        let watched = Watched::Kind(self.function.clone(), kind);
        self.backend.watch(watched).await
    }

    /// Hints at changes of anything in a tag.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn watch_tag(&self, tag: &Tag) -> Result<Watch, Error> {
        self.own(tag)?;
        self.backend.watch(Watched::Tag(tag.clone())).await
    }

    /// Returns if a read that a decision relies on would be answered now.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn check(&self) -> Result<(), Error> {
        const NOTHING: Kind = Kind::new("check");
        self.counter(&self.tag("check")?, NOTHING).await.map(drop)
    }

    /// Returns when everything that a read could have seen before is as safe as [`Class::Record`] promises.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::OutcomeUnknown`].
    pub async fn settle(&self) -> Result<(), Error> {
        self.backend.settle(&self.function).await
    }

    pub(crate) async fn entries(&self, from: Option<&Cursor>) -> Result<EntryPage, Error> {
        self.backend.entries(&self.function, from).await
    }

    fn own(&self, tag: &Tag) -> Result<(), Error> {
        if tag.function() == self.function.as_str() {
            Ok(())
        } else {
            Err(Error::InvalidTransaction(
                "the tag belongs to another function",
            ))
        }
    }

    async fn observed<T>(
        &self,
        call: Call,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let started = Instant::now();
        let span = spans::of(call, self.label);
        let result = work.instrument(span.clone()).await;
        let outcome = Outcome::of(&result);
        spans::end(&span, outcome);
        self.observer.observe(Observation::Call {
            call,
            outcome,
            elapsed: started.elapsed(),
        });
        result
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({:?}, {:?})", self.function, self.freshness)
    }
}

/// A counter as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// The count.
    pub count: u64,
    /// Version of its last step; `None` if there was none.
    pub version: Option<Version>,
}

//! The contract between this library and whatever keeps the data.

use async_trait::async_trait;

use crate::error::Error;
use crate::key::{Field, Function, Kind, Tag};
use crate::transaction::{Committed, Transaction};
use crate::value::Versioned;
use crate::watch::{Watch, Watched};

/// How current the answer to a read must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The server has shown within 3 s that its replicas still follow it; for every security decision.
    Confirmed,
    /// Whatever the server holds; for caches and displays.
    Any,
}

/// Which names of a kind a scan gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    pub(crate) prefix: String,
    pub(crate) after: Option<String>,
}

impl Names {
    /// All names.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Names that start with a text.
    #[must_use]
    pub fn starting_with(prefix: impl Into<String>) -> Self {
        Self {
            prefix: prefix.into(),
            after: None,
        }
    }

    /// Of these, only the names behind this one: how the next page is asked for.
    #[must_use]
    pub fn after(mut self, name: impl Into<String>) -> Self {
        self.after = Some(name.into());
        self
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        name.starts_with(&self.prefix) && self.after.as_deref().is_none_or(|after| name > after)
    }
}

/// One value that a scan found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The name within its kind.
    pub name: String,
    /// The value.
    pub versioned: Versioned,
}

/// Whether a kind has one value in a tag or many named ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One value without a name.
    Single,
    /// Any number of values with names.
    Named,
}

/// Some of the tags that hold a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagPage {
    /// The tags, in no particular order; one may come twice.
    pub tags: Vec<Tag>,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
}

/// Where a listing of tags goes on. Opaque.
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor(pub(crate) String);

impl std::fmt::Debug for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cursor(…)")
    }
}

/// One key of a function as it lies in the back end.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    pub(crate) key: String,
    /// `None` if it cannot be read.
    pub(crate) found: Option<Versioned>,
    /// Whether it stands in each index that it belongs to.
    pub(crate) is_listed: bool,
    /// When it was written, where the back end knows.
    pub(crate) written_ms: Option<u64>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entry(…)")
    }
}

/// Some of the keys of a function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryPage {
    pub(crate) entries: Vec<Entry>,
    pub(crate) ended_names: u64,
    pub(crate) next: Option<Cursor>,
}

/// Keeps the data. The library above it ([`Store`](crate::Store)) is the same for all.
///
/// Every back end passes `tests/contract`.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// Reads fields of one tag as of one moment; the answer has their order and length.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::NotConfirmed`].
    async fn get_many(
        &self,
        tag: &Tag,
        fields: &[Field],
        freshness: Freshness,
    ) -> Result<Vec<Option<Versioned>>, Error>;

    /// Applies a transaction completely or not at all, and returns when it is as safe as its class says.
    ///
    /// # Errors
    /// [`Error::Conflict`], [`Error::Unavailable`], [`Error::CounterExhausted`]: nothing was written.
    /// [`Error::OutcomeUnknown`]: it may have been.
    async fn commit(&self, transaction: Transaction) -> Result<Committed, Error>;

    /// Lists named values of a kind in one tag, by ascending name, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::NotConfirmed`].
    async fn scan(
        &self,
        tag: &Tag,
        kind: Kind,
        names: &Names,
        limit: usize,
        freshness: Freshness,
    ) -> Result<Vec<Row>, Error>;

    /// Lists tags of a function that hold a kind. Tags that hold it during the whole listing are all given.
    /// This walks the function's whole key space: for repair and export, not for requests.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    async fn tags(
        &self,
        function: &Function,
        kind: Kind,
        shape: Shape,
        from: Option<&Cursor>,
    ) -> Result<TagPage, Error>;

    /// Gives all keys of a function as they lie there, damaged ones too; one may come twice.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    async fn entries(&self, function: &Function, from: Option<&Cursor>)
    -> Result<EntryPage, Error>;

    /// Hints at changes from now on. Hints may be lost (then there is a gap hint) or come twice; versions are
    /// the truth.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    async fn watch(&self, watched: Watched) -> Result<Watch, Error>;

    /// Returns when everything that a read could have seen before is as safe as [`Class::Record`] promises.
    ///
    /// [`Class::Record`]: crate::Class::Record
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::OutcomeUnknown`].
    async fn settle(&self, function: &Function) -> Result<(), Error>;

    /// Answers whether the back end works, for a readiness probe.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    async fn ping(&self) -> Result<(), Error>;

    /// Ends background work and releases the file or the connections.
    async fn close(&self);
}

//! Transactions: conditions and changes inside one tag, all or nothing.

use std::collections::HashSet;
use std::time::Duration;

use crate::error::Error;
use crate::key::{Field, InvalidKey, Kind, Tag};
use crate::record::{Record, Stored, encode};
use crate::value::{Value, Version};

/// How safe a write is when it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Caches, rate limits, nonces, routes: may be lost in a crash. Every value needs a lifetime.
    Ephemeral,
    /// On the disk of this server. Lost only with the server, or in a failover; loss means "authenticate again".
    Session,
    /// On the disk of this server and received by each configured replica. Needed by whatever takes a right
    /// away, consumes something once or raises a watermark.
    Record,
}

impl Class {
    /// `ephemeral`, `session` or `record`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ephemeral => "ephemeral",
            Self::Session => "session",
            Self::Record => "record",
        }
    }
}

/// What must hold for a field when the transaction is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The field.
    pub field: Field,
    /// `None`: there is no value. `Some`: the value has exactly this version.
    pub version: Option<Version>,
}

/// One change of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Writes a value, with or without a lifetime.
    Put {
        /// The field.
        field: Field,
        /// The new value.
        value: Value,
        /// Lifetime from now; without one the value stays until deleted.
        ttl: Option<Duration>,
    },
    /// Deletes a value, if there is one.
    Delete {
        /// The field.
        field: Field,
    },
    /// Writes a value under a name that sorts after every earlier one of its kind and tag.
    Append {
        /// The kind.
        kind: Kind,
        /// The value.
        value: Value,
        /// Lifetime from now.
        ttl: Option<Duration>,
    },
    /// Adds to a counter, which starts at 0.
    Add {
        /// The field.
        field: Field,
        /// What is added.
        by: u64,
        /// Lifetime, counted from the counter's first step; later steps do not extend it.
        ttl: Option<Duration>,
    },
}

/// Names the result of [`Transaction::add`] in [`Committed`].
#[derive(Clone, Copy, Debug)]
pub struct CounterIndex(usize);

/// Names the result of [`Transaction::append`] in [`Committed`].
#[derive(Clone, Copy, Debug)]
pub struct AppendIndex(usize);

/// A transaction was applied, with the safety of its [`Class`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The version that every value written by the transaction now has.
    pub version: Version,
    pub(crate) counters: Vec<u64>,
}

impl Committed {
    /// The count after this transaction's step.
    #[must_use]
    pub fn counter(&self, index: CounterIndex) -> u64 {
        self.counters.get(index.0).copied().unwrap_or_default()
    }

    /// The name under which a value was appended.
    #[must_use]
    pub fn appended(&self, index: AppendIndex) -> String {
        appended_name(self.version, index.0)
    }
}

/// The name of the n-th value that a transaction appends: sorts by version, then by order of appending.
pub(crate) fn appended_name(version: Version, n: usize) -> String {
    format!("{:016x}{}", version.get(), appended_suffix(n))
}

/// What follows the version in the name of the n-th value that a transaction appends.
pub(crate) fn appended_suffix(n: usize) -> String {
    format!("-{n:03x}")
}

/// Conditions and changes for one tag.
///
/// Made by [`Store::transaction`](crate::Store::transaction), applied by
/// [`Store::commit`](crate::Store::commit). A field may be changed once.
#[derive(Debug)]
pub struct Transaction {
    tag: Tag,
    class: Class,
    conditions: Vec<Condition>,
    operations: Vec<Operation>,
    counters: usize,
    appends: usize,
    invalid_name: Option<InvalidKey>,
}

/// Most changes, and most conditions, in one transaction.
pub const MAX_OPERATIONS: usize = 128;
/// Most octets in one value.
pub const MAX_VALUE_OCTETS: usize = 1 << 20;

impl Transaction {
    pub(crate) const fn new(tag: Tag, class: Class) -> Self {
        Self {
            tag,
            class,
            conditions: Vec::new(),
            operations: Vec::new(),
            counters: 0,
            appends: 0,
            invalid_name: None,
        }
    }

    /// The tag.
    #[must_use]
    pub const fn tag(&self) -> &Tag {
        &self.tag
    }

    /// How safe it must be before it is acknowledged.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.class
    }

    /// What must hold.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// What is changed.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Writes the one record of its kind in the tag.
    pub fn put<R: Record>(&mut self, record: &R) -> Written<'_> {
        self.put_value(R::KIND.into(), encode(record))
    }

    /// Writes one of many records of its kind. An unusable name is reported when committing.
    pub fn put_named<R: Record>(&mut self, name: &str, record: &R) -> Written<'_> {
        let field = self.named(R::KIND, name);
        self.put_value(field, encode(record))
    }

    /// Writes a value that is no [`Record`].
    pub fn put_value(&mut self, field: Field, value: Value) -> Written<'_> {
        self.operations.push(Operation::Put {
            field: field.clone(),
            value,
            ttl: None,
        });
        Written {
            transaction: self,
            field,
        }
    }

    /// Deletes the one record of its kind in the tag.
    pub fn delete<R: Record>(&mut self) -> Written<'_> {
        self.delete_field(R::KIND.into())
    }

    /// Deletes one of many records of its kind. An unusable name is reported when committing.
    pub fn delete_named<R: Record>(&mut self, name: &str) -> Written<'_> {
        let field = self.named(R::KIND, name);
        self.delete_field(field)
    }

    /// Deletes a field.
    pub fn delete_field(&mut self, field: Field) -> Written<'_> {
        self.operations.push(Operation::Delete {
            field: field.clone(),
        });
        Written {
            transaction: self,
            field,
        }
    }

    /// Demands that a record still is as it was read, or still absent, without changing it.
    pub fn require<R: Record>(&mut self, read: Option<&Stored<R>>) -> &mut Self {
        self.require_version(R::KIND.into(), read.map(|stored| stored.version))
    }

    /// Demands that one of many records still is as it was read, or still absent, without changing it.
    pub fn require_named<R: Record>(&mut self, name: &str, read: Option<&Stored<R>>) -> &mut Self {
        let field = self.named(R::KIND, name);
        self.require_version(field, read.map(|stored| stored.version))
    }

    /// Demands a version of a field (`None`: absent), without changing it.
    pub fn require_version(&mut self, field: Field, version: Option<Version>) -> &mut Self {
        self.conditions.push(Condition { field, version });
        self
    }

    /// Appends a record to the sequence of its kind: a journal, an outbox, a queue.
    ///
    /// [`Committed::appended`] gives the name; names sort in the order of commitment within the tag.
    pub fn append<R: Record>(&mut self, record: &R, ttl: Option<Duration>) -> AppendIndex {
        self.operations.push(Operation::Append {
            kind: R::KIND,
            value: encode(record),
            ttl,
        });
        self.appends += 1;
        AppendIndex(self.appends - 1)
    }

    /// Adds to a counter, atomically and without reading it first; [`Committed::counter`] gives the count.
    ///
    /// A counter starts at 0. Its lifetime runs from the first step.
    pub fn add(&mut self, field: impl Into<Field>, by: u64, ttl: Option<Duration>) -> CounterIndex {
        self.operations.push(Operation::Add {
            field: field.into(),
            by,
            ttl,
        });
        self.counters += 1;
        CounterIndex(self.counters - 1)
    }

    /// Sets a counter; with a condition this is how a count jumps.
    pub fn set_counter(&mut self, field: impl Into<Field>, count: u64) -> Written<'_> {
        self.put_value(field.into(), Value::counter(count))
    }

    fn named(&mut self, kind: Kind, name: &str) -> Field {
        kind.named(name).unwrap_or_else(|invalid| {
            self.invalid_name = Some(invalid);
            kind.into()
        })
    }

    /// Checks the rules that hold for every back end.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if let Some(invalid) = self.invalid_name {
            return Err(invalid.into());
        }
        if self.operations.is_empty() {
            return Err(Error::InvalidTransaction("it changes nothing"));
        }
        if self.operations.len() > MAX_OPERATIONS || self.conditions.len() > MAX_OPERATIONS {
            return Err(Error::InvalidTransaction("it has more than 128 operations"));
        }
        let mut changed = HashSet::new();
        for operation in &self.operations {
            let (field, value, ttl) = match operation {
                Operation::Put { field, value, ttl } => (Some(field), Some(value), Some(ttl)),
                Operation::Delete { field } => (Some(field), None, None),
                Operation::Append { value, ttl, .. } => (None, Some(value), Some(ttl)),
                Operation::Add { field, ttl, .. } => (Some(field), None, Some(ttl)),
            };
            if field.is_some_and(|field| !changed.insert(field)) {
                return Err(Error::InvalidTransaction("it changes one field twice"));
            }
            if value.is_some_and(|value| value.octets.len() > MAX_VALUE_OCTETS) {
                return Err(Error::InvalidTransaction("a value exceeds 1 MiB"));
            }
            if self.class == Class::Ephemeral && ttl == Some(&None) {
                return Err(Error::InvalidTransaction(
                    "an ephemeral value has no lifetime",
                ));
            }
            if ttl.copied().flatten().is_some_and(|ttl| ttl > MAX_TTL) {
                return Err(Error::InvalidTransaction("a lifetime exceeds 100 years"));
            }
        }
        Ok(())
    }
}

const MAX_TTL: Duration = Duration::from_secs(100 * 366 * 86_400);

/// A change just added to a transaction, to be given conditions and a lifetime.
#[derive(Debug)]
pub struct Written<'a> {
    transaction: &'a mut Transaction,
    field: Field,
}

impl Written<'_> {
    /// Only if there is no value yet.
    pub fn if_absent(self) -> Self {
        self.transaction.require_version(self.field.clone(), None);
        self
    }

    /// Only if the value still has this version.
    pub fn if_version(self, version: Version) -> Self {
        self.transaction
            .require_version(self.field.clone(), Some(version));
        self
    }

    /// Only if the value is as it was read: the same version, or still absent.
    pub fn if_unchanged<R>(self, read: Option<&Stored<R>>) -> Self {
        self.transaction
            .require_version(self.field.clone(), read.map(|stored| stored.version));
        self
    }

    /// Ends after this time: never earlier, at most one second later. Has no meaning for a deletion.
    pub fn expires_in(self, lifetime: Duration) -> Self {
        if let Some(Operation::Put { ttl, .. }) = self.transaction.operations.last_mut() {
            *ttl = Some(lifetime);
        }
        self
    }
}

//! Looking at everything that a function has stored: can it be read, and does it fit together?

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use prost::encoding::{DecodeContext, decode_key, skip_field};

use crate::backend::Entry;
use crate::error::Error;
use crate::key::{Kind, ParsedKey};
use crate::record::Record;
use crate::store::Store;
use crate::{claim, idempotency, lease, outbox};

/// A kind that a function stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The kind.
    pub kind: Kind,
    /// The newest schema version of it.
    pub schema: u16,
    /// What its values are.
    pub content: Content,
}

/// What the values of a kind are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Protobuf messages.
    Record,
    /// Counts.
    Counter,
}

impl Known {
    /// A kind of records.
    #[must_use]
    pub const fn record(kind: &'static str, schema: u16) -> Self {
        Self {
            kind: Kind::new(kind),
            schema,
            content: Content::Record,
        }
    }

    /// A kind of counters.
    #[must_use]
    pub const fn counter(kind: &'static str) -> Self {
        Self {
            kind: Kind::new(kind),
            schema: crate::value::COUNTER_SCHEMA,
            content: Content::Counter,
        }
    }

    pub(crate) const fn of<R: Record>() -> Self {
        Self {
            kind: R::KIND,
            schema: R::SCHEMA,
            content: Content::Record,
        }
    }
}

/// What can be wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Fault {
    /// The key is none of this library's.
    Misplaced,
    /// This release knows no such kind.
    UnknownKind,
    /// It was written by a newer release.
    NewerSchema,
    /// It cannot be read.
    Damaged,
    /// It is there, but no listing gives it, or no sweep will end it.
    NotListed,
    /// Something was claimed long ago, and the claim was never confirmed.
    ForgottenClaim,
}

impl Fault {
    /// What it means, behind a number of values.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Misplaced => "have keys that are none of a function's",
            Self::UnknownKind => "are of a kind that this release does not know",
            Self::NewerSchema => "are written in a schema that this release does not know",
            Self::Damaged => "cannot be read",
            Self::NotListed => "are missing in the index of names or of lifetimes",
            Self::ForgottenClaim => "are claims older than an hour that were never confirmed",
        }
    }
}

/// Values with the same fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faulty {
    /// How many.
    pub count: u64,
    /// A few of them, as the first and last characters of their tags, so that no identifier is told whole.
    pub examples: Vec<String>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Values by kind.
    pub values: BTreeMap<String, u64>,
    /// What is wrong, by fault and kind.
    pub faults: BTreeMap<(Fault, String), Faulty>,
    /// Names in an index whose value has ended. The next listing takes them out.
    pub ended_names: u64,
    /// Claims that are not confirmed yet.
    pub young_claims: u64,
    /// Age of the oldest message that waits in an outbox, where the back end tells when it was written.
    pub oldest_message: Option<Duration>,
}

impl Audit {
    /// How many values of a kind there are.
    #[must_use]
    pub fn count(&self, kind: &str) -> u64 {
        self.values.get(kind).copied().unwrap_or_default()
    }
}

/// What this library itself stores with every function.
const LIBRARY: [Known; 5] = [
    claim::KNOWN,
    idempotency::KNOWN,
    lease::KNOWN,
    outbox::KNOWN,
    outbox::KNOWN_REFUSED,
];
/// A claim that is not confirmed for so long was missed by every scrub.
const FORGOTTEN: Duration = Duration::from_secs(3600);
/// Examples of one fault.
const EXAMPLES: usize = 3;

impl Store {
    /// Reads every value of this function; `known` are the kinds that it stores, besides those of this library.
    ///
    /// The function may go on meanwhile. This walks all keys of the function: for repair, not for requests.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn audit(&self, known: &[Known]) -> Result<Audit, Error> {
        let mut audit = Audit::default();
        // A server may give a key twice. Their hashes are enough, and no identifiers pile up.
        let (hasher, mut seen) = (RandomState::new(), HashSet::new());
        let mut from = None;
        loop {
            let page = self.entries(from.as_ref()).await?;
            for entry in page.entries {
                if seen.insert(hasher.hash_one(&entry.key)) {
                    audit.add(&entry, known, self.unix_ms());
                }
            }
            audit.ended_names += page.ended_names;
            from = page.next;
            if from.is_none() {
                return Ok(audit);
            }
        }
    }
}

impl Audit {
    fn add(&mut self, entry: &Entry, known: &[Known], now_ms: u64) {
        let Some(key) = ParsedKey::parse(&entry.key) else {
            self.fault(Fault::Misplaced, "key", &entry.key);
            return;
        };
        let (kind, entity) = (key.kind, key.tag.entity());
        *self.values.entry(kind.to_owned()).or_default() += 1;
        let is_kind = |known: &&Known| known.kind.as_str() == kind;
        let Some(known) = LIBRARY.iter().chain(known).find(is_kind) else {
            return self.fault(Fault::UnknownKind, kind, entity);
        };
        let Some(found) = &entry.found else {
            return self.fault(Fault::Damaged, kind, entity);
        };
        if found.value.schema > known.schema {
            return self.fault(Fault::NewerSchema, kind, entity);
        }
        let is_readable = match known.content {
            Content::Counter => found.value.as_counter().is_some(),
            Content::Record => is_message(&found.value.octets),
        };
        if !is_readable {
            return self.fault(Fault::Damaged, kind, entity);
        }
        if !entry.is_listed {
            self.fault(Fault::NotListed, kind, entity);
        }
        if *known == claim::KNOWN {
            match claim::unconfirmed_for(&found.value.octets, now_ms) {
                Some(age) if age > FORGOTTEN => self.fault(Fault::ForgottenClaim, kind, entity),
                Some(_) => self.young_claims += 1,
                None => {}
            }
        }
        if *known == outbox::KNOWN
            && let Some(written_ms) = entry.written_ms
        {
            let age = Duration::from_millis(now_ms.saturating_sub(written_ms));
            self.oldest_message = self.oldest_message.max(Some(age));
        }
    }

    fn fault(&mut self, fault: Fault, kind: &str, entity: &str) {
        let faulty = self.faults.entry((fault, kind.to_owned())).or_default();
        faulty.count += 1;
        if faulty.examples.len() < EXAMPLES {
            faulty.examples.push(shortened(entity));
        }
    }
}

/// Whether these octets are a protobuf message of whatever type.
fn is_message(mut octets: &[u8]) -> bool {
    while !octets.is_empty() {
        let Ok((tag, wire_type)) = decode_key(&mut octets) else {
            return false;
        };
        if skip_field(wire_type, tag, &mut octets, DecodeContext::default()).is_err() {
            return false;
        }
    }
    true
}

/// The first four and the last two characters of what is long enough to keep the rest secret.
fn shortened(text: &str) -> String {
    let all: Vec<char> = text.chars().collect();
    match all.as_slice() {
        [a, b, c, d, middle @ .., y, z] if middle.len() >= 6 => format!("{a}{b}{c}{d}…{y}{z}"),
        _ => "…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_do_not_tell_identifiers() {
        assert_eq!(shortened("imsi-001010000000001"), "imsi…01");
        assert_eq!(shortened("12345678901"), "…");
    }

    #[test]
    fn octets_that_end_within_a_field_are_no_message() {
        assert!(is_message(&[]));
        assert!(is_message(&[0x08, 0x07, 0x12, 0x01, 0xff]));
        assert!(!is_message(&[0x08, 0x07, 0x12, 0x02, 0xff]));
        assert!(!is_message(b"\xff\xff\xff\xff"));
    }
}

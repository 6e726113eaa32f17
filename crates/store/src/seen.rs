//! Remembers which versions this process was told, to notice when the server forgets one.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::key::{Field, Tag};
use crate::transaction::{Class, Operation, Transaction};
use crate::value::Version;

/// A fixed table of the versions that were acknowledged last. A new entry displaces an old one, so a loss may
/// go unnoticed, but none is reported that did not happen.
pub(crate) struct Seen {
    hasher: RandomState,
    slots: Box<[Slot]>,
}

#[derive(Default)]
struct Slot {
    /// Hash of the key and version together, so that a torn update matches nothing.
    check: AtomicU64,
    version: AtomicU64,
}

const SLOTS: usize = 4096;

impl Default for Seen {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            slots: (0..SLOTS).map(|_| Slot::default()).collect(),
        }
    }
}

impl Seen {
    /// Hashes of the keys that a transaction writes without a lifetime. Deleted, ending and ephemeral values may go.
    pub(crate) fn keys_of(&self, transaction: &Transaction) -> Vec<u64> {
        if transaction.class() == Class::Ephemeral {
            return Vec::new();
        }
        transaction
            .operations()
            .iter()
            .filter_map(|operation| match operation {
                Operation::Put {
                    field, ttl: None, ..
                }
                | Operation::Add {
                    field, ttl: None, ..
                } => Some(self.hash(transaction.tag(), field)),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn remember(&self, keys: &[u64], version: Version) {
        for key in keys {
            let Some(slot) = self.slot(*key) else {
                continue;
            };
            slot.version.store(version.get(), Ordering::Release);
            slot.check.store(key ^ version.get(), Ordering::Release);
        }
    }

    /// The version that was acknowledged last for a key, as far as it is remembered. Taken before a read, it is
    /// the least version that the read may find.
    pub(crate) fn floor(&self, tag: &Tag, field: &Field) -> Option<Version> {
        let key = self.hash(tag, field);
        let slot = self.slot(key)?;
        let check = slot.check.load(Ordering::Acquire);
        let version = slot.version.load(Ordering::Acquire);
        (version != 0 && check == key ^ version).then_some(Version::new(version))
    }

    fn slot(&self, key: u64) -> Option<&Slot> {
        self.slots.get((key % SLOTS as u64) as usize)
    }

    fn hash(&self, tag: &Tag, field: &Field) -> u64 {
        self.hasher.hash_one((tag, field))
    }
}

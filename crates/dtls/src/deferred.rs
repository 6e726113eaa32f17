//! Records that came before they can be used.

use alloc::vec::Vec;

use crate::record::{ContentType, Record};

/// Records kept for one handshake.
const MAX_RECORDS: usize = 8;
/// Octets kept for one handshake.
const MAX_OCTETS: usize = 4096;

/// A bounded queue of records that wait for a key or for ChangeCipherSpec.
#[derive(Default)]
pub(crate) struct Deferred {
    records: Vec<OwnedRecord>,
}

/// A record that outlives its datagram.
pub(crate) struct OwnedRecord {
    content_type: ContentType,
    version: u16,
    epoch: u16,
    sequence: u64,
    body: Vec<u8>,
}

impl OwnedRecord {
    pub(crate) fn borrow(&self) -> Record<'_> {
        Record {
            content_type: self.content_type,
            version: self.version,
            epoch: self.epoch,
            sequence: self.sequence,
            body: &self.body,
        }
    }
}

impl Deferred {
    /// Keeps a record, or drops it if there are too many: the peer will send it again.
    pub(crate) fn push(&mut self, record: &Record<'_>) {
        let kept: usize = self.records.iter().map(|record| record.body.len()).sum();
        let is_known = self.records.iter().any(|kept| {
            (
                kept.epoch,
                kept.sequence,
                kept.content_type,
                kept.body.as_slice(),
            ) == (
                record.epoch,
                record.sequence,
                record.content_type,
                record.body,
            )
        });
        if is_known
            || self.records.len() >= MAX_RECORDS
            || kept.saturating_add(record.body.len()) > MAX_OCTETS
        {
            return;
        }
        self.records.push(OwnedRecord {
            content_type: record.content_type,
            version: record.version,
            epoch: record.epoch,
            sequence: record.sequence,
            body: record.body.to_vec(),
        });
    }

    /// Takes all records out, in the order of their arrival.
    pub(crate) fn take(&mut self) -> Vec<OwnedRecord> {
        core::mem::take(&mut self.records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(sequence: u64, body: &[u8]) -> Record<'_> {
        Record {
            content_type: ContentType::Handshake,
            version: crate::record::DTLS_1_2,
            epoch: 1,
            sequence,
            body,
        }
    }

    #[test]
    fn eight_records_are_kept_once_each() {
        let mut deferred = Deferred::default();
        for sequence in 0..10 {
            deferred.push(&record(sequence, b"x"));
            deferred.push(&record(sequence, b"x"));
        }
        assert_eq!(deferred.take().len(), 8);
        assert!(deferred.take().is_empty());
    }

    #[test]
    fn records_beyond_the_octet_limit_are_dropped() {
        let mut deferred = Deferred::default();
        deferred.push(&record(0, &[0; 4000]));
        deferred.push(&record(1, &[0; 100]));
        deferred.push(&record(2, &[0; 96]));
        let kept: Vec<u64> = deferred
            .take()
            .iter()
            .map(|record| record.sequence)
            .collect();
        assert_eq!(kept, [0, 2]);
    }
}

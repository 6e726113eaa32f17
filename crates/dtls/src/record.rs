//! The record layer (RFC 6347 4.1).

use alloc::vec::Vec;

use crate::codec::{Malformed, Reader, put_u48};

/// Octets before a record's body.
pub(crate) const HEADER_LEN: usize = 13;
/// Octets of the longest plaintext of a record (RFC 5246 6.2.1).
pub(crate) const MAX_PLAINTEXT_LEN: usize = 1 << 14;
/// Octets of the longest body of a record (RFC 5246 6.2.3).
const MAX_BODY_LEN: usize = MAX_PLAINTEXT_LEN + 2048;
/// The largest 48-bit sequence number.
pub(crate) const MAX_SEQUENCE: u64 = (1 << 48) - 1;
/// The version octets of DTLS 1.2.
pub(crate) const DTLS_1_2: u16 = 0xfefd;
/// The version octets of DTLS 1.0, which hellos and cookie requests may carry.
pub(crate) const DTLS_1_0: u16 = 0xfeff;

/// What a record carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContentType {
    ChangeCipherSpec,
    Alert,
    Handshake,
    ApplicationData,
}

impl ContentType {
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::ChangeCipherSpec => 20,
            Self::Alert => 21,
            Self::Handshake => 22,
            Self::ApplicationData => 23,
        }
    }

    const fn from_number(number: u8) -> Result<Self, Malformed> {
        Ok(match number {
            20 => Self::ChangeCipherSpec,
            21 => Self::Alert,
            22 => Self::Handshake,
            23 => Self::ApplicationData,
            _ => return Err(Malformed),
        })
    }
}

/// A record as it was received, still protected if its epoch is above 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) content_type: ContentType,
    pub(crate) version: u16,
    pub(crate) epoch: u16,
    pub(crate) sequence: u64,
    pub(crate) body: &'a [u8],
}

impl<'a> Record<'a> {
    /// Takes the next record off a datagram.
    ///
    /// A hello may travel under the version of DTLS 1.0 (some stacks send nothing else before
    /// the version is agreed); a protected record has the agreed version.
    pub(crate) fn parse(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let content_type = ContentType::from_number(reader.u8()?)?;
        let version = reader.u16()?;
        let epoch = reader.u16()?;
        let sequence = reader.u48()?;
        let body = reader.vector16()?;
        if body.len() > MAX_BODY_LEN {
            return Err(Malformed);
        }
        match (epoch, version) {
            (_, DTLS_1_2) | (0, DTLS_1_0) => Ok(Self {
                content_type,
                version,
                epoch,
                sequence,
                body,
            }),
            _ => Err(Malformed),
        }
    }
}

/// Appends a record header; `length` is the length of the body that the caller appends.
pub(crate) fn put_header(
    into: &mut Vec<u8>,
    content_type: ContentType,
    version: u16,
    epoch: u16,
    sequence: u64,
    length: usize,
) {
    into.push(content_type.number());
    into.extend_from_slice(&version.to_be_bytes());
    into.extend_from_slice(&epoch.to_be_bytes());
    put_u48(into, sequence);
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    into.extend_from_slice(&length.to_be_bytes());
}

/// The counter of unprotected records that one side has written in a handshake.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClearWriter {
    next: u64,
}

impl ClearWriter {
    pub(crate) const fn starting_at(sequence: u64) -> Self {
        Self { next: sequence }
    }

    /// Appends a whole unprotected record, or nothing once the counter is used up.
    pub(crate) fn put(&mut self, into: &mut Vec<u8>, content_type: ContentType, body: &[&[u8]]) {
        if self.next > MAX_SEQUENCE {
            return;
        }
        let length = body.iter().map(|part| part.len()).sum();
        put_header(into, content_type, DTLS_1_2, 0, self.next, length);
        for part in body {
            into.extend_from_slice(part);
        }
        self.next = self.next.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Vec<u8> {
        let mut octets = Vec::new();
        ClearWriter::starting_at(7).put(&mut octets, ContentType::Handshake, &[b"ab", b"c"]);
        octets
    }

    #[test]
    fn a_written_record_reads_back() {
        let octets = record();
        let mut reader = Reader::new(&octets);
        let record = Record::parse(&mut reader).unwrap();
        assert!(reader.is_empty());
        assert_eq!(record.content_type, ContentType::Handshake);
        assert_eq!((record.epoch, record.sequence), (0, 7));
        assert_eq!(record.body, b"abc");
    }

    #[test]
    fn every_prefix_of_a_record_is_refused() {
        let octets = record();
        for length in 0..octets.len() {
            assert!(Record::parse(&mut Reader::new(&octets[..length])).is_err());
        }
    }

    #[test]
    fn dtls_1_0_version_is_taken_in_epoch_0_only() {
        let mut octets = record();
        octets[2] = 0xff;
        assert!(Record::parse(&mut Reader::new(&octets)).is_ok());
        octets[4] = 1;
        assert!(Record::parse(&mut Reader::new(&octets)).is_err());
        octets[2] = 0xfd;
        assert!(Record::parse(&mut Reader::new(&octets)).is_ok());
    }

    #[test]
    fn unknown_content_type_is_refused() {
        for number in [0, 19, 24, 25, 255] {
            let mut octets = record();
            octets[0] = number;
            assert!(Record::parse(&mut Reader::new(&octets)).is_err());
        }
    }

    #[test]
    fn a_used_up_counter_writes_nothing() {
        let mut octets = Vec::new();
        let mut writer = ClearWriter::starting_at(MAX_SEQUENCE);
        writer.put(&mut octets, ContentType::Alert, &[&[2, 40]]);
        let once = octets.len();
        writer.put(&mut octets, ContentType::Alert, &[&[2, 40]]);
        assert_eq!(octets.len(), once);
    }
}

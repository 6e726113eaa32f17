//! The head of an item: major type and argument (RFC 8949 clause 3).

use super::error::CborError;
use alloc::vec::Vec;

/// The kinds of items that are used; the discriminant is the CBOR major type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Unsigned = 0,
    Negative = 1,
    Bytes = 2,
    Text = 3,
    Array = 4,
    Map = 5,
    Null = 7,
}

/// A head that was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) kind: Kind,
    pub(super) argument: u64,
    /// Octets that the head takes.
    pub(super) length: usize,
}

impl Head {
    /// Reads the head at the start of `input`.
    pub(super) fn read(input: &[u8]) -> Result<Self, CborError> {
        let (first, rest) = input.split_first().ok_or(CborError::Truncated)?;
        let kind = match first >> 5 {
            0 => Kind::Unsigned,
            1 => Kind::Negative,
            2 => Kind::Bytes,
            3 => Kind::Text,
            4 => Kind::Array,
            5 => Kind::Map,
            7 if *first == NULL => Kind::Null,
            _ => return Err(CborError::UnusedKind),
        };
        if kind == Kind::Null {
            return Ok(Self {
                kind,
                argument: 0,
                length: 1,
            });
        }
        let information = first & 0x1f;
        let (argument, octets, least) = match information {
            0..=23 => (u64::from(information), 0, 0),
            24 => (big_endian::<1>(rest)?, 1, 24),
            25 => (big_endian::<2>(rest)?, 2, 1 << 8),
            26 => (big_endian::<4>(rest)?, 4, 1 << 16),
            27 => (big_endian::<8>(rest)?, 8, 1 << 32),
            31 => return Err(CborError::Indefinite),
            _ => return Err(CborError::UnusedKind),
        };
        if argument < least {
            return Err(CborError::NotShortest);
        }
        Ok(Self {
            kind,
            argument,
            length: 1 + octets,
        })
    }

    /// The argument as a length in memory.
    pub(super) fn size(&self) -> Result<usize, CborError> {
        usize::try_from(self.argument).map_err(|_| CborError::Truncated)
    }
}

/// Appends the shortest head for `argument`.
pub(super) fn write(kind: Kind, argument: u64, output: &mut Vec<u8>) {
    let major = (kind as u8) << 5;
    let octets = argument.to_be_bytes();
    match argument {
        0..24 => output.push(major | octets[7]),
        24..0x100 => {
            output.push(major | 24);
            output.extend_from_slice(&octets[7..]);
        }
        0x100..0x1_0000 => {
            output.push(major | 25);
            output.extend_from_slice(&octets[6..]);
        }
        0x1_0000..0x1_0000_0000 => {
            output.push(major | 26);
            output.extend_from_slice(&octets[4..]);
        }
        _ => {
            output.push(major | 27);
            output.extend_from_slice(&octets);
        }
    }
}

fn big_endian<const N: usize>(input: &[u8]) -> Result<u64, CborError> {
    let octets = input.first_chunk::<N>().ok_or(CborError::Truncated)?;
    Ok(octets
        .iter()
        .fold(0, |value, octet| value << 8 | u64::from(*octet)))
}

/// The octet that is `null`.
pub(super) const NULL: u8 = 0xf6;

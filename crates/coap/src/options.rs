//! Options, as they stand in a datagram and as an owned list.

use alloc::vec::Vec;
use core::fmt;

use crate::{OptionNumber, ParseError};

/// One option of a message, borrowed from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionRef<'a> {
    /// The number of the option.
    pub number: OptionNumber,
    /// Its value, uninterpreted.
    pub value: &'a [u8],
}

/// The options of a received message in their order, read in place.
///
/// Only made by [`Message::parse`](crate::Message::parse), which has checked them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionsRef<'a> {
    rest: &'a [u8],
    number: u16,
}

impl<'a> OptionsRef<'a> {
    /// Reads the options at the start of `bytes`, and returns them with the payload behind them.
    ///
    /// # Errors
    ///
    /// A number above 65535, a reserved nibble, a truncated option, a payload marker without payload.
    pub(crate) fn split(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), ParseError> {
        let mut walk = Self {
            rest: bytes,
            number: 0,
        };
        while walk.step()?.is_some() {}
        let payload = match walk.rest {
            [] => &[],
            [_, payload @ ..] if !payload.is_empty() => payload,
            _ => return Err(ParseError::MarkerWithoutPayload),
        };
        let length = bytes.len().saturating_sub(walk.rest.len());
        let options = Self {
            rest: bytes.get(..length).unwrap_or_default(),
            number: 0,
        };
        Ok((options, payload))
    }

    /// Reads one option; `None` at the end or before the payload marker.
    fn step(&mut self) -> Result<Option<OptionRef<'a>>, ParseError> {
        let Some((&first, mut rest)) = self.rest.split_first() else {
            return Ok(None);
        };
        if first == PAYLOAD_MARKER {
            return Ok(None);
        }
        let delta = extended(first >> 4, &mut rest)?;
        let length = extended(first & 0x0f, &mut rest)?;
        let number = u16::try_from(u32::from(self.number).saturating_add(delta))
            .map_err(|_| ParseError::OptionNumber)?;
        let length = usize::try_from(length).map_err(|_| ParseError::TruncatedOption)?;
        let (value, rest) = rest
            .split_at_checked(length)
            .ok_or(ParseError::TruncatedOption)?;
        self.rest = rest;
        self.number = number;
        Ok(Some(OptionRef {
            number: OptionNumber(number),
            value,
        }))
    }
}

impl<'a> Iterator for OptionsRef<'a> {
    type Item = OptionRef<'a>;

    fn next(&mut self) -> Option<OptionRef<'a>> {
        self.step().ok().flatten()
    }
}

/// Reads the extension of a delta or length nibble (RFC 7252 3.1).
fn extended(nibble: u8, rest: &mut &[u8]) -> Result<u32, ParseError> {
    match nibble {
        13 => {
            let (&byte, tail) = rest.split_first().ok_or(ParseError::TruncatedOption)?;
            *rest = tail;
            Ok(u32::from(byte) + 13)
        }
        14 => {
            let (&bytes, tail) = rest
                .split_first_chunk::<2>()
                .ok_or(ParseError::TruncatedOption)?;
            *rest = tail;
            Ok(u32::from(u16::from_be_bytes(bytes)) + 269)
        }
        15 => Err(ParseError::ReservedNibble),
        small => Ok(u32::from(small)),
    }
}

/// Appends one option; `previous` is the number of the option before it, not above its own.
pub(crate) fn encode_option(out: &mut Vec<u8>, previous: OptionNumber, option: OptionRef<'_>) {
    let delta = option.number.0.saturating_sub(previous.0);
    let (delta_nibble, delta_tail) = nibble(delta);
    // RFC 7252 3.1: the largest length that two octets of extension express
    let value = option
        .value
        .get(..option.value.len().min(65_535))
        .unwrap_or_default();
    let (length_nibble, length_tail) = nibble(u16::try_from(value.len()).unwrap_or(u16::MAX));
    out.push(delta_nibble << 4 | length_nibble);
    out.extend_from_slice(delta_tail.as_slice());
    out.extend_from_slice(length_tail.as_slice());
    out.extend_from_slice(value);
}

/// The extension octets behind the first octet of an option.
struct Tail {
    bytes: [u8; 2],
    start: usize,
}

impl Tail {
    fn as_slice(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }
}

fn nibble(value: u16) -> (u8, Tail) {
    let (nibble, bytes, start) = match value {
        0..=12 => (value.to_be_bytes()[1], [0, 0], 2),
        13..=268 => (13, (value - 13).to_be_bytes(), 1),
        _ => (14, (value - 269).to_be_bytes(), 0),
    };
    (nibble, Tail { bytes, start })
}

/// The octet between options and payload.
pub(crate) const PAYLOAD_MARKER: u8 = 0xff;

/// An owned list of options, kept in the order of their numbers.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Options {
    entries: Vec<(OptionNumber, Vec<u8>)>,
}

impl Options {
    /// An empty list.
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
        }
    }

    /// Adds an option behind those of the same number.
    pub fn push(&mut self, number: OptionNumber, value: &[u8]) {
        let at = self.entries.partition_point(|(other, _)| *other <= number);
        self.entries.insert(at, (number, value.to_vec()));
    }

    /// Adds an option with an unsigned integer in its shortest form (RFC 7252 3.2).
    pub fn push_uint(&mut self, number: OptionNumber, value: u32) {
        let bytes = value.to_be_bytes();
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        self.push(number, bytes.get(zeros..).unwrap_or_default());
    }

    /// Puts an option with an unsigned integer in the place of all options of this number.
    pub fn set_uint(&mut self, number: OptionNumber, value: u32) {
        self.remove(number);
        self.push_uint(number, value);
    }

    /// Removes every option of this number.
    pub fn remove(&mut self, number: OptionNumber) {
        self.entries.retain(|(other, _)| *other != number);
    }

    /// The value of the first option of this number.
    pub fn first(&self, number: OptionNumber) -> Option<&[u8]> {
        self.all(number).next()
    }

    /// The values of all options of this number in their order.
    pub fn all(&self, number: OptionNumber) -> impl Iterator<Item = &[u8]> {
        self.entries
            .iter()
            .filter(move |(other, _)| *other == number)
            .map(|(_, value)| value.as_slice())
    }

    /// The unsigned integer in the first option of this number; `None` if absent or longer than four octets.
    pub fn uint(&self, number: OptionNumber) -> Option<u32> {
        uint_value(self.first(number)?)
    }

    /// The texts of all options of this number; values that are not UTF-8 are passed over.
    pub fn texts(&self, number: OptionNumber) -> impl Iterator<Item = &str> {
        self.all(number)
            .filter_map(|value| core::str::from_utf8(value).ok())
    }

    /// All options in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = OptionRef<'_>> {
        self.entries.iter().map(|(number, value)| OptionRef {
            number: *number,
            value,
        })
    }

    /// Whether there is no option at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<'a> FromIterator<OptionRef<'a>> for Options {
    fn from_iter<I: IntoIterator<Item = OptionRef<'a>>>(options: I) -> Self {
        let mut list = Self::new();
        for option in options {
            list.push(option.number, option.value);
        }
        list
    }
}

/// Prints numbers and lengths only: values may be identifiers.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(
                self.iter()
                    .map(|option| (option.number.0, option.value.len())),
            )
            .finish()
    }
}

/// Reads an unsigned integer of up to four octets; leading zeros are accepted (RFC 7252 3.2).
pub(crate) fn uint_value(value: &[u8]) -> Option<u32> {
    (value.len() <= 4).then(|| {
        value
            .iter()
            .fold(0, |number, byte| number << 8 | u32::from(*byte))
    })
}

//! The encoder: shortest heads, definite lengths, sorted labels.

use super::head::{self, Kind, NULL};
use super::item::Item;
use alloc::vec;
use alloc::vec::Vec;
use zeroize::Zeroize;

/// One encoded item.
///
/// The octets are overwritten when it is dropped, because some items hold keys.
#[derive(Clone)]
pub struct Encoded(Vec<u8>);

impl Encoded {
    /// The octets.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// Hands the octets over; from here on the caller erases them where that matters.
    #[must_use]
    pub fn into_vec(mut self) -> Vec<u8> {
        core::mem::take(&mut self.0)
    }
}

impl Drop for Encoded {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl From<Item<'_>> for Encoded {
    /// Copies an item that was decoded; since its encoding was checked, this is exact.
    fn from(item: Item<'_>) -> Self {
        Self(item.octets().to_vec())
    }
}

/// Encodes an unsigned integer.
#[must_use]
pub fn uint(value: impl Into<u64>) -> Encoded {
    let mut octets = Vec::with_capacity(MAX_HEAD);
    head::write(Kind::Unsigned, value.into(), &mut octets);
    Encoded(octets)
}

/// Encodes an integer of either sign.
#[must_use]
pub fn int(value: i64) -> Encoded {
    let mut octets = Vec::with_capacity(MAX_HEAD);
    write_int(value, &mut octets);
    Encoded(octets)
}

/// Encodes a byte string.
#[must_use]
pub fn bytes(content: &[u8]) -> Encoded {
    string(Kind::Bytes, content)
}

/// Encodes a text string.
#[must_use]
pub fn text(content: &str) -> Encoded {
    string(Kind::Text, content.as_bytes())
}

/// Encodes `null`.
#[must_use]
pub fn null() -> Encoded {
    Encoded(vec![NULL])
}

/// Encodes an array of items.
#[must_use]
pub fn array<const N: usize>(items: [Encoded; N]) -> Encoded {
    items.into_iter().collect()
}

impl FromIterator<Self> for Encoded {
    /// Encodes an array of items.
    fn from_iter<I: IntoIterator<Item = Self>>(items: I) -> Self {
        let items: Vec<Self> = items.into_iter().collect();
        let content: usize = items.iter().map(|item| item.0.len()).sum();
        let mut octets = Vec::with_capacity(MAX_HEAD + content);
        head::write(Kind::Array, items.len() as u64, &mut octets);
        for item in &items {
            octets.extend_from_slice(&item.0);
        }
        Self(octets)
    }
}

/// Begins a map.
#[must_use]
pub const fn map() -> MapBuilder {
    MapBuilder {
        entries: Vec::new(),
    }
}

/// A map under construction; entries may come in any order.
#[derive(Clone)]
pub struct MapBuilder {
    entries: Vec<(Vec<u8>, Encoded)>,
}

impl MapBuilder {
    /// Adds an entry; a label that is there already gets the new value.
    #[must_use]
    pub fn with(mut self, label: i64, value: Encoded) -> Self {
        let mut key = Vec::with_capacity(MAX_HEAD);
        write_int(label, &mut key);
        match self.entries.binary_search_by(|(other, _)| other.cmp(&key)) {
            Ok(place) => {
                if let Some(entry) = self.entries.get_mut(place) {
                    entry.1 = value;
                }
            }
            Err(place) => self.entries.insert(place, (key, value)),
        }
        self
    }

    /// Adds an entry if there is a value.
    #[must_use]
    pub fn with_some(self, label: i64, value: Option<Encoded>) -> Self {
        match value {
            Some(value) => self.with(label, value),
            None => self,
        }
    }

    /// Encodes the map.
    #[must_use]
    pub fn build(self) -> Encoded {
        let content: usize = self
            .entries
            .iter()
            .map(|(label, value)| label.len() + value.0.len())
            .sum();
        let mut octets = Vec::with_capacity(MAX_HEAD + content);
        head::write(Kind::Map, self.entries.len() as u64, &mut octets);
        for (label, value) in &self.entries {
            octets.extend_from_slice(label);
            octets.extend_from_slice(&value.0);
        }
        Encoded(octets)
    }
}

fn string(kind: Kind, content: &[u8]) -> Encoded {
    let mut octets = Vec::with_capacity(MAX_HEAD + content.len());
    head::write(kind, content.len() as u64, &mut octets);
    octets.extend_from_slice(content);
    Encoded(octets)
}

fn write_int(value: i64, output: &mut Vec<u8>) {
    let kind = if value < 0 {
        Kind::Negative
    } else {
        Kind::Unsigned
    };
    // The argument of a negative integer n is -1 - n, which is its complement.
    let argument = if value < 0 { !value } else { value };
    head::write(kind, argument.unsigned_abs(), output);
}

/// Longest head in octets.
const MAX_HEAD: usize = 9;

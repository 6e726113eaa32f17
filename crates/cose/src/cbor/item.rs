//! One item whose encoding has been checked.

use super::decode::{split_item, split_label};
use super::error::{CborError, SchemaError};
use super::head::{Head, Kind};
use super::map::Map;
use alloc::vec::Vec;

/// Octets that are proven to be exactly one item in deterministic encoding.
///
/// Reading it as a type that it is not gives [`SchemaError::Form`].
#[derive(Clone, Copy)]
pub struct Item<'a>(&'a [u8]);

impl<'a> Item<'a> {
    /// Checks that `octets` are one item, to the last octet.
    ///
    /// # Errors
    /// [`CborError`] if the encoder would not have emitted these octets.
    pub fn decode(octets: &'a [u8]) -> Result<Self, CborError> {
        let (item, after) = split_item(octets, 0)?;
        if after.is_empty() {
            Ok(Self(item))
        } else {
            Err(CborError::TrailingOctets)
        }
    }

    /// The octets of the item, as received.
    #[must_use]
    pub const fn octets(self) -> &'a [u8] {
        self.0
    }

    /// An unsigned integer.
    ///
    /// # Errors
    /// [`SchemaError::Form`] for another type.
    pub fn uint(self) -> Result<u64, SchemaError> {
        self.head(Kind::Unsigned).map(|(argument, _)| argument)
    }

    /// An unsigned integer that fits in 16 bits.
    ///
    /// # Errors
    /// [`SchemaError::Form`] for another type or a greater value.
    pub fn uint16(self) -> Result<u16, SchemaError> {
        u16::try_from(self.uint()?).map_err(|_| SchemaError::Form)
    }

    /// An integer of either sign within 64 bits.
    ///
    /// # Errors
    /// [`SchemaError::Form`] for another type or a value out of range.
    pub fn int(self) -> Result<i64, SchemaError> {
        split_label(self.0)
            .map(|(value, _)| value)
            .map_err(|_| SchemaError::Form)
    }

    /// The content of a byte string.
    ///
    /// # Errors
    /// [`SchemaError::Form`] for another type.
    pub fn bytes(self) -> Result<&'a [u8], SchemaError> {
        self.head(Kind::Bytes).map(|(_, content)| content)
    }

    /// The content of a byte string of exactly `N` octets.
    ///
    /// # Errors
    /// [`SchemaError::Form`] for another type or length.
    pub fn fixed<const N: usize>(self) -> Result<[u8; N], SchemaError> {
        self.bytes()?.try_into().map_err(|_| SchemaError::Form)
    }

    /// The content of a text string.
    ///
    /// # Errors
    /// [`SchemaError::Form`] for another type.
    pub fn text(self) -> Result<&'a str, SchemaError> {
        let (_, content) = self.head(Kind::Text)?;
        core::str::from_utf8(content).map_err(|_| SchemaError::Form)
    }

    /// Whether this is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.head(Kind::Null).is_ok()
    }

    /// The members of an array.
    ///
    /// # Errors
    /// [`SchemaError::Form`] for another type.
    pub fn array(self) -> Result<Vec<Self>, SchemaError> {
        let (_, mut rest) = self.head(Kind::Array)?;
        let mut items = Vec::new();
        while !rest.is_empty() {
            let (item, after) = split_item(rest, 0).map_err(|_| SchemaError::Form)?;
            items.push(Self(item));
            rest = after;
        }
        Ok(items)
    }

    /// An array whose number of members lies in `counts`, each read by `read`.
    ///
    /// # Errors
    /// [`SchemaError::Form`] for another type or number; errors of `read`.
    pub fn array_of<T>(
        self,
        counts: core::ops::RangeInclusive<usize>,
        read: impl FnMut(Self) -> Result<T, SchemaError>,
    ) -> Result<Vec<T>, SchemaError> {
        let items = self.array()?;
        if !counts.contains(&items.len()) {
            return Err(SchemaError::Form);
        }
        items.into_iter().map(read).collect()
    }

    /// A map that may carry `labels` and no others.
    ///
    /// # Errors
    /// [`SchemaError::Form`] for another type; [`SchemaError::Unknown`] for another label.
    pub fn map(self, labels: &[i64]) -> Result<Map<'a>, SchemaError> {
        let map = self.open_map()?;
        let unknown = map.labels().find(|label| !labels.contains(label));
        unknown.map_or(Ok(map), |label| Err(SchemaError::Unknown(label)))
    }

    /// A map whose labels are data, not names.
    ///
    /// # Errors
    /// [`SchemaError::Form`] for another type.
    pub fn open_map(self) -> Result<Map<'a>, SchemaError> {
        let (_, mut rest) = self.head(Kind::Map)?;
        let mut entries = Vec::new();
        while !rest.is_empty() {
            let (label, value) = split_label(rest).map_err(|_| SchemaError::Form)?;
            let (item, after) = split_item(value, 0).map_err(|_| SchemaError::Form)?;
            entries.push((label, Self(item)));
            rest = after;
        }
        Ok(Map::new(entries))
    }

    fn head(self, kind: Kind) -> Result<(u64, &'a [u8]), SchemaError> {
        let head = Head::read(self.0).map_err(|_| SchemaError::Form)?;
        if head.kind != kind {
            return Err(SchemaError::Form);
        }
        let content = self.0.get(head.length..).ok_or(SchemaError::Form)?;
        Ok((head.argument, content))
    }
}

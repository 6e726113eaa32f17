//! A map whose encoding has been checked.

use super::error::SchemaError;
use super::item::Item;
use alloc::vec::Vec;

/// The entries of one map, in their order on the wire.
#[derive(Clone)]
pub struct Map<'a> {
    entries: Vec<(i64, Item<'a>)>,
}

impl<'a> Map<'a> {
    pub(super) const fn new(entries: Vec<(i64, Item<'a>)>) -> Self {
        Self { entries }
    }

    /// The item at `label`.
    #[must_use]
    pub fn get(&self, label: i64) -> Option<Item<'a>> {
        self.entries
            .iter()
            .find(|(candidate, _)| *candidate == label)
            .map(|(_, item)| *item)
    }

    /// Reads the item at `label`, which must be there.
    ///
    /// # Errors
    /// [`SchemaError::Missing`] if it is not; errors of `read`, placed at `label`.
    pub fn required<T>(
        &self,
        label: i64,
        read: impl FnOnce(Item<'a>) -> Result<T, SchemaError>,
    ) -> Result<T, SchemaError> {
        self.optional(label, read)?
            .ok_or(SchemaError::Missing(label))
    }

    /// Reads the item at `label`, if it is there.
    ///
    /// # Errors
    /// Errors of `read`, placed at `label`.
    pub fn optional<T>(
        &self,
        label: i64,
        read: impl FnOnce(Item<'a>) -> Result<T, SchemaError>,
    ) -> Result<Option<T>, SchemaError> {
        self.get(label)
            .map(read)
            .transpose()
            .map_err(|error| error.at(label))
    }

    /// The labels, in their order on the wire.
    pub fn labels(&self) -> impl Iterator<Item = i64> {
        self.entries.iter().map(|(label, _)| *label)
    }

    /// Labels and items, in their order on the wire.
    pub fn entries(&self) -> impl Iterator<Item = (i64, Item<'a>)> {
        self.entries.iter().copied()
    }

    /// Number of entries.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

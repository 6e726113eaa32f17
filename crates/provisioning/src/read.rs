//! Reading identifiers and texts out of decoded items.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use cose::cbor::{Encoded, Item, SchemaError};
use identifiers::{DeviceId, OnboardingSession, ParseIdentifierError};

/// Reads a text as an identifier.
pub(crate) fn identifier<T>(
    item: Item<'_>,
    parse: impl FnOnce(&str) -> Result<T, ParseIdentifierError>,
) -> Result<T, SchemaError> {
    parse(item.text()?).map_err(|_| SchemaError::Form)
}

pub(crate) fn device_id(item: Item<'_>) -> Result<DeviceId, SchemaError> {
    identifier(item, DeviceId::parse)
}

pub(crate) fn session(item: Item<'_>) -> Result<OnboardingSession, SchemaError> {
    item.fixed().map(OnboardingSession::new)
}

pub(crate) fn text(item: Item<'_>) -> Result<String, SchemaError> {
    item.text().map(|text| text.to_string())
}

pub(crate) fn octets(item: Item<'_>) -> Result<Vec<u8>, SchemaError> {
    item.bytes().map(<[u8]>::to_vec)
}

/// Reads an array of any length.
pub(crate) fn list<'a, T>(
    item: Item<'a>,
    read: impl FnMut(Item<'a>) -> Result<T, SchemaError>,
) -> Result<Vec<T>, SchemaError> {
    item.array_of(0..=usize::MAX, read)
}

/// Encodes an array, or nothing if it is empty.
pub(crate) fn some_list<T>(items: &[T], encode: impl Fn(&T) -> Encoded) -> Option<Encoded> {
    (!items.is_empty()).then(|| items.iter().map(encode).collect())
}

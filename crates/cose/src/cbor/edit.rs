//! Removing and inserting one label of a map that was received.

use super::encode::{Encoded, MapBuilder, map};
use super::error::{DecodeError, SchemaError};
use super::item::Item;

/// The map in `octets` without `label`; the map as it is if it has no such label.
///
/// The result is exact: since the input is in deterministic encoding, these are the octets that the
/// sender would have made without that label.
///
/// # Errors
/// [`DecodeError`] if the octets are not one map in deterministic encoding.
pub fn without(octets: &[u8], label: i64) -> Result<Encoded, DecodeError> {
    Ok(rebuild(octets, |candidate| candidate != label)?.build())
}

/// The map in `octets` with `label` added.
///
/// # Errors
/// [`DecodeError`] if the octets are not one map in deterministic encoding, or have `label` already.
pub fn with(octets: &[u8], label: i64, value: Encoded) -> Result<Encoded, DecodeError> {
    if Item::decode(octets)?.open_map()?.get(label).is_some() {
        return Err(SchemaError::Incorrect(label).into());
    }
    Ok(rebuild(octets, |_| true)?.with(label, value).build())
}

fn rebuild(octets: &[u8], keep: impl Fn(i64) -> bool) -> Result<MapBuilder, DecodeError> {
    let received = Item::decode(octets)?.open_map()?;
    Ok(received
        .entries()
        .filter(|(label, _)| keep(*label))
        .fold(map(), |builder, (label, item)| {
            builder.with(label, item.into())
        }))
}

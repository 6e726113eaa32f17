//! The walk that proves octets to be one item in deterministic encoding.

use super::MAX_NESTING;
use super::error::CborError;
use super::head::{Head, Kind};

/// Splits the first item off `input`, having checked all of it.
pub(super) fn split_item(input: &[u8], nesting: usize) -> Result<(&[u8], &[u8]), CborError> {
    let head = Head::read(input)?;
    let rest = input.get(head.length..).ok_or(CborError::Truncated)?;
    let after = match head.kind {
        Kind::Unsigned | Kind::Negative | Kind::Null => rest,
        Kind::Bytes => split_string(rest, &head)?.1,
        Kind::Text => {
            let (text, after) = split_string(rest, &head)?;
            core::str::from_utf8(text).map_err(|_| CborError::Utf8)?;
            after
        }
        Kind::Array => walk_array(rest, head.argument, deeper(nesting)?)?,
        Kind::Map => walk_map(rest, head.argument, deeper(nesting)?)?,
    };
    input
        .split_at_checked(input.len() - after.len())
        .ok_or(CborError::Truncated)
}

/// Reads a map label at the start of `input`: its value and the octets after it.
pub(super) fn split_label(input: &[u8]) -> Result<(i64, &[u8]), CborError> {
    let head = Head::read(input)?;
    let magnitude = i64::try_from(head.argument).map_err(|_| CborError::LabelNotInteger)?;
    let label = match head.kind {
        Kind::Unsigned => magnitude,
        Kind::Negative => -1 - magnitude,
        _ => return Err(CborError::LabelNotInteger),
    };
    let rest = input.get(head.length..).ok_or(CborError::Truncated)?;
    Ok((label, rest))
}

fn split_string<'a>(rest: &'a [u8], head: &Head) -> Result<(&'a [u8], &'a [u8]), CborError> {
    rest.split_at_checked(head.size()?)
        .ok_or(CborError::Truncated)
}

fn walk_array(mut rest: &[u8], count: u64, nesting: usize) -> Result<&[u8], CborError> {
    for _ in 0..count {
        rest = split_item(rest, nesting)?.1;
    }
    Ok(rest)
}

fn walk_map(mut rest: &[u8], count: u64, nesting: usize) -> Result<&[u8], CborError> {
    let mut previous: Option<&[u8]> = None;
    for _ in 0..count {
        let (_, value) = split_label(rest)?;
        let label = rest
            .get(..rest.len() - value.len())
            .ok_or(CborError::Truncated)?;
        if previous.is_some_and(|previous| previous >= label) {
            return Err(CborError::LabelOrder);
        }
        previous = Some(label);
        rest = split_item(value, nesting)?.1;
    }
    Ok(rest)
}

const fn deeper(nesting: usize) -> Result<usize, CborError> {
    if nesting >= MAX_NESTING {
        return Err(CborError::Nesting);
    }
    Ok(nesting + 1)
}

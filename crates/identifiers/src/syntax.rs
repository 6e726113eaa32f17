//! Syntax that several identifiers share. ASCII only: nothing is normalised.

use crate::Fault;
use core::ops::RangeInclusive;

/// Longest NAI, in octets. RFC 7542 2.3.
pub(crate) const MAX_NAI: usize = 253;
/// Longest domain name in text form, without the trailing dot. RFC 1035 2.3.4.
pub(crate) const MAX_DOMAIN: usize = 253;
const MAX_LABEL: usize = 63;

/// Decimal digits and nothing else, so many of them.
pub(crate) fn digits(text: &str, count: RangeInclusive<usize>) -> Result<(), Fault> {
    if !text.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(Fault::Character);
    }
    if !count.contains(&text.len()) {
        return Err(Fault::Length);
    }
    Ok(())
}

/// A domain name of at least two labels of letters, digits and inner hyphens, without trailing dot.
/// The last label is not a number, so that no IPv4 address passes.
pub(crate) fn domain(text: &str) -> Result<(), Fault> {
    if !(1..=MAX_DOMAIN).contains(&text.len()) {
        return Err(Fault::Length);
    }
    let mut labels = 0_usize;
    let mut numeric = false;
    for label in text.split('.') {
        if !(1..=MAX_LABEL).contains(&label.len()) {
            return Err(Fault::Length);
        }
        if !label
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
            || label.starts_with('-')
            || label.ends_with('-')
        {
            return Err(Fault::Character);
        }
        numeric = label.bytes().all(|octet| octet.is_ascii_digit());
        labels = labels.saturating_add(1);
    }
    if labels < 2 || numeric {
        return Err(Fault::Form);
    }
    Ok(())
}

/// The user part of an NAI: atoms joined by single dots. RFC 7542 2.2, ASCII part.
pub(crate) fn username(text: &str) -> Result<(), Fault> {
    const SPECIALS: &[u8] = b"!#$%&'*+-/=?^_`{|}~";
    for atom in text.split('.') {
        if atom.is_empty() {
            return Err(Fault::Length);
        }
        if !atom
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || SPECIALS.contains(&octet))
        {
            return Err(Fault::Character);
        }
    }
    Ok(())
}

/// `username@realm`, split. RFC 7542 2.2, ASCII part.
pub(crate) fn nai(text: &str) -> Result<(&str, &str), Fault> {
    let (user, realm) = text.split_once('@').ok_or(Fault::Form)?;
    if text.len() > MAX_NAI {
        return Err(Fault::Length);
    }
    username(user)?;
    domain(realm)?;
    Ok((user, realm))
}

//! The layer-2 address of a device behind a gateway.

use crate::{Fault, ParseIdentifierError, redaction};
use alloc::string::String;
use core::fmt;

/// A layer-2 identifier: 3 octets (PC5), 6 (MAC address) or 8 (EUI-64). TS 24.538 6.3.2.
///
/// Held as lower-case hexadecimal digits without separators.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Layer2Id(String);

impl Layer2Id {
    /// Reads hexadecimal digits of either case, plain or with `:` or `-` between all octets.
    ///
    /// # Errors
    /// [`ParseIdentifierError`] if these are not 3, 6 or 8 octets in one of these notations.
    pub fn parse(text: &str) -> Result<Self, ParseIdentifierError> {
        let digits = match text.as_bytes().get(2) {
            Some(b':') => join(text, ':'),
            Some(b'-') => join(text, '-'),
            _ => Ok(text.into()),
        };
        digits
            .and_then(check)
            .map(Self)
            .map_err(|fault| ParseIdentifierError::new("layer2_id", fault))
    }

    /// The hexadecimal digits: 6, 12 or 16, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn fmt_redacted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        redaction::tail(f, &self.0, 4)
    }
}

redacted!(Layer2Id);

fn join(text: &str, separator: char) -> Result<String, Fault> {
    text.split(separator)
        .map(|octet| {
            if octet.len() == 2 {
                Ok(octet)
            } else {
                Err(Fault::Form)
            }
        })
        .collect()
}

fn check(mut digits: String) -> Result<String, Fault> {
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(Fault::Character);
    }
    if ![6, 12, 16].contains(&digits.len()) {
        return Err(Fault::Length);
    }
    digits.make_ascii_lowercase();
    Ok(digits)
}

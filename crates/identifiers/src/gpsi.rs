//! The public identifier of a subscription.

use crate::{Fault, ParseIdentifierError, redaction, syntax};
use alloc::string::String;
use core::fmt;

/// A generic public subscription identifier. TS 23.003 28.8, TS 29.571 5.3.2.
///
/// `msisdn-<5 to 15 digits>` or `extid-<local identifier>@<domain>`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Gpsi(String);

const MSISDN: &str = "msisdn-";
const EXTERNAL_ID: &str = "extid-";

impl Gpsi {
    /// Reads the text form.
    ///
    /// # Errors
    /// [`ParseIdentifierError`] if the prefix is another one, or what follows is not 5 to 15 digits
    /// or an external identifier in ASCII.
    pub fn parse(text: &str) -> Result<Self, ParseIdentifierError> {
        check(text)
            .map(|()| Self(text.into()))
            .map_err(|fault| ParseIdentifierError::new("gpsi", fault))
    }

    /// The text form, with its prefix.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digits of an MSISDN; `None` for an external identifier.
    #[must_use]
    pub fn msisdn(&self) -> Option<&str> {
        self.0.strip_prefix(MSISDN)
    }

    fn fmt_redacted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(digits) = self.msisdn() {
            let (country, rest) = digits.split_at_checked(2).unwrap_or((digits, ""));
            write!(f, "{MSISDN}{country}")?;
            return redaction::tail(f, rest, 3);
        }
        let (local, domain) = self
            .0
            .strip_prefix(EXTERNAL_ID)
            .and_then(|external| external.split_once('@'))
            .unwrap_or_default();
        f.write_str(EXTERNAL_ID)?;
        redaction::tail(f, local, 3)?;
        write!(f, "@{domain}")
    }
}

redacted!(Gpsi);

fn check(text: &str) -> Result<(), Fault> {
    if let Some(digits) = text.strip_prefix(MSISDN) {
        syntax::digits(digits, 5..=15)
    } else if let Some(external) = text.strip_prefix(EXTERNAL_ID) {
        syntax::nai(external).map(|_| ())
    } else {
        Err(Fault::Form)
    }
}

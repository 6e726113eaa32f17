//! Domain names that enter key derivation.

use crate::{Fault, ParseIdentifierError, syntax};
use alloc::string::String;
use core::fmt;

/// A fully qualified domain name in the one form that both sides derive keys from.
///
/// `Choice:` lower-case ASCII without trailing dot, at least two labels, no IP address. TS 33.535 A.4
/// takes the name as a string and gives no canonical form.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fqdn(String);

impl Fqdn {
    /// Reads a name of at most 253 octets.
    ///
    /// # Errors
    /// [`ParseIdentifierError`] if the text is no such name, upper-case letters included: a name
    /// that was changed silently would give another key.
    pub fn parse(text: &str) -> Result<Self, ParseIdentifierError> {
        check(text)
            .map(|()| Self(text.into()))
            .map_err(|fault| ParseIdentifierError::new("fqdn", fault))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn fmt_redacted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

redacted!(Fqdn);

fn check(text: &str) -> Result<(), Fault> {
    if text.bytes().any(|octet| octet.is_ascii_uppercase()) {
        return Err(Fault::Character);
    }
    syntax::domain(text)
}

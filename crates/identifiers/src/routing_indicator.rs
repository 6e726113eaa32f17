//! The routing indicator of a home network.

use crate::{ParseIdentifierError, syntax};
use alloc::string::String;
use core::fmt;

/// A routing indicator: one to four digits that route to the right AUSF, UDM and AAnF.
/// TS 23.003 2.2B.
///
/// Compared as text: `0` and `0000` are not the same.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoutingIndicator(String);

impl RoutingIndicator {
    /// Reads one to four digits.
    ///
    /// # Errors
    /// [`ParseIdentifierError`] on anything else.
    pub fn parse(text: &str) -> Result<Self, ParseIdentifierError> {
        syntax::digits(text, 1..=4)
            .map(|()| Self(text.into()))
            .map_err(|fault| ParseIdentifierError::new("routing_indicator", fault))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn fmt_redacted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

redacted!(RoutingIndicator);

//! One run of one-way authentication and the limited session that follows.

use crate::{Fault, ParseIdentifierError, redaction};
use alloc::string::String;
use core::fmt;
use data_encoding::BASE64URL_NOPAD;

/// The identifier of an onboarding session: 16 random octets.
///
/// Source: Berth protocol, OWA version 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OnboardingSession([u8; 16]);

impl OnboardingSession {
    /// Holds these octets.
    #[must_use]
    pub const fn new(octets: [u8; 16]) -> Self {
        Self(octets)
    }

    /// Copies a slice.
    ///
    /// # Errors
    /// [`ParseIdentifierError`] if the slice has not 16 octets.
    pub fn try_from_slice(octets: &[u8]) -> Result<Self, ParseIdentifierError> {
        octets
            .try_into()
            .map(Self)
            .map_err(|_| Self::error(Fault::Length))
    }

    /// Reads unpadded base64url: 22 characters.
    ///
    /// # Errors
    /// [`ParseIdentifierError`] if the text is not the unpadded base64url of 16 octets.
    pub fn parse(text: &str) -> Result<Self, ParseIdentifierError> {
        // 22 characters are 16 octets and four bits over; decoding refuses those that are not zero.
        if text.len() != 22 {
            return Err(Self::error(Fault::Length));
        }
        BASE64URL_NOPAD
            .decode(text.as_bytes())
            .map_err(|_| Self::error(Fault::Character))
            .and_then(|octets| Self::try_from_slice(&octets))
    }

    /// The octets.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Unpadded base64url: 22 characters.
    #[must_use]
    pub fn base64url(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }

    const fn error(fault: Fault) -> ParseIdentifierError {
        ParseIdentifierError::new("session", fault)
    }

    fn fmt_redacted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        redaction::tail(f, &self.base64url(), 4)
    }
}

redacted!(OnboardingSession);

//! The identifier of a device.

use crate::{Fault, ParseIdentifierError, redaction};
use alloc::{format, string::String};
use core::fmt;
use data_encoding::BASE32_NOPAD;

/// A device, named by the key of its certificate: `dev_` and 32 lower-case base32 characters.
///
/// Base32 without padding of the first 20 octets of SHA-256 over the DER SubjectPublicKeyInfo, so it
/// stays while the identity key lives. Source: Berth protocol, OWA version 1.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceId(String);

const PREFIX: &str = "dev_";
const CHARACTERS: usize = 32;

impl DeviceId {
    /// The device whose SubjectPublicKeyInfo has this SHA-256.
    #[must_use]
    pub fn from_spki_sha256(spki_sha256: &[u8; 32]) -> Self {
        let [octets @ .., _, _, _, _, _, _, _, _, _, _, _, _] = spki_sha256;
        let characters = BASE32_NOPAD.encode(octets).to_ascii_lowercase();
        Self(format!("{PREFIX}{characters}"))
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// [`ParseIdentifierError`] on another prefix or length, or a character outside `a`–`z` and
    /// `2`–`7`.
    pub fn parse(text: &str) -> Result<Self, ParseIdentifierError> {
        check(text)
            .map(|()| Self(text.into()))
            .map_err(|fault| ParseIdentifierError::new("device_id", fault))
    }

    /// The text form, 36 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn fmt_redacted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        redaction::tail(f, self.0.strip_prefix(PREFIX).unwrap_or_default(), 4)
    }
}

redacted!(DeviceId);

fn check(text: &str) -> Result<(), Fault> {
    let characters = text.strip_prefix(PREFIX).ok_or(Fault::Form)?;
    if !characters
        .bytes()
        .all(|octet| matches!(octet, b'a'..=b'z' | b'2'..=b'7'))
    {
        return Err(Fault::Character);
    }
    if characters.len() != CHARACTERS {
        return Err(Fault::Length);
    }
    Ok(())
}

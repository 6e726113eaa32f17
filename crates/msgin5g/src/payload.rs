//! The payload of a message and its two written forms.

use crate::MAX_PAYLOAD_BYTES;
use crate::elements::Element;
use crate::error::DecodeError;
use crate::values::ValueError;
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use base64ct::{Base64, Encoding};
use core::fmt;

/// What a message carries: up to [`MAX_PAYLOAD_BYTES`] octets. `Debug` prints the length alone.
///
/// `Choice:` octets travel as base64 with padding (RFC 4648 4), text as it is with the element `Payload encoding` set to
/// `text`; no encoding is stated for the element.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    octets: Vec<u8>,
    text: bool,
}

impl Payload {
    /// Takes octets, sent as base64.
    ///
    /// # Errors
    /// Refuses more than [`MAX_PAYLOAD_BYTES`] octets.
    pub fn octets(octets: Vec<u8>) -> Result<Self, ValueError> {
        let fits = octets.len() <= MAX_PAYLOAD_BYTES;
        fits.then_some(Self {
            octets,
            text: false,
        })
        .ok_or(ValueError)
    }

    /// Takes text, sent as it is.
    ///
    /// # Errors
    /// Refuses more than [`MAX_PAYLOAD_BYTES`] octets and control characters other than tab, line feed and carriage
    /// return, so that the body stays in its bounds after escaping.
    pub fn text(text: &str) -> Result<Self, ValueError> {
        let plain = !text
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'));
        (plain && text.len() <= MAX_PAYLOAD_BYTES)
            .then(|| Self {
                octets: text.as_bytes().to_vec(),
                text: true,
            })
            .ok_or(ValueError)
    }

    /// Returns the octets; those of text are UTF-8.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets
    }

    /// Returns the text, if the payload was given as text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        self.text
            .then(|| core::str::from_utf8(&self.octets).ok())
            .flatten()
    }

    pub(crate) fn to_wire(&self) -> String {
        self.as_text()
            .map_or_else(|| Base64::encode_string(&self.octets), ToOwned::to_owned)
    }

    pub(crate) fn from_wire(value: &str, encoding: Option<&str>) -> Result<Self, DecodeError> {
        let encoding = encoding.unwrap_or("base64");
        if encoding.eq_ignore_ascii_case("text") {
            if value.len() > MAX_PAYLOAD_BYTES {
                return Err(DecodeError::PayloadTooLarge);
            }
            return Self::text(value).map_err(|_| DecodeError::Incorrect(Element::Payload));
        }
        if !encoding.eq_ignore_ascii_case("base64") {
            return Err(DecodeError::Incorrect(Element::PayloadEncoding));
        }
        let octets =
            Base64::decode_vec(value).map_err(|_| DecodeError::Incorrect(Element::Payload))?;
        Self::octets(octets).map_err(|_| DecodeError::PayloadTooLarge)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} octets)", self.octets.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn payload_is_base64_unless_it_says_text() {
        let octets = Payload::from_wire("AAEC/w==", None).expect("base64");
        assert_eq!(octets.as_bytes(), [0, 1, 2, 255]);
        assert_eq!(octets.to_wire(), "AAEC/w==");
        let text = Payload::from_wire("21.5 °C", Some("Text")).expect("text");
        assert_eq!(text.as_text(), Some("21.5 °C"));
        for bad in ["AAEC/w", "AAEC_w==", "A A=", "AB=="] {
            assert_eq!(
                Payload::from_wire(bad, None),
                Err(DecodeError::Incorrect(Element::Payload))
            );
        }
        assert_eq!(
            Payload::from_wire("", Some("hex")),
            Err(DecodeError::Incorrect(Element::PayloadEncoding))
        );
    }

    #[test]
    fn payload_ends_at_its_limit() {
        let wire = |n: usize| Base64::encode_string(&alloc::vec![7; n]);
        assert!(Payload::from_wire(&wire(MAX_PAYLOAD_BYTES), None).is_ok());
        assert_eq!(
            Payload::from_wire(&wire(MAX_PAYLOAD_BYTES + 1), None),
            Err(DecodeError::PayloadTooLarge)
        );
        assert_eq!(
            Payload::from_wire(&"x".repeat(MAX_PAYLOAD_BYTES + 1), Some("text")),
            Err(DecodeError::PayloadTooLarge)
        );
    }

    #[test]
    fn payload_does_not_show_in_debug() {
        let payload = Payload::text("secret").expect("text");
        assert_eq!(format!("{payload:?}"), "Payload(6 octets)");
    }
}

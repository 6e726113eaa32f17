//! Frames: which message it is, and its body.

use alloc::vec::Vec;
use core::fmt;
use cose::cbor::{self, DecodeError, Item, SchemaError};
use identifiers::OnboardingSession;

/// A message on its way, `[type, body]`.
///
/// Hashes cover the bodies, never the frames, so a body is kept as it was received.
#[derive(Clone, PartialEq, Eq)]
pub enum Frame<'a> {
    /// 1, from the device.
    Start(&'a [u8]),
    /// 2, from the network.
    Retry(&'a [u8]),
    /// 3, from the network.
    Challenge(&'a [u8]),
    /// 4, from the device: the body and the session that the Challenge named.
    Proof(&'a [u8], OnboardingSession),
    /// 5, from the network.
    Accept(&'a [u8]),
    /// 6, from the network.
    Reject(&'a [u8]),
}

impl<'a> Frame<'a> {
    /// Reads a frame; the body is not looked into.
    ///
    /// # Errors
    /// [`DecodeError`] for other octets or an unknown type.
    pub fn decode(octets: &'a [u8]) -> Result<Self, DecodeError> {
        let members = Item::decode(octets)?.array()?;
        let frame = match members.as_slice() {
            [kind, body] => {
                let body = body.bytes()?;
                match kind.uint()? {
                    1 => Self::Start(body),
                    2 => Self::Retry(body),
                    3 => Self::Challenge(body),
                    5 => Self::Accept(body),
                    6 => Self::Reject(body),
                    _ => return Err(SchemaError::Form.into()),
                }
            }
            [kind, body, session] if kind.uint()? == 4 => {
                Self::Proof(body.bytes()?, OnboardingSession::new(session.fixed()?))
            }
            _ => return Err(SchemaError::Form.into()),
        };
        Ok(frame)
    }

    /// Encodes the frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (kind, body, session) = match self {
            Self::Start(body) => (1_u64, body, None),
            Self::Retry(body) => (2, body, None),
            Self::Challenge(body) => (3, body, None),
            Self::Proof(body, session) => (4, body, Some(session)),
            Self::Accept(body) => (5, body, None),
            Self::Reject(body) => (6, body, None),
        };
        [Some(cbor::uint(kind)), Some(cbor::bytes(body))]
            .into_iter()
            .chain([session.map(|session| cbor::bytes(session.as_bytes()))])
            .flatten()
            .collect::<cbor::Encoded>()
            .into_vec()
    }
}

impl fmt::Debug for Frame<'_> {
    /// Shows type and length; the bodies name devices.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, body) = match self {
            Self::Start(body) => ("Start", body),
            Self::Retry(body) => ("Retry", body),
            Self::Challenge(body) => ("Challenge", body),
            Self::Proof(body, _) => ("Proof", body),
            Self::Accept(body) => ("Accept", body),
            Self::Reject(body) => ("Reject", body),
        };
        write!(formatter, "{name}({} octets)", body.len())
    }
}

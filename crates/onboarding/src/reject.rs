//! Reject: advice that nobody signed.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use cause::Cause;
use core::time::Duration;
use cose::cbor::{self, DecodeError, Item, SchemaError};

/// The network declines.
///
/// Reject is unauthenticated. A device takes it as advice: it may wait and try again, and it changes
/// nothing else, above all not what it demands of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// Number of the cause.
    pub cause: u16,
    /// Seconds after which another attempt makes sense.
    pub retry_after: Option<u32>,
    /// A sentence for a person.
    pub text: Option<String>,
}

impl Reject {
    /// The longest pause that a device takes a Reject's word for.
    pub const MAX_PAUSE: Duration = Duration::from_secs(3600);

    /// A Reject for this cause, without further advice.
    #[must_use]
    pub const fn new(cause: Cause) -> Self {
        Self {
            cause: cause.number(),
            retry_after: None,
            text: None,
        }
    }

    /// The cause, if this version knows it.
    #[must_use]
    pub fn known_cause(&self) -> Option<Cause> {
        Cause::from_number(self.cause)
    }

    /// The pause that is advised, at most [`Self::MAX_PAUSE`].
    #[must_use]
    pub fn pause(&self) -> Option<Duration> {
        self.retry_after
            .map(|seconds| Duration::from_secs(seconds.into()).min(Self::MAX_PAUSE))
    }

    /// Reads the body of a Reject.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let map = Item::decode(octets)?.map(&[CAUSE, RETRY_AFTER, TEXT])?;
        Ok(Self {
            cause: map.required(CAUSE, Item::uint16)?,
            retry_after: map.optional(RETRY_AFTER, |item| {
                u32::try_from(item.uint()?).map_err(|_| SchemaError::Form)
            })?,
            text: map.optional(TEXT, |item| item.text().map(|text| text.to_string()))?,
        })
    }

    /// Encodes the body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        cbor::map()
            .with(CAUSE, cbor::uint(self.cause))
            .with_some(RETRY_AFTER, self.retry_after.map(cbor::uint))
            .with_some(TEXT, self.text.as_deref().map(cbor::text))
            .build()
            .into_vec()
    }
}

const CAUSE: i64 = 1;
const RETRY_AFTER: i64 = 2;
const TEXT: i64 = 3;

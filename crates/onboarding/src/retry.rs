//! Retry: start again, with this cookie.

use crate::start::read_cookie;
use alloc::vec::Vec;
use cose::cbor::{self, DecodeError, Item};

/// Demands the same Start once more with a cookie, before the network keeps any state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// 8 to 64 octets for label 10 of Start.
    pub cookie: Vec<u8>,
}

impl Retry {
    /// Reads the body of a Retry.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let map = Item::decode(octets)?.map(&[COOKIE])?;
        Ok(Self {
            cookie: map.required(COOKIE, read_cookie)?,
        })
    }

    /// Encodes the body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        cbor::map()
            .with(COOKIE, cbor::bytes(&self.cookie))
            .build()
            .into_vec()
    }
}

const COOKIE: i64 = 1;

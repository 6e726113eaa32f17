//! The protocol between device and application function.

use crate::{Fault, ParseIdentifierError};
use core::fmt;
use data_encoding::HEXLOWER;

/// A Ua* security protocol identifier: five octets, the first of which names the organisation.
/// TS 33.220 Annex H, TS 33.535 A.4.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UaStarId([u8; 5]);

impl UaStarId {
    /// HTTP Digest. TS 24.109.
    pub const HTTP_DIGEST: Self = Self([0x01, 0x00, 0x00, 0x00, 0x02]);
    /// TLS 1.3 with a shared key. TS 33.222 5.4.0.2.
    pub const TLS13: Self = Self([0x01, 0x00, 0x00, 0x00, 0x07]);

    /// Holds these octets.
    #[must_use]
    pub const fn new(octets: [u8; 5]) -> Self {
        Self(octets)
    }

    /// TLS 1.2 or DTLS 1.2 with a shared key: `01 00 01` and the two octets of the cipher suite of
    /// the session. TS 33.222 5.3, 5.4.
    #[must_use]
    pub const fn tls12(cipher_suite: [u8; 2]) -> Self {
        let [high, low] = cipher_suite;
        Self([0x01, 0x00, 0x01, high, low])
    }

    /// Copies a slice.
    ///
    /// # Errors
    /// [`ParseIdentifierError`] if the slice has not five octets.
    pub fn try_from_slice(octets: &[u8]) -> Result<Self, ParseIdentifierError> {
        octets
            .try_into()
            .map(Self)
            .map_err(|_| ParseIdentifierError::new("ua_star_id", Fault::Length))
    }

    /// The five octets.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 5] {
        &self.0
    }

    fn fmt_redacted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

redacted!(UaStarId);

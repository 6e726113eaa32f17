//! The cipher suites that the engine speaks.

/// A cipher suite: key exchange, record protection and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CipherSuite {
    /// `TLS_PSK_WITH_AES_128_CCM_8`, the mandatory suite of CoAP with pre-shared keys.
    ///
    /// Source: RFC 6655 4; RFC 7252 9.1.3.1.
    PskAes128Ccm8,
    /// `TLS_PSK_WITH_AES_128_GCM_SHA256`.
    ///
    /// Source: RFC 5487 2.
    PskAes128GcmSha256,
}

impl CipherSuite {
    /// All suites in the server's default order of preference.
    pub const ALL: [Self; 2] = [Self::PskAes128Ccm8, Self::PskAes128GcmSha256];

    /// The two octets that name the suite on the wire.
    #[must_use]
    pub const fn number(self) -> [u8; 2] {
        match self {
            Self::PskAes128Ccm8 => [0xc0, 0xa8],
            Self::PskAes128GcmSha256 => [0x00, 0xa8],
        }
    }

    /// The suite with these two octets, if the engine speaks it.
    #[must_use]
    pub fn from_number(number: [u8; 2]) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.number() == number)
    }

    /// Length of the authentication tag in octets.
    #[must_use]
    pub const fn tag_len(self) -> usize {
        match self {
            Self::PskAes128Ccm8 => 8,
            Self::PskAes128GcmSha256 => 16,
        }
    }

    /// Octets that protection adds to a plaintext, record header included.
    #[must_use]
    pub const fn overhead(self) -> usize {
        crate::record::HEADER_LEN + EXPLICIT_NONCE_LEN + self.tag_len()
    }

    /// How many records one direction may protect before the session has to end.
    ///
    /// Source: RFC 9147 4.5.3, rounded down to a power of two.
    pub(crate) const fn record_limit(self) -> u64 {
        match self {
            Self::PskAes128Ccm8 => 1 << 23,
            Self::PskAes128GcmSha256 => 1 << 24,
        }
    }

    /// How many records may fail to authenticate before the session has to end.
    ///
    /// A tag of eight octets gives a forger better odds, so its session ends earlier.
    /// Source: RFC 9147 4.5.3 and appendix B.
    pub(crate) const fn forgery_limit(self) -> u64 {
        match self {
            Self::PskAes128Ccm8 => 1 << 20,
            Self::PskAes128GcmSha256 => 1 << 36,
        }
    }
}

/// Octets of the nonce that travel with each record (RFC 6655 3, RFC 5288 3).
pub(crate) const EXPLICIT_NONCE_LEN: usize = 8;

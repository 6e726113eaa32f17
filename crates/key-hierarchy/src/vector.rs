//! What an authentication vector shows on the air: RAND and AMF.

/// The random challenge RAND. TS 33.102 6.3.2. Not a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rand([u8; 16]);

impl Rand {
    /// Length in octets.
    pub const LEN: usize = 16;

    /// Takes sixteen octets, which have to come from a cryptographic source of randomness.
    #[must_use]
    pub const fn new(octets: [u8; 16]) -> Self {
        Self(octets)
    }

    /// Takes a slice; `None` unless it has sixteen octets.
    #[must_use]
    pub fn from_slice(octets: &[u8]) -> Option<Self> {
        octets.try_into().ok().map(Self)
    }

    /// The sixteen octets.
    #[must_use]
    pub const fn as_octets(&self) -> &[u8; 16] {
        &self.0
    }
}

/// The authentication management field AMF. TS 33.102 6.3.2, Annex H.
///
/// Its first bit is the separation bit: a vector with the bit set is good for 5G and EPS only, one
/// without it for GERAN and UTRAN only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amf([u8; 2]);

impl Amf {
    /// The separation bit alone, as primary authentication in 5GS uses it.
    pub const SEPARATED: Self = Self([0x80, 0x00]);
    /// AMF* of a resynchronisation token: all zero. TS 33.102 6.3.3.
    pub const RESYNCHRONIZATION: Self = Self([0, 0]);

    /// Takes two octets.
    #[must_use]
    pub const fn new(octets: [u8; 2]) -> Self {
        Self(octets)
    }

    /// The two octets.
    #[must_use]
    pub const fn as_octets(&self) -> &[u8; 2] {
        &self.0
    }

    /// Whether the separation bit is set. TS 33.501 6.1.3.2.0.
    #[must_use]
    pub const fn has_separation_bit(&self) -> bool {
        self.0[0] & 0x80 != 0
    }
}

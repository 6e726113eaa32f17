//! Cipher suites: the key exchange; AES-256-GCM and HKDF-SHA-256 belong to both.

/// A cipher suite that this version can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Suite {
    /// X25519; public keys of 32 octets.
    X25519,
    /// P-256; public keys of 65 octets, `04 || X || Y`.
    P256,
}

impl Suite {
    /// Both suites, in the order in which a network prefers them.
    pub const PREFERENCE: [Self; 2] = [Self::X25519, Self::P256];

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::X25519 => 1,
            Self::P256 => 2,
        }
    }

    /// The suite of this number.
    #[must_use]
    pub const fn from_number(number: u16) -> Option<Self> {
        match number {
            1 => Some(Self::X25519),
            2 => Some(Self::P256),
            _ => None,
        }
    }

    /// Length of a public key in octets.
    #[must_use]
    pub const fn public_key_len(self) -> usize {
        match self {
            Self::X25519 => 32,
            Self::P256 => 65,
        }
    }
}

//! Proof: what the device signs.

use crate::suite::Suite;
use alloc::vec::Vec;
use cose::cbor::{self, DecodeError, Encoded, Item, SchemaError};

/// The payload of the COSE_Sign1 of type `owa-proof`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofPayload {
    /// SHA-256 of Start and Challenge.
    pub transcript_hash: [u8; 32],
    /// Which key packages are sealed to.
    pub recipient: Recipient,
    /// Evidence of the device's state, in a format that manufacturer and operator agreed on.
    pub evidence: Option<Vec<u8>>,
    /// A counter of the device that only grows.
    pub counter: Option<u64>,
}

impl ProofPayload {
    /// Reads a payload.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let map = Item::decode(octets)?.map(&[TRANSCRIPT, RECIPIENT, EVIDENCE, COUNTER])?;
        Ok(Self {
            transcript_hash: map.required(TRANSCRIPT, Item::fixed)?,
            recipient: map.required(RECIPIENT, Recipient::read)?,
            evidence: map.optional(EVIDENCE, |item| item.bytes().map(<[u8]>::to_vec))?,
            counter: map.optional(COUNTER, Item::uint)?,
        })
    }

    /// Encodes the payload.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        cbor::map()
            .with(TRANSCRIPT, cbor::bytes(&self.transcript_hash))
            .with(RECIPIENT, self.recipient.write())
            .with_some(EVIDENCE, self.evidence.as_deref().map(cbor::bytes))
            .with_some(COUNTER, self.counter.map(cbor::uint))
            .build()
            .into_vec()
    }
}

/// Which key of the device packages are sealed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// The identity key itself; its certificate must allow key agreement.
    CertDirect,
    /// A fresh key under the device's signature; the default.
    CertBound(RecipientKey),
}

impl Recipient {
    fn read(item: Item<'_>) -> Result<Self, SchemaError> {
        let map = item.map(&[1, 2, 3])?;
        let kem = map.optional(2, Kem::read)?;
        let public = map.optional(3, Item::bytes)?;
        match (map.required(1, Item::uint)?, kem, public) {
            (0, None, None) => Ok(Self::CertDirect),
            (1, Some(kem), Some(public)) if public.len() == kem.public_key_len() => {
                Ok(Self::CertBound(RecipientKey {
                    kem,
                    public: public.to_vec(),
                }))
            }
            _ => Err(SchemaError::Form),
        }
    }

    fn write(&self) -> Encoded {
        match self {
            Self::CertDirect => cbor::map().with(1, cbor::uint(0_u64)).build(),
            Self::CertBound(key) => cbor::map()
                .with(1, cbor::uint(1_u64))
                .with(2, cbor::uint(key.kem.number()))
                .with(3, cbor::bytes(&key.public))
                .build(),
        }
    }
}

/// A public key that packages can be sealed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientKey {
    /// The key encapsulation mechanism.
    pub kem: Kem,
    /// The raw public key in the form of the mechanism.
    pub public: Vec<u8>,
}

/// Key encapsulation mechanisms (RFC 9180 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kem {
    /// DHKEM(P-256, HKDF-SHA256), 0x0010; public keys of 65 octets.
    P256,
    /// DHKEM(X25519, HKDF-SHA256), 0x0020; public keys of 32 octets.
    X25519,
}

impl Kem {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::P256 => 0x0010,
            Self::X25519 => 0x0020,
        }
    }

    /// The mechanism of this number.
    #[must_use]
    pub const fn from_number(number: u64) -> Option<Self> {
        match number {
            0x0010 => Some(Self::P256),
            0x0020 => Some(Self::X25519),
            _ => None,
        }
    }

    /// Length of a public key in octets.
    #[must_use]
    pub const fn public_key_len(self) -> usize {
        self.suite().public_key_len()
    }

    /// The suite with the same group.
    #[must_use]
    pub const fn suite(self) -> Suite {
        match self {
            Self::P256 => Suite::P256,
            Self::X25519 => Suite::X25519,
        }
    }

    /// The mechanism over the same group as a suite.
    #[must_use]
    pub const fn from_suite(suite: Suite) -> Self {
        match suite {
            Suite::P256 => Self::P256,
            Suite::X25519 => Self::X25519,
        }
    }

    /// Reads the number of a mechanism.
    ///
    /// # Errors
    /// [`SchemaError::Form`] for another item or an unknown mechanism.
    pub fn read(item: Item<'_>) -> Result<Self, SchemaError> {
        Self::from_number(item.uint()?).ok_or(SchemaError::Form)
    }
}

const TRANSCRIPT: i64 = 1;
const RECIPIENT: i64 = 2;
const EVIDENCE: i64 = 3;
const COUNTER: i64 = 4;

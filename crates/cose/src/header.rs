//! The protected header of a signed object.

use crate::cbor::{self, DecodeError, Encoded, Item, SchemaError};
use crate::key::KeyId;
use crate::object_type::ObjectType;
use alloc::vec::Vec;

/// Signature algorithms (RFC 9053 2.1 and 2.2, RFC 8230 clause 2), each bound to one key type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// ECDSA with SHA-256, here with P-256 only.
    Es256,
    /// ECDSA with SHA-384, here with P-384 only.
    Es384,
    /// Ed25519.
    EdDsa,
    /// RSASSA-PSS with SHA-256; named in the format, refused by this version.
    Ps256,
}

impl Algorithm {
    /// The number in the protected header.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Es256 => -7,
            Self::Es384 => -35,
            Self::EdDsa => -8,
            Self::Ps256 => -37,
        }
    }

    /// The algorithm of this number.
    #[must_use]
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            -7 => Some(Self::Es256),
            -35 => Some(Self::Es384),
            -8 => Some(Self::EdDsa),
            -37 => Some(Self::Ps256),
            _ => None,
        }
    }
}

/// The protected header; all of it is under the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Algorithm of the signature.
    pub algorithm: Algorithm,
    /// Id of the signer's key.
    pub kid: KeyId,
    /// Media type of the object.
    pub(crate) media_type: &'a str,
    /// DER certificates of the signer, end entity first, anchor left out; empty if absent.
    pub x5chain: Vec<&'a [u8]>,
    /// The signer's DER SubjectPublicKeyInfo.
    pub spki: Option<&'a [u8]>,
}

impl<'a> Header<'a> {
    pub(crate) fn decode(octets: &'a [u8]) -> Result<Self, DecodeError> {
        let map = Item::decode(octets)?.map(&[ALG, KID, TYP, X5CHAIN, SPKI])?;
        Ok(Self {
            algorithm: map.required(ALG, |item| {
                Algorithm::from_number(item.int()?).ok_or(SchemaError::Form)
            })?,
            kid: map.required(KID, |item| item.fixed().map(KeyId::new))?,
            media_type: map.required(TYP, Item::text)?,
            x5chain: map.optional(X5CHAIN, read_chain)?.unwrap_or_default(),
            spki: map.optional(SPKI, Item::bytes)?,
        })
    }
}

pub(crate) fn encode(
    object_type: ObjectType,
    algorithm: Algorithm,
    kid: &KeyId,
    x5chain: &[&[u8]],
    spki: Option<&[u8]>,
) -> Encoded {
    let chain = match x5chain {
        [] => None,
        [single] => Some(cbor::bytes(single)),
        several => Some(several.iter().copied().map(cbor::bytes).collect()),
    };
    cbor::map()
        .with(ALG, cbor::int(algorithm.number()))
        .with(KID, cbor::bytes(kid.as_bytes()))
        .with(TYP, cbor::text(&object_type.media_type()))
        .with_some(X5CHAIN, chain)
        .with_some(SPKI, spki.map(cbor::bytes))
        .build()
}

/// One certificate stands alone, more stand in an array (RFC 9360 clause 2).
fn read_chain(item: Item<'_>) -> Result<Vec<&[u8]>, SchemaError> {
    match item.bytes() {
        Ok(single) => Ok(alloc::vec![single]),
        Err(_) => item.array_of(2..=MAX_CHAIN, Item::bytes),
    }
}

/// Most certificates in a chain.
pub(crate) const MAX_CHAIN: usize = 4;

const ALG: i64 = 1;
const KID: i64 = 4;
const TYP: i64 = 16;
const X5CHAIN: i64 = 33;
const SPKI: i64 = -70_001;

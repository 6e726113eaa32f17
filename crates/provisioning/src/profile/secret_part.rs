//! The secret part of a profile.

use super::SECRET;
use crate::read;
use cose::cbor::{self, DecodeError, Encoded, Item, SchemaError};
use identifiers::Supi;
use secret::{K, Opc, SecretBytes};

/// The credentials of a subscriber. Nobody but vault and device ever holds them.
#[derive(Clone)]
pub struct SecretPart {
    /// The subscriber.
    pub supi: Supi,
    /// The keys, by algorithm.
    pub keys: AuthenticationKeys,
    /// The authentication management field.
    pub amf: [u8; 2],
    /// The sequence number to start from.
    pub sqn: [u8; 6],
}

/// The long-term key and the operator's value, by the algorithm that uses them.
#[derive(Clone, PartialEq, Eq)]
pub enum AuthenticationKeys {
    /// MILENAGE, TS 35.206.
    Milenage {
        /// The long-term key.
        k: K,
        /// OPc.
        opc: Opc,
    },
    /// TUAK, TS 35.231, with a key of 128 or 256 bits.
    Tuak {
        /// The long-term key, 16 or 32 octets.
        k: SecretBytes,
        /// TOPc, 32 octets.
        topc: SecretBytes,
    },
}

/// Inserts the secret part into a profile that was encoded without it.
///
/// # Errors
/// [`DecodeError`] if the octets are no such profile.
pub fn insert_secret(profile: &[u8], secret: &SecretPart) -> Result<SecretBytes, DecodeError> {
    super::Profile::decode(profile)?;
    let whole = cbor::with(profile, SECRET, secret.write())?;
    Ok(SecretBytes::new(whole.into_vec()))
}

impl SecretPart {
    pub(super) fn read(item: Item<'_>) -> Result<Self, SchemaError> {
        let map = item.map(&[1, 2, 3, 4, 5, 6])?;
        let k = map.required(2, Item::bytes)?;
        let op = map.required(4, Item::bytes)?;
        let keys = match (map.required(3, Item::uint)?, k.len(), op.len()) {
            (MILENAGE, K::LEN, Opc::LEN) => AuthenticationKeys::Milenage {
                k: K::try_from_slice(k).map_err(|_| SchemaError::Form)?,
                opc: Opc::try_from_slice(op).map_err(|_| SchemaError::Form)?,
            },
            (TUAK_128, 16, 32) | (TUAK_256, 32, 32) => AuthenticationKeys::Tuak {
                k: SecretBytes::new(k.to_vec()),
                topc: SecretBytes::new(op.to_vec()),
            },
            _ => return Err(SchemaError::Form),
        };
        Ok(Self {
            supi: map.required(1, |item| read::identifier(item, Supi::parse))?,
            keys,
            amf: map.required(5, Item::fixed)?,
            sqn: map.required(6, Item::fixed)?,
        })
    }

    pub(super) fn write(&self) -> Encoded {
        let (algorithm, k, op) = match &self.keys {
            AuthenticationKeys::Milenage { k, opc } => {
                (MILENAGE, k.expose().as_slice(), opc.expose().as_slice())
            }
            AuthenticationKeys::Tuak { k, topc } if k.len() == 16 => {
                (TUAK_128, k.expose(), topc.expose())
            }
            AuthenticationKeys::Tuak { k, topc } => (TUAK_256, k.expose(), topc.expose()),
        };
        cbor::map()
            .with(1, cbor::text(self.supi.as_text()))
            .with(2, cbor::bytes(k))
            .with(3, cbor::uint(algorithm))
            .with(4, cbor::bytes(op))
            .with(5, cbor::bytes(&self.amf))
            .with(6, cbor::bytes(&self.sqn))
            .build()
    }
}

const MILENAGE: u64 = 1;
const TUAK_128: u64 = 2;
const TUAK_256: u64 = 3;

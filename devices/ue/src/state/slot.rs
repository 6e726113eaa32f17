//! The two places for a credential set.

use aka::SqnArray;
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use super::directory::{Directory, Record};
use super::error::StateError;

/// One of the two places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotName {
    A,
    B,
}

impl SlotName {
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    const fn file(self) -> &'static str {
        match self {
            Self::A => "slot-a.json",
            Self::B => "slot-b.json",
        }
    }
}

/// How far a credential set has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SlotState {
    /// Written and verified; no authentication has succeeded with it.
    Installed,
    /// An authentication has succeeded; the signed commit did not arrive yet.
    Proven,
    /// The network has confirmed that it holds this set durably.
    Active,
}

/// A credential set in its slot.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Slot {
    pub(crate) state: SlotState,
    /// Higher than that of every set before.
    pub(crate) generation: u64,
    /// The profile as it came out of the package: deterministic CBOR, base64. It holds K.
    #[serde(with = "octets")]
    pub(crate) profile: Vec<u8>,
    /// The operator's signed keyset as it was received, base64.
    #[serde(with = "octets")]
    pub(crate) keyset: Vec<u8>,
    /// Highest SEQ accepted, by IND. TS 33.102 C.1.2.
    pub(crate) sqn: Vec<u64>,
    /// What still has to reach the provisioning server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) receipt: Option<PendingReceipt>,
}

/// A receipt that was signed, and the way to deliver it while the limited session lives.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct PendingReceipt {
    /// COSE_Sign1, base64.
    #[serde(with = "octets")]
    pub(crate) receipt: Vec<u8>,
    /// 16 octets, base64.
    #[serde(with = "octets")]
    pub(crate) session: Vec<u8>,
    /// K(pdp-dtls), base64.
    #[serde(with = "octets")]
    pub(crate) pdp_dtls: Vec<u8>,
    /// `host:port` of the relay.
    pub(crate) relay: String,
    /// When the session ends, in seconds since 1970, UTC.
    pub(crate) expires: u64,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.profile.zeroize();
    }
}

impl Drop for PendingReceipt {
    fn drop(&mut self) {
        self.pdp_dtls.zeroize();
    }
}

impl Slot {
    /// Reads what is in a slot.
    pub(crate) fn read(directory: &Directory, name: SlotName) -> Result<Option<Self>, StateError> {
        directory.read_named(name.file())
    }

    /// Writes a slot.
    pub(crate) fn write(&self, directory: &Directory, name: SlotName) -> Result<(), StateError> {
        directory.write_named(name.file(), self)
    }

    /// Empties a slot.
    pub(crate) fn erase(directory: &Directory, name: SlotName) -> Result<(), StateError> {
        directory.remove(name.file())
    }

    /// Both slots that hold something, the newest first.
    pub(crate) fn all(directory: &Directory) -> Result<Vec<(SlotName, Self)>, StateError> {
        let mut slots = Vec::new();
        for name in [SlotName::A, SlotName::B] {
            slots.extend(Self::read(directory, name)?.map(|slot| (name, slot)));
        }
        slots.sort_by_key(|(_, slot)| std::cmp::Reverse(slot.generation));
        Ok(slots)
    }

    /// The SQN array; what the file does not hold counts as never seen.
    pub(crate) fn sqn_array(&self) -> SqnArray {
        let mut array = SqnArray::default();
        for (entry, seq) in array.seq.iter_mut().zip(&self.sqn) {
            *entry = *seq;
        }
        array
    }
}

impl Record for Slot {
    const FILE: &'static str = SlotName::A.file();
    const VERSION: u32 = 1;
}

/// Octets as base64.
pub(super) mod octets {
    use super::{BASE64, Deserialize as _, Zeroizing};
    use serde::{Deserializer, Serializer, de::Error as _};

    pub(in crate::state) fn serialize<S: Serializer>(
        octets: &[u8],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(BASE64.encode(octets)))
    }

    pub(in crate::state) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        BASE64
            .decode(text.as_bytes())
            .map_err(|_| D::Error::custom("not base64"))
    }
}

/// Several octet strings as base64.
pub(super) mod octet_strings {
    use super::{BASE64, Deserialize as _};
    use serde::{Deserializer, Serializer, de::Error as _};

    pub(in crate::state) fn serialize<S: Serializer>(
        strings: &[Vec<u8>],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(strings.iter().map(|octets| BASE64.encode(octets)))
    }

    pub(in crate::state) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Vec<u8>>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts
            .iter()
            .map(|text| BASE64.decode(text.as_bytes()))
            .collect::<Result<_, _>>()
            .map_err(|_| D::Error::custom("not base64"))
    }
}

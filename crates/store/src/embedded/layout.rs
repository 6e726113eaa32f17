//! How rows lie in the file.

use redb::TableDefinition;

use crate::value::{Value, Version, Versioned};

/// Key text → row.
pub(super) const VALUES: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("values");
/// End of lifetime and key text, for the sweep.
pub(super) const EXPIRY: TableDefinition<'static, (u64, &str), ()> = TableDefinition::new("expiry");
/// Numbers about the whole file.
pub(super) const META: TableDefinition<'static, &str, u64> = TableDefinition::new("meta");

/// Key in [`META`] of the layout's version.
pub(super) const META_FORMAT: &str = "format";
/// Key in [`META`] of the last version that was given to a value.
pub(super) const META_VERSION: &str = "version";

/// Version of this layout.
pub(super) const FORMAT: u64 = 1;

/// A row: version, end of lifetime in milliseconds since 1970 (0: none), schema version, octets.
pub(super) struct Row {
    pub(super) versioned: Versioned,
    pub(super) expires_ms: u64,
}

impl Row {
    pub(super) fn encode(&self) -> Vec<u8> {
        let value = &self.versioned.value;
        let mut row = Vec::with_capacity(18 + value.octets.len());
        row.extend_from_slice(&self.versioned.version.get().to_be_bytes());
        row.extend_from_slice(&self.expires_ms.to_be_bytes());
        row.extend_from_slice(&value.schema.to_be_bytes());
        row.extend_from_slice(&value.octets);
        row
    }

    pub(super) fn decode(row: &[u8]) -> Option<Self> {
        let (version, rest) = row.split_first_chunk::<8>()?;
        let (expires, rest) = rest.split_first_chunk::<8>()?;
        let (schema, octets) = rest.split_first_chunk::<2>()?;
        Some(Self {
            versioned: Versioned {
                version: Version::new(u64::from_be_bytes(*version)),
                value: Value {
                    schema: u16::from_be_bytes(*schema),
                    octets: octets.to_vec(),
                },
            },
            expires_ms: u64::from_be_bytes(*expires),
        })
    }

    /// Whether the lifetime lasts at that time.
    pub(super) const fn is_live(&self, now_ms: u64) -> bool {
        self.expires_ms == 0 || now_ms < self.expires_ms
    }
}

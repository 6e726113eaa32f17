//! Values: octets with a schema version and the version of their last change.

/// When a value last changed. Versions of one key only grow, across deletion and restart too; they are
/// comparable for one key and mean nothing between back ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(u64);

impl Version {
    /// Takes the number of a version, as another function or a fencing token carried it.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number, below 2^53 with the Redis back end.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// The octets of a value and the schema version in which they are written.
#[derive(Clone, PartialEq, Eq)]
pub struct Value {
    /// Schema version of the octets; 1 for the first.
    pub schema: u16,
    /// The octets. Key material in them is sealed beforehand, see [`Sealer`](crate::Sealer).
    pub octets: Vec<u8>,
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Value(schema {}, {} octets)",
            self.schema,
            self.octets.len()
        )
    }
}

/// A value as it was read, with the version that a later condition can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// Version of the last change.
    pub version: Version,
    /// The value.
    pub value: Value,
}

/// Schema version of a counter's value: eight octets, most significant first.
pub(crate) const COUNTER_SCHEMA: u16 = 1;
/// The largest count: what the Redis back end can compute exactly.
pub(crate) const COUNTER_MAX: u64 = (1 << 53) - 1;

impl Value {
    pub(crate) fn counter(count: u64) -> Self {
        Self {
            schema: COUNTER_SCHEMA,
            octets: count.to_be_bytes().to_vec(),
        }
    }

    /// The count, if this is a counter.
    pub(crate) fn as_counter(&self) -> Option<u64> {
        if self.schema != COUNTER_SCHEMA {
            return None;
        }
        self.octets
            .as_slice()
            .try_into()
            .ok()
            .map(u64::from_be_bytes)
    }
}

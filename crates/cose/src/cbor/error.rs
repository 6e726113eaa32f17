//! Why some octets are not an acceptable message.

use cause::Cause;

/// The octets are not one item in deterministic encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// The item goes on after the last octet.
    #[error("the item is cut off")]
    Truncated,
    /// Octets follow the item.
    #[error("octets follow the item")]
    TrailingOctets,
    /// An integer or a length stands in more octets than it needs.
    #[error("an integer or length is not in its shortest form")]
    NotShortest,
    /// A string, array or map has an indefinite length.
    #[error("a length is indefinite")]
    Indefinite,
    /// A reserved additional information value, a tag, a float or a simple value other than null.
    #[error("an item of a kind that is not used")]
    UnusedKind,
    /// A map label is not an integer of at most 64 bits with sign.
    #[error("a map label is not an integer")]
    LabelNotInteger,
    /// Map labels are repeated or not in bytewise order of their encoding.
    #[error("map labels are repeated or not sorted")]
    LabelOrder,
    /// A text string is not UTF-8.
    #[error("a text string is not utf-8")]
    Utf8,
    /// Arrays and maps are nested too deeply.
    #[error("arrays and maps are nested too deeply")]
    Nesting,
}

impl CborError {
    /// The cause to answer a peer that sent this.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        Cause::MalformedMessage
    }
}

/// The item is well formed and is not what its definition says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// A required label is absent.
    #[error("label {0} is missing")]
    Missing(i64),
    /// A label that this version does not define.
    #[error("label {0} is not defined")]
    Unknown(i64),
    /// The value of a label has the wrong type, length or range.
    #[error("label {0} has an impossible value")]
    Incorrect(i64),
    /// An item that has no label has the wrong type, length or range.
    #[error("an item has an impossible value")]
    Form,
}

impl SchemaError {
    /// The same error, placed at `label` if it had no place yet.
    #[must_use]
    pub const fn at(self, label: i64) -> Self {
        match self {
            Self::Form => Self::Incorrect(label),
            placed => placed,
        }
    }

    /// The cause to answer a peer that sent this.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Missing(_) => Cause::MandatoryElementMissing,
            Self::Unknown(_) | Self::Incorrect(_) | Self::Form => Cause::MandatoryElementIncorrect,
        }
    }
}

/// Either way of not being an acceptable message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not deterministic CBOR.
    #[error("message is not deterministic cbor")]
    Cbor(#[from] CborError),
    /// Not what the message's definition says.
    #[error("message does not have the defined content")]
    Schema(#[from] SchemaError),
}

impl DecodeError {
    /// The cause to answer a peer that sent this.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Cbor(error) => error.cause(),
            Self::Schema(error) => error.cause(),
        }
    }
}

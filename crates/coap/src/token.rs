//! Tokens and message ids.

use core::fmt;

/// The value that ties a response to its request: zero to eight octets.
///
/// Source: RFC 7252 5.3.1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Token {
    length: u8,
    bytes: [u8; Self::MAX_LEN],
}

impl Token {
    /// The longest token in octets.
    pub const MAX_LEN: usize = 8;
    /// The token of zero octets.
    pub const EMPTY: Self = Self {
        length: 0,
        bytes: [0; Self::MAX_LEN],
    };

    /// Takes a token from its octets; `None` if there are more than eight.
    pub fn new(octets: &[u8]) -> Option<Self> {
        let mut bytes = [0; Self::MAX_LEN];
        bytes.get_mut(..octets.len())?.copy_from_slice(octets);
        let length = u8::try_from(octets.len()).ok()?;
        Some(Self { length, bytes })
    }

    /// A token of the four octets of a number.
    pub(crate) const fn from_number(number: u32) -> Self {
        let [a, b, c, d] = number.to_be_bytes();
        Self {
            length: 4,
            bytes: [a, b, c, d, 0, 0, 0, 0],
        }
    }

    /// The octets of the token.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.length))
            .unwrap_or_default()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(")?;
        for byte in self.as_bytes() {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}

/// The message id, which ties an acknowledgement or reset to its message and reveals duplicates.
///
/// Source: RFC 7252 4.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageId(pub u16);

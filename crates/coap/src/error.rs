//! Errors of the codec.

use cause::Cause;

/// Why a datagram is not a message.
///
/// Everything here is the sender's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Shorter than the fixed header of four octets.
    #[error("datagram is shorter than a header")]
    TooShort,
    /// Another version than 1: the datagram is to be ignored in silence (RFC 7252 3).
    #[error("version is not 1")]
    Version,
    /// A token length of 9 to 15, which is reserved (RFC 7252 3).
    #[error("token length is reserved")]
    TokenLength,
    /// The datagram ends inside the token.
    #[error("datagram ends inside the token")]
    TruncatedToken,
    /// An empty message with token, options or payload (RFC 7252 4.1).
    #[error("empty message has content")]
    EmptyWithContent,
    /// A delta or length nibble of 15 that is not a payload marker (RFC 7252 3.1).
    #[error("option uses the reserved nibble")]
    ReservedNibble,
    /// The datagram ends inside an option.
    #[error("datagram ends inside an option")]
    TruncatedOption,
    /// An option number above 65535.
    #[error("option number exceeds 65535")]
    OptionNumber,
    /// A payload marker with nothing behind it (RFC 7252 3).
    #[error("payload marker without payload")]
    MarkerWithoutPayload,
}

impl ParseError {
    /// The cause to report.
    pub const fn cause(self) -> Cause {
        Cause::MalformedMessage
    }
}

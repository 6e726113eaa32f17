//! Messages as they stand in a datagram.

use alloc::vec::Vec;

use crate::options::{PAYLOAD_MARKER, encode_option};
use crate::{Code, MessageId, OptionNumber, OptionRef, OptionsRef, ParseError, Token};

/// The type of a message.
///
/// Source: RFC 7252 4.2 and 4.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Confirmable: to be acknowledged, repeated until then.
    Confirmable,
    /// Non-confirmable.
    NonConfirmable,
    /// Acknowledgement of a confirmable message, perhaps with the response on its back.
    Acknowledgement,
    /// Reset: the message with this id could not be processed.
    Reset,
}

impl Kind {
    const fn bits(self) -> u8 {
        match self {
            Self::Confirmable => 0,
            Self::NonConfirmable => 1,
            Self::Acknowledgement => 2,
            Self::Reset => 3,
        }
    }

    const fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::Confirmable,
            1 => Self::NonConfirmable,
            2 => Self::Acknowledgement,
            _ => Self::Reset,
        }
    }
}

/// The fixed part of a message: type, code, message id, token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The type.
    pub kind: Kind,
    /// The code.
    pub code: Code,
    /// The message id.
    pub message_id: MessageId,
    /// The token.
    pub token: Token,
}

impl Header {
    /// The header of an empty message: acknowledgement, reset or ping.
    pub const fn empty(kind: Kind, message_id: MessageId) -> Self {
        Self {
            kind,
            code: Code::EMPTY,
            message_id,
            token: Token::EMPTY,
        }
    }

    /// Encodes a message of this header; `options` come in the order of their numbers, an empty payload has no marker.
    pub fn encode<'a>(
        &self,
        options: impl IntoIterator<Item = OptionRef<'a>>,
        payload: &[u8],
    ) -> Vec<u8> {
        let token = self.token.as_bytes();
        let mut out = Vec::with_capacity(64 + payload.len());
        // at most eight octets of token: the low nibble suffices
        let token_length = u8::try_from(token.len()).unwrap_or_default();
        out.push(VERSION << 6 | self.kind.bits() << 4 | token_length);
        out.push(self.code.byte());
        out.extend_from_slice(&self.message_id.0.to_be_bytes());
        out.extend_from_slice(token);
        let mut previous = OptionNumber(0);
        for option in options {
            encode_option(&mut out, previous, option);
            previous = option.number;
        }
        if !payload.is_empty() {
            out.push(PAYLOAD_MARKER);
            out.extend_from_slice(payload);
        }
        out
    }

    /// Encodes a message of this header without options and payload.
    pub fn encode_empty(&self) -> Vec<u8> {
        self.encode([], &[])
    }
}

/// A received message, borrowed from its datagram.
///
/// Source: RFC 7252 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The fixed part.
    pub header: Header,
    /// The options, checked for form only.
    pub options: OptionsRef<'a>,
    /// The payload, empty if there is none.
    pub payload: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a datagram.
    ///
    /// Only the form is checked: unknown codes and options are the caller's to judge.
    ///
    /// # Errors
    ///
    /// [`ParseError`] for each format error of RFC 7252 3 and 4.1; [`peek`](Self::peek) then tells whether it can be
    /// rejected.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, ParseError> {
        let (&[first, code, ..], rest) = Self::fixed(datagram)?;
        let (kind, message_id) = Self::peek(datagram)?;
        let token_length = usize::from(first & 0x0f);
        if token_length > Token::MAX_LEN {
            return Err(ParseError::TokenLength);
        }
        let (token, rest) = rest
            .split_at_checked(token_length)
            .ok_or(ParseError::TruncatedToken)?;
        let token = Token::new(token).ok_or(ParseError::TokenLength)?;
        let code = Code::from_byte(code);
        if code.is_empty() && (token_length > 0 || !rest.is_empty()) {
            return Err(ParseError::EmptyWithContent);
        }
        let (options, payload) = OptionsRef::split(rest)?;
        Ok(Self {
            header: Header {
                kind,
                code,
                message_id,
                token,
            },
            options,
            payload,
        })
    }

    /// Reads type and message id only, which a reset needs even if the rest is malformed.
    ///
    /// # Errors
    ///
    /// [`ParseError::TooShort`] or [`ParseError::Version`]: such a datagram is to be ignored.
    pub fn peek(datagram: &[u8]) -> Result<(Kind, MessageId), ParseError> {
        let (&[first, _, high, low], _) = Self::fixed(datagram)?;
        if first >> 6 != VERSION {
            return Err(ParseError::Version);
        }
        Ok((
            Kind::from_bits(first >> 4),
            MessageId(u16::from_be_bytes([high, low])),
        ))
    }

    /// Encodes the message again.
    pub fn encode(&self) -> Vec<u8> {
        self.header.encode(self.options, self.payload)
    }

    fn fixed(datagram: &[u8]) -> Result<(&[u8; 4], &[u8]), ParseError> {
        datagram.split_first_chunk().ok_or(ParseError::TooShort)
    }
}

/// The version of the protocol.
const VERSION: u8 = 1;

//! Handshake messages (RFC 6347 4.2.2, RFC 5246 7.4).

pub(crate) mod client_hello;
pub(crate) mod extensions;
pub(crate) mod hello_verify;
pub(crate) mod key_exchange;
pub(crate) mod server_hello;

use alloc::vec::Vec;

use crate::codec::{Malformed, Reader, put_u24};

/// Octets before the body of a message or fragment.
pub(crate) const HEADER_LEN: usize = 12;

/// Message types, by their number.
pub(crate) mod kind {
    pub(crate) const HELLO_REQUEST: u8 = 0;
    pub(crate) const CLIENT_HELLO: u8 = 1;
    pub(crate) const SERVER_HELLO: u8 = 2;
    pub(crate) const HELLO_VERIFY_REQUEST: u8 = 3;
    pub(crate) const SERVER_KEY_EXCHANGE: u8 = 12;
    pub(crate) const SERVER_HELLO_DONE: u8 = 14;
    pub(crate) const CLIENT_KEY_EXCHANGE: u8 = 16;
    pub(crate) const FINISHED: u8 = 20;
}

/// A message or a piece of one, as it stands in a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fragment<'a> {
    pub(crate) kind: u8,
    /// Length of the whole message's body.
    pub(crate) length: u32,
    pub(crate) message_seq: u16,
    pub(crate) offset: u32,
    pub(crate) body: &'a [u8],
}

impl<'a> Fragment<'a> {
    pub(crate) fn parse(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let kind = reader.u8()?;
        let length = reader.u24()?;
        let message_seq = reader.u16()?;
        let offset = reader.u24()?;
        let fragment_length = reader.u24()?;
        let end = offset.checked_add(fragment_length).ok_or(Malformed)?;
        if end > length {
            return Err(Malformed);
        }
        let body = reader.take(usize::try_from(fragment_length).map_err(|_| Malformed)?)?;
        Ok(Self {
            kind,
            length,
            message_seq,
            offset,
            body,
        })
    }

    /// Whether the fragment is the whole message.
    pub(crate) fn is_whole(&self) -> bool {
        u32::try_from(self.body.len()) == Ok(self.length)
    }
}

/// A complete message with the header of an unfragmented one, as the transcript has it.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    octets: Vec<u8>,
}

impl Message {
    /// Composes a message; `body` appends its body.
    pub(crate) fn compose(kind: u8, message_seq: u16, body: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut octets = Vec::with_capacity(HEADER_LEN + 64);
        put_header(&mut octets, kind, 0, message_seq);
        body(&mut octets);
        let length = octets.len().saturating_sub(HEADER_LEN);
        let mut header = Vec::with_capacity(HEADER_LEN);
        put_header(&mut header, kind, length, message_seq);
        for (octet, value) in octets.iter_mut().zip(header) {
            *octet = value;
        }
        Self { octets }
    }

    /// A message of this type with this body.
    pub(crate) fn with_body(kind: u8, message_seq: u16, body: &[u8]) -> Self {
        Self::compose(kind, message_seq, |octets| octets.extend_from_slice(body))
    }

    pub(crate) fn kind(&self) -> u8 {
        self.octets.first().copied().unwrap_or_default()
    }

    pub(crate) fn body(&self) -> &[u8] {
        self.octets.get(HEADER_LEN..).unwrap_or_default()
    }

    /// Header and body.
    pub(crate) fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The header of the piece of `length` octets at `offset`.
    pub(crate) fn fragment_header(&self, offset: usize, length: usize) -> [u8; HEADER_LEN] {
        let mut header = [0; HEADER_LEN];
        let start = self.octets.iter().take(6).copied();
        let [_, offset @ ..] = u32::try_from(offset).unwrap_or(u32::MAX).to_be_bytes();
        let [_, length @ ..] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
        for (octet, value) in header.iter_mut().zip(start.chain(offset).chain(length)) {
            *octet = value;
        }
        header
    }
}

fn put_header(into: &mut Vec<u8>, kind: u8, length: usize, message_seq: u16) {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    into.push(kind);
    put_u24(into, length);
    into.extend_from_slice(&message_seq.to_be_bytes());
    put_u24(into, 0);
    put_u24(into, length);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_its_own_whole_fragment() {
        let message = Message::with_body(kind::FINISHED, 3, b"twelve octet");
        let mut reader = Reader::new(message.octets());
        let fragment = Fragment::parse(&mut reader).unwrap();
        assert!(reader.is_empty());
        assert!(fragment.is_whole());
        assert_eq!((fragment.kind, fragment.message_seq), (kind::FINISHED, 3));
        assert_eq!(fragment.body, message.body());
        assert_eq!(message.fragment_header(0, 12), message.octets()[..12]);
    }

    #[test]
    fn a_fragment_beyond_its_message_is_refused() {
        let message = Message::with_body(kind::FINISHED, 0, b"0123456789");
        for (offset, length) in [(1, 10), (11, 0), (10, 1), (0xff_ffff, 0xff_ffff)] {
            let mut octets = message.fragment_header(offset, length).to_vec();
            octets.extend_from_slice(&[0; 16]);
            assert!(
                Fragment::parse(&mut Reader::new(&octets)).is_err(),
                "{offset} {length}"
            );
        }
    }

    #[test]
    fn every_prefix_of_a_fragment_is_refused() {
        let message = Message::with_body(kind::CLIENT_KEY_EXCHANGE, 0, b"0123456789");
        for length in 0..message.octets().len() {
            assert!(Fragment::parse(&mut Reader::new(&message.octets()[..length])).is_err());
        }
    }
}

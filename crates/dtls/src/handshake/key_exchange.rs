//! The key exchange messages of pre-shared keys (RFC 4279 2).

use alloc::vec::Vec;

use super::{Message, kind};
use crate::codec::{Malformed, Reader, put_vector16};

/// The longest PSK identity and identity hint, in octets.
pub(crate) const MAX_IDENTITY_LEN: usize = 512;

/// Composes a ServerKeyExchange with an identity hint.
pub(crate) fn compose_server(message_seq: u16, hint: &[u8]) -> Message {
    compose(kind::SERVER_KEY_EXCHANGE, message_seq, hint)
}

/// Composes a ClientKeyExchange with an identity.
pub(crate) fn compose_client(message_seq: u16, identity: &[u8]) -> Message {
    compose(kind::CLIENT_KEY_EXCHANGE, message_seq, identity)
}

/// Reads the hint or the identity.
pub(crate) fn parse(body: &[u8]) -> Result<&[u8], Malformed> {
    let mut reader = Reader::new(body);
    let text = reader.vector16()?;
    reader.end()?;
    if text.len() > MAX_IDENTITY_LEN {
        return Err(Malformed);
    }
    Ok(text)
}

fn compose(kind: u8, message_seq: u16, text: &[u8]) -> Message {
    Message::compose(kind, message_seq, |body| {
        put_vector16(body, |into: &mut Vec<u8>| into.extend_from_slice(text));
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_of_0_to_512_octets_read_back() {
        for length in [0, 1, 511, 512] {
            let identity = alloc::vec![b'i'; length];
            let message = compose_client(2, &identity);
            assert_eq!(parse(message.body()), Ok(&identity[..]));
        }
        assert!(parse(compose_client(2, &[b'i'; 513]).body()).is_err());
    }

    #[test]
    fn every_prefix_and_trailing_octets_are_refused() {
        let message = compose_client(2, b"identity");
        let mut body = message.body().to_vec();
        for length in 0..body.len() {
            assert!(parse(&body[..length]).is_err());
        }
        body.push(0);
        assert!(parse(&body).is_err());
    }
}

//! HelloVerifyRequest (RFC 6347 4.2.1).

use alloc::vec::Vec;

use super::{HEADER_LEN, kind, put_header};
use crate::codec::{Malformed, Reader};
use crate::cookie::COOKIE_LEN;
use crate::record::DTLS_1_0;

/// Octets of the whole message.
pub(crate) const LEN: usize = HEADER_LEN + 2 + 1 + COOKIE_LEN;

/// Appends the message; it needs no memory of its own, since anyone can ask for it.
///
/// Its version is that of DTLS 1.0 whatever will be negotiated, as RFC 6347 4.2.1 asks for.
pub(crate) fn put(into: &mut Vec<u8>, message_seq: u16, cookie: &[u8; COOKIE_LEN]) {
    put_header(
        into,
        kind::HELLO_VERIFY_REQUEST,
        LEN - HEADER_LEN,
        message_seq,
    );
    into.extend_from_slice(&DTLS_1_0.to_be_bytes());
    into.extend_from_slice(&[COOKIE_LEN as u8]);
    into.extend_from_slice(cookie);
}

/// Reads the cookie; the version says nothing (RFC 6347 4.2.1).
pub(crate) fn parse(body: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut reader = Reader::new(body);
    reader.u16()?;
    let cookie = reader.vector8()?;
    reader.end()?;
    Ok(cookie.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookie_reads_back_and_every_prefix_is_refused() {
        let mut octets = Vec::new();
        put(&mut octets, 1, &[7; COOKIE_LEN]);
        assert_eq!(octets.len(), LEN);
        let body = &octets[HEADER_LEN..];
        assert_eq!(parse(body).unwrap(), [7; COOKIE_LEN]);
        for length in 0..body.len() {
            assert!(parse(&body[..length]).is_err());
        }
    }
}

//! ClientHello (RFC 5246 7.4.1.2, RFC 6347 4.2.1).

use alloc::vec::Vec;

use super::extensions::ClientExtensions;
use super::{Message, kind};
use crate::codec::{Malformed, Reader, put_vector16};
use crate::record::DTLS_1_2;
use crate::{AlertDescription, CipherSuite};

/// Octets of the longest ClientHello body that is taken.
pub(crate) const MAX_LEN: u32 = 4096;
/// Signals secure renegotiation in place of the extension (RFC 5746 3.3).
const RENEGOTIATION_SCSV: [u8; 2] = [0x00, 0xff];

/// The hello up to its cookie, which is all that is read before the cookie is verified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HelloStart<'a> {
    pub(crate) version: u16,
    pub(crate) random: &'a [u8; 32],
    pub(crate) cookie: &'a [u8],
    /// The octets before the cookie field.
    pub(crate) before: &'a [u8],
    /// The octets after it, as far as they are here.
    pub(crate) after: &'a [u8],
}

impl<'a> HelloStart<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let version = reader.u16()?;
        let random = reader.array()?;
        let session_id = reader.vector8()?;
        if session_id.len() > 32 {
            return Err(Malformed);
        }
        let before_len = body
            .len()
            .checked_sub(reader.rest().len())
            .ok_or(Malformed)?;
        let before = body.get(..before_len).ok_or(Malformed)?;
        let cookie = reader.vector8()?;
        Ok(Self {
            version,
            random,
            cookie,
            before,
            after: reader.rest(),
        })
    }
}

/// What a hello with a verified cookie offers.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) suites: Vec<CipherSuite>,
    pub(crate) extensions: ClientExtensions,
}

impl Offer {
    /// Reads a hello behind its cookie.
    ///
    /// # Errors
    /// The alert to send: the version is too old, the hello is malformed, or compression is
    /// demanded.
    pub(crate) fn parse(start: &HelloStart<'_>) -> Result<Self, AlertDescription> {
        // Later versions of DTLS have lower numbers.
        let [major, minor] = start.version.to_be_bytes();
        if major != 0xfe || minor > 0xfd {
            return Err(AlertDescription::PROTOCOL_VERSION);
        }
        let decode_error = |_: Malformed| AlertDescription::DECODE_ERROR;
        let mut reader = Reader::new(start.after);
        let suite_octets = reader.vector16().map_err(decode_error)?;
        let (numbers, []) = suite_octets.as_chunks::<2>() else {
            return Err(AlertDescription::DECODE_ERROR);
        };
        let compression = reader.vector8().map_err(decode_error)?;
        if numbers.is_empty() || compression.is_empty() {
            return Err(AlertDescription::DECODE_ERROR);
        }
        if !compression.contains(&0) {
            return Err(AlertDescription::ILLEGAL_PARAMETER);
        }
        let mut extensions = ClientExtensions::parse(reader)?;
        extensions.renegotiation_info |= numbers.contains(&RENEGOTIATION_SCSV);
        let mut suites = Vec::new();
        for suite in CipherSuite::ALL {
            if numbers.contains(&suite.number()) {
                suites.push(suite);
            }
        }
        Ok(Self { suites, extensions })
    }
}

/// Composes the hello of our client.
pub(crate) fn compose(
    message_seq: u16,
    random: &[u8; 32],
    cookie: &[u8],
    suites: &[CipherSuite],
    extensions: &ClientExtensions,
) -> Message {
    Message::compose(kind::CLIENT_HELLO, message_seq, |body| {
        body.extend_from_slice(&DTLS_1_2.to_be_bytes());
        body.extend_from_slice(random);
        body.push(0);
        body.push(u8::try_from(cookie.len()).unwrap_or(u8::MAX));
        body.extend(cookie.iter().take(255));
        put_vector16(body, |list| {
            for suite in suites {
                list.extend_from_slice(&suite.number());
            }
        });
        body.extend_from_slice(&[1, 0]);
        extensions.encode(body);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> Message {
        let extensions = ClientExtensions {
            server_name: Some("a.test".into()),
            extended_master_secret: true,
            renegotiation_info: true,
        };
        compose(1, &[7; 32], b"cookie", &CipherSuite::ALL, &extensions)
    }

    fn offer(body: &[u8]) -> Result<Offer, AlertDescription> {
        Offer::parse(&HelloStart::parse(body).map_err(|_| AlertDescription::DECODE_ERROR)?)
    }

    #[test]
    fn a_composed_hello_reads_back() {
        let message = hello();
        let start = HelloStart::parse(message.body()).unwrap();
        assert_eq!((start.random, start.cookie), (&[7; 32], &b"cookie"[..]));
        let offer = offer(message.body()).unwrap();
        assert_eq!(offer.suites, CipherSuite::ALL);
        assert_eq!(offer.extensions.server_name.as_deref(), Some("a.test"));
    }

    #[test]
    fn the_cookie_covers_all_but_itself() {
        let message = hello();
        let body = message.body();
        let start = HelloStart::parse(body).unwrap();
        assert_eq!(
            start.before.len() + 1 + start.cookie.len() + start.after.len(),
            body.len()
        );
    }

    #[test]
    fn every_prefix_is_refused_or_a_hello_without_extensions() {
        let message = hello();
        let body = message.body();
        let without_extensions = 2 + 32 + 1 + 1 + 6 + 2 + 4 + 2;
        for length in 0..body.len() {
            let taken = offer(&body[..length]).is_ok();
            assert_eq!(taken, length == without_extensions, "{length}");
        }
    }

    #[test]
    fn old_versions_are_refused_and_newer_ones_taken() {
        for (version, taken) in [
            ([0xfe, 0xfd], true),
            ([0xfe, 0xfc], true),
            ([0xfe, 0xff], false),
            ([0x03, 0x03], false),
            ([0x01, 0x00], false),
        ] {
            let mut body = hello().body().to_vec();
            body[..2].copy_from_slice(&version);
            assert_eq!(offer(&body).is_ok(), taken, "{version:?}");
        }
    }

    #[test]
    fn a_hello_without_null_compression_is_refused() {
        let mut body = hello().body().to_vec();
        let at = 2 + 32 + 1 + 1 + 6 + 2 + 4 + 1;
        body[at] = 1;
        assert_eq!(
            offer(&body).unwrap_err(),
            AlertDescription::ILLEGAL_PARAMETER
        );
    }

    #[test]
    fn the_signalling_suite_counts_as_renegotiation_info() {
        let none = ClientExtensions::default();
        let message = compose(0, &[0; 32], b"", &[CipherSuite::PskAes128Ccm8], &none);
        let mut body = message.body().to_vec();
        assert!(!offer(&body).unwrap().extensions.renegotiation_info);
        let at = 2 + 32 + 1 + 1;
        body.splice(at..at + 2, [0, 4, 0x00, 0xff]);
        assert!(offer(&body).unwrap().extensions.renegotiation_info);
    }
}

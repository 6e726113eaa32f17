//! ServerHello (RFC 5246 7.4.1.3).

use super::extensions::{ClientExtensions, ServerExtensions};
use super::{Message, kind};
use crate::codec::{Malformed, Reader};
use crate::record::DTLS_1_2;
use crate::{AlertDescription, CipherSuite};

/// What the server chose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    pub(crate) random: [u8; 32],
    pub(crate) suite: CipherSuite,
    pub(crate) extensions: ServerExtensions,
}

/// Composes the hello; its session id is empty: the session cannot be resumed.
pub(crate) fn compose(message_seq: u16, choice: &Choice) -> Message {
    Message::compose(kind::SERVER_HELLO, message_seq, |body| {
        body.extend_from_slice(&DTLS_1_2.to_be_bytes());
        body.extend_from_slice(&choice.random);
        body.push(0);
        body.extend_from_slice(&choice.suite.number());
        body.push(0);
        choice.extensions.encode(body);
    })
}

/// Reads the hello and refuses every choice that was not offered.
pub(crate) fn parse(
    body: &[u8],
    suites: &[CipherSuite],
    offered: &ClientExtensions,
) -> Result<Choice, AlertDescription> {
    let decode_error = |_: Malformed| AlertDescription::DECODE_ERROR;
    let mut reader = Reader::new(body);
    let version = reader.u16().map_err(decode_error)?;
    if version != DTLS_1_2 {
        return Err(AlertDescription::PROTOCOL_VERSION);
    }
    let random = *reader.array().map_err(decode_error)?;
    let session_id = reader.vector8().map_err(decode_error)?;
    if session_id.len() > 32 {
        return Err(AlertDescription::DECODE_ERROR);
    }
    let number = *reader.array().map_err(decode_error)?;
    let compression = reader.u8().map_err(decode_error)?;
    let suite = CipherSuite::from_number(number)
        .filter(|suite| suites.contains(suite) && compression == 0)
        .ok_or(AlertDescription::ILLEGAL_PARAMETER)?;
    let extensions = ServerExtensions::parse(reader, offered)?;
    Ok(Choice {
        random,
        suite,
        extensions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFERED: [CipherSuite; 1] = [CipherSuite::PskAes128Ccm8];

    fn offered() -> ClientExtensions {
        ClientExtensions {
            server_name: None,
            extended_master_secret: true,
            renegotiation_info: true,
        }
    }

    fn hello(suite: CipherSuite) -> Message {
        let choice = Choice {
            random: [9; 32],
            suite,
            extensions: ServerExtensions {
                server_name: false,
                extended_master_secret: true,
                renegotiation_info: true,
            },
        };
        compose(1, &choice)
    }

    #[test]
    fn a_composed_hello_reads_back() {
        let message = hello(CipherSuite::PskAes128Ccm8);
        let choice = parse(message.body(), &OFFERED, &offered()).unwrap();
        assert_eq!(choice.random, [9; 32]);
        assert!(choice.extensions.extended_master_secret);
    }

    #[test]
    fn a_suite_that_was_not_offered_is_refused() {
        let message = hello(CipherSuite::PskAes128GcmSha256);
        let refused = parse(message.body(), &OFFERED, &offered()).unwrap_err();
        assert_eq!(refused, AlertDescription::ILLEGAL_PARAMETER);
    }

    #[test]
    fn another_version_or_compression_is_refused() {
        let message = hello(CipherSuite::PskAes128Ccm8);
        for (at, value) in [(1, 0xff), (1, 0xfc), (37, 1)] {
            let mut body = message.body().to_vec();
            body[at] = value;
            assert!(parse(&body, &OFFERED, &offered()).is_err(), "{at}");
        }
    }

    #[test]
    fn every_prefix_is_refused_or_a_hello_without_extensions() {
        let message = hello(CipherSuite::PskAes128Ccm8);
        let body = message.body();
        for length in 0..body.len() {
            let taken = parse(&body[..length], &OFFERED, &offered()).is_ok();
            assert_eq!(taken, length == 2 + 32 + 1 + 2 + 1, "{length}");
        }
    }
}

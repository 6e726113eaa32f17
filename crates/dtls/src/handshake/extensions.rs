//! The extensions that matter to these suites; all others are ignored (RFC 5246 7.4.1.4).

use alloc::string::String;
use alloc::vec::Vec;

use crate::AlertDescription;
use crate::codec::{Malformed, Reader, put_vector16};

const SERVER_NAME: u16 = 0;
const EXTENDED_MASTER_SECRET: u16 = 23;
const RENEGOTIATION_INFO: u16 = 0xff01;

/// Extensions in one hello; real ones have fewer than 20.
const MAX_EXTENSIONS: usize = 64;
/// Octets of a host name (RFC 1035 2.3.4).
const MAX_HOST_NAME_LEN: usize = 255;

/// What the extensions of a ClientHello say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientExtensions {
    pub(crate) server_name: Option<String>,
    pub(crate) extended_master_secret: bool,
    pub(crate) renegotiation_info: bool,
}

/// What the extensions of a ServerHello say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerExtensions {
    pub(crate) server_name: bool,
    pub(crate) extended_master_secret: bool,
    pub(crate) renegotiation_info: bool,
}

impl ClientExtensions {
    /// Reads the table at the end of a ClientHello; it may be absent.
    pub(crate) fn parse(reader: Reader<'_>) -> Result<Self, AlertDescription> {
        let mut found = Self::default();
        for_each(reader, |number, body| {
            match number {
                SERVER_NAME => found.server_name = host_name(body)?,
                EXTENDED_MASTER_SECRET => {
                    expect_empty(body)?;
                    found.extended_master_secret = true;
                }
                RENEGOTIATION_INFO => {
                    expect_first_handshake(body)?;
                    found.renegotiation_info = true;
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Appends the table.
    pub(crate) fn encode(&self, into: &mut Vec<u8>) {
        put_vector16(into, |table| {
            if let Some(name) = &self.server_name {
                put(table, SERVER_NAME, |body| {
                    put_vector16(body, |list| {
                        list.push(0);
                        put_vector16(list, |entry| entry.extend_from_slice(name.as_bytes()));
                    });
                });
            }
            if self.extended_master_secret {
                put(table, EXTENDED_MASTER_SECRET, |_| {});
            }
            if self.renegotiation_info {
                put(table, RENEGOTIATION_INFO, |body| body.push(0));
            }
        });
    }
}

impl ServerExtensions {
    /// Reads the table at the end of a ServerHello; anything that `offered` lacks is refused.
    pub(crate) fn parse(
        reader: Reader<'_>,
        offered: &ClientExtensions,
    ) -> Result<Self, AlertDescription> {
        let mut found = Self::default();
        for_each(reader, |number, body| match number {
            SERVER_NAME if offered.server_name.is_some() => {
                found.server_name = true;
                expect_empty(body)
            }
            EXTENDED_MASTER_SECRET if offered.extended_master_secret => {
                found.extended_master_secret = true;
                expect_empty(body)
            }
            RENEGOTIATION_INFO if offered.renegotiation_info => {
                found.renegotiation_info = true;
                expect_first_handshake(body)
            }
            _ => Err(AlertDescription::UNSUPPORTED_EXTENSION),
        })?;
        Ok(found)
    }

    /// Appends the table, or nothing if it would be empty.
    pub(crate) fn encode(&self, into: &mut Vec<u8>) {
        if *self == Self::default() {
            return;
        }
        put_vector16(into, |table| {
            if self.renegotiation_info {
                put(table, RENEGOTIATION_INFO, |body| body.push(0));
            }
            if self.server_name {
                put(table, SERVER_NAME, |_| {});
            }
            if self.extended_master_secret {
                put(table, EXTENDED_MASTER_SECRET, |_| {});
            }
        });
    }
}

/// Whether the text is a host name that a server name indication may carry, in lower case.
///
/// Source: RFC 6066 3 (ASCII, no trailing dot).
pub(crate) fn is_host_name(name: &[u8]) -> bool {
    (1..=MAX_HOST_NAME_LEN).contains(&name.len())
        && name.last() != Some(&b'.')
        && name.iter().all(|octet| {
            octet.is_ascii_lowercase()
                || octet.is_ascii_digit()
                || matches!(octet, b'.' | b'-' | b'_')
        })
}

fn put(into: &mut Vec<u8>, number: u16, body: impl FnOnce(&mut Vec<u8>)) {
    into.extend_from_slice(&number.to_be_bytes());
    put_vector16(into, body);
}

/// Calls `each` for every extension; refuses a table that is malformed or names one twice.
fn for_each<'a>(
    mut reader: Reader<'a>,
    mut each: impl FnMut(u16, &'a [u8]) -> Result<(), AlertDescription>,
) -> Result<(), AlertDescription> {
    if reader.is_empty() {
        return Ok(());
    }
    let decode_error = |_: Malformed| AlertDescription::DECODE_ERROR;
    let mut table = Reader::new(reader.vector16().map_err(decode_error)?);
    reader.end().map_err(decode_error)?;

    let mut seen: Vec<u16> = Vec::new();
    while !table.is_empty() {
        let number = table.u16().map_err(decode_error)?;
        let body = table.vector16().map_err(decode_error)?;
        if seen.len() == MAX_EXTENSIONS || seen.contains(&number) {
            return Err(AlertDescription::DECODE_ERROR);
        }
        seen.push(number);
        each(number, body)?;
    }
    Ok(())
}

fn expect_empty(body: &[u8]) -> Result<(), AlertDescription> {
    if body.is_empty() {
        Ok(())
    } else {
        Err(AlertDescription::DECODE_ERROR)
    }
}

/// The only value of renegotiation_info outside a renegotiation (RFC 5746 3.4, 3.6).
fn expect_first_handshake(body: &[u8]) -> Result<(), AlertDescription> {
    if body == [0] {
        Ok(())
    } else {
        Err(AlertDescription::HANDSHAKE_FAILURE)
    }
}

/// Reads a server name list; the list may hold one host name and types that nobody defined.
fn host_name(body: &[u8]) -> Result<Option<String>, AlertDescription> {
    let decode_error = |_: Malformed| AlertDescription::DECODE_ERROR;
    let mut outer = Reader::new(body);
    let mut list = Reader::new(outer.vector16().map_err(decode_error)?);
    outer.end().map_err(decode_error)?;
    if list.is_empty() {
        return Err(AlertDescription::DECODE_ERROR);
    }
    let mut found = None;
    while !list.is_empty() {
        let name_type = list.u8().map_err(decode_error)?;
        let name = list.vector16().map_err(decode_error)?.to_ascii_lowercase();
        if name_type != 0 {
            continue;
        }
        if found.is_some() || !is_host_name(&name) {
            return Err(AlertDescription::ILLEGAL_PARAMETER);
        }
        found = String::from_utf8(name).ok();
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> ClientExtensions {
        ClientExtensions {
            server_name: Some("msgin5g.berth.test".into()),
            extended_master_secret: true,
            renegotiation_info: true,
        }
    }

    fn encoded(extensions: &ClientExtensions) -> Vec<u8> {
        let mut octets = Vec::new();
        extensions.encode(&mut octets);
        octets
    }

    fn parse(octets: &[u8]) -> Result<ClientExtensions, AlertDescription> {
        ClientExtensions::parse(Reader::new(octets))
    }

    fn table(entries: &[(u16, &[u8])]) -> Vec<u8> {
        let mut octets = Vec::new();
        put_vector16(&mut octets, |table| {
            for (number, body) in entries {
                put(table, *number, |into| into.extend_from_slice(body));
            }
        });
        octets
    }

    #[test]
    fn a_table_reads_back() {
        assert_eq!(parse(&encoded(&full())), Ok(full()));
        assert_eq!(parse(&[]), Ok(ClientExtensions::default()));
        assert_eq!(parse(&[0, 0]), Ok(ClientExtensions::default()));
    }

    #[test]
    fn every_other_prefix_of_a_table_is_refused() {
        let octets = encoded(&full());
        for length in 1..octets.len() {
            assert_eq!(
                parse(&octets[..length]),
                Err(AlertDescription::DECODE_ERROR)
            );
        }
        let mut trailing = octets;
        trailing.push(0);
        assert_eq!(parse(&trailing), Err(AlertDescription::DECODE_ERROR));
    }

    #[test]
    fn unknown_extensions_are_ignored_but_not_twice() {
        assert!(parse(&table(&[(0x1a1a, b"grease"), (13, b""), (54, b"\0")])).is_ok());
        let twice = table(&[(0x1a1a, b""), (0x1a1a, b"")]);
        assert_eq!(parse(&twice), Err(AlertDescription::DECODE_ERROR));
    }

    #[test]
    fn more_than_sixty_four_extensions_are_refused() {
        let entries: Vec<(u16, &[u8])> = (100..164).map(|number| (number, &b""[..])).collect();
        assert!(parse(&table(&entries)).is_ok());
        let entries: Vec<(u16, &[u8])> = (100..165).map(|number| (number, &b""[..])).collect();
        assert_eq!(parse(&table(&entries)), Err(AlertDescription::DECODE_ERROR));
    }

    #[test]
    fn server_names_are_checked_and_lowered() {
        let name = |text: &[u8]| {
            let mut body = Vec::new();
            put_vector16(&mut body, |list| {
                list.push(0);
                put_vector16(list, |entry| entry.extend_from_slice(text));
            });
            parse(&table(&[(SERVER_NAME, &body)])).map(|found| found.server_name)
        };
        assert_eq!(name(b"AF.Example.COM"), Ok(Some("af.example.com".into())));
        for bad in [
            &b""[..],
            b"dot.",
            b"sp ace",
            b"nul\0",
            "\u{e9}".as_bytes(),
            &[b'a'; 256],
        ] {
            assert_eq!(name(bad), Err(AlertDescription::ILLEGAL_PARAMETER));
        }
        let two = [0, 8, 0, 0, 1, b'a', 0, 0, 1, b'b'];
        let two = table(&[(SERVER_NAME, &two)]);
        assert_eq!(parse(&two), Err(AlertDescription::ILLEGAL_PARAMETER));
        let none = table(&[(SERVER_NAME, &[0, 0])]);
        assert_eq!(parse(&none), Err(AlertDescription::DECODE_ERROR));
    }

    // RFC 5746 3.6, RFC 7627 5.1
    #[test]
    fn extensions_with_the_wrong_content_are_refused() {
        let reneg = table(&[(RENEGOTIATION_INFO, &[1, 0])]);
        assert_eq!(parse(&reneg), Err(AlertDescription::HANDSHAKE_FAILURE));
        let ems = table(&[(EXTENDED_MASTER_SECRET, &[0])]);
        assert_eq!(parse(&ems), Err(AlertDescription::DECODE_ERROR));
    }

    #[test]
    fn an_answer_to_nothing_is_refused() {
        let answer = ServerExtensions {
            server_name: true,
            extended_master_secret: true,
            renegotiation_info: true,
        };
        let mut octets = Vec::new();
        answer.encode(&mut octets);
        assert_eq!(
            ServerExtensions::parse(Reader::new(&octets), &full()),
            Ok(answer)
        );
        let refused = ServerExtensions::parse(Reader::new(&octets), &ClientExtensions::default());
        assert_eq!(refused, Err(AlertDescription::UNSUPPORTED_EXTENSION));
    }
}

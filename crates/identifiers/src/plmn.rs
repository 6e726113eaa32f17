//! PLMN and stand-alone non-public network.

use crate::{Fault, ParseIdentifierError, syntax};
use alloc::{format, string::String};
use core::fmt;

/// A public land mobile network: mobile country code and mobile network code. TS 23.003 12.1.
///
/// Digits stay text, since the length of the network code is part of it: `00101` (network code `01`)
/// and `001010` (network code `010`) are two networks.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Plmn(String);

impl Plmn {
    const MCC_LEN: usize = 3;

    /// Joins a mobile country code of three digits and a mobile network code of two or three.
    ///
    /// # Errors
    /// [`ParseIdentifierError`] if a part has another length or holds anything but digits.
    pub fn new(mcc: &str, mnc: &str) -> Result<Self, ParseIdentifierError> {
        syntax::digits(mcc, Self::MCC_LEN..=Self::MCC_LEN)
            .and_then(|()| syntax::digits(mnc, 2..=3))
            .map(|()| Self(format!("{mcc}{mnc}")))
            .map_err(Self::error)
    }

    /// Reads the digits of both codes in one: `00101` or `001010`.
    ///
    /// # Errors
    /// [`ParseIdentifierError`] if these are not five or six digits.
    pub fn parse(text: &str) -> Result<Self, ParseIdentifierError> {
        syntax::digits(text, 5..=6)
            .map(|()| Self(text.into()))
            .map_err(Self::error)
    }

    /// The digits of both codes, for example `00101`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The mobile country code: three digits.
    #[must_use]
    pub fn mcc(&self) -> &str {
        self.0.get(..Self::MCC_LEN).unwrap_or_default()
    }

    /// The mobile network code as assigned: two or three digits.
    #[must_use]
    pub fn mnc(&self) -> &str {
        self.0.get(Self::MCC_LEN..).unwrap_or_default()
    }

    /// The mobile network code padded on the left to three digits, as names in the DNS carry it.
    /// TS 23.003 28.7.2.
    #[must_use]
    pub fn mnc3(&self) -> String {
        format!("{:0>3}", self.mnc())
    }

    /// The realm of the home network, `5gc.mnc<MNC>.mcc<MCC>.3gppnetwork.org`. TS 23.003 28.7.3.
    #[must_use]
    pub fn home_network_realm(&self) -> String {
        format!("5gc.mnc{}.mcc{}.3gppnetwork.org", self.mnc3(), self.mcc())
    }

    const fn error(fault: Fault) -> ParseIdentifierError {
        ParseIdentifierError::new("plmn", fault)
    }

    fn fmt_redacted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

redacted!(Plmn);

/// A network identifier; with a PLMN it names a stand-alone non-public network. TS 23.003 12.7.
///
/// Eleven upper-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Nid(String);

impl Nid {
    const LEN: usize = 11;

    /// Reads eleven upper-case hexadecimal digits.
    ///
    /// # Errors
    /// [`ParseIdentifierError`] on another length or another character, lower case included.
    pub fn parse(text: &str) -> Result<Self, ParseIdentifierError> {
        let error = |fault| Err(ParseIdentifierError::new("nid", fault));
        if !text
            .bytes()
            .all(|octet| matches!(octet, b'0'..=b'9' | b'A'..=b'F'))
        {
            return error(Fault::Character);
        }
        if text.len() != Self::LEN {
            return error(Fault::Length);
        }
        Ok(Self(text.into()))
    }

    /// The eleven digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn fmt_redacted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

redacted!(Nid);

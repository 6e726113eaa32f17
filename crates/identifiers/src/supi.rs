//! The permanent identifier of a subscriber.

use crate::{Fault, ParseIdentifierError, Plmn, redaction, syntax};
use alloc::{format, string::String};
use core::fmt;

/// A subscription permanent identifier in its text form. TS 23.003 2.2A, TS 29.571 5.3.2.
///
/// `imsi-<5 to 15 digits>` or `nai-<username@realm>`. Key derivation takes another form of it, which
/// only [`Supi::kdf_form`] gives.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Supi(String);

/// The type of a SUPI, with the number that a SUCI carries for it. TS 23.003 2.2B.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SupiType {
    /// An IMSI.
    Imsi = 0,
    /// A network-specific identifier in the form of an NAI.
    NetworkSpecificIdentifier = 1,
}

/// A SUPI as key derivation takes it: the bare digits of an IMSI, or the NAI. No prefix.
///
/// Source: TS 33.501 A.7.0, used by TS 33.535 A.2 and A.3 too. A type of its own, so that the text
/// form with its prefix cannot be derived from by mistake.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SupiKdf<'a>(&'a str);

const IMSI: &str = "imsi-";
const NAI: &str = "nai-";
const IMSI_DIGITS: core::ops::RangeInclusive<usize> = 5..=15;

impl Supi {
    /// Reads the text form.
    ///
    /// # Errors
    /// [`ParseIdentifierError`] if the prefix is neither `imsi-` nor `nai-`, or what follows is not
    /// 5 to 15 digits or an NAI in ASCII.
    pub fn parse(text: &str) -> Result<Self, ParseIdentifierError> {
        check(text).map(|()| Self(text.into())).map_err(Self::error)
    }

    /// Joins network and MSIN to an IMSI.
    ///
    /// # Errors
    /// [`ParseIdentifierError`] if the MSIN is empty, holds anything but digits, or makes the IMSI
    /// longer than 15 digits.
    pub fn from_msin(plmn: &Plmn, msin: &str) -> Result<Self, ParseIdentifierError> {
        let network = plmn.as_str();
        syntax::digits(msin, 1..=IMSI_DIGITS.end().saturating_sub(network.len()))
            .map(|()| Self(format!("{IMSI}{network}{msin}")))
            .map_err(Self::error)
    }

    /// Joins user name and realm to a network-specific identifier.
    ///
    /// # Errors
    /// [`ParseIdentifierError`] if they make no NAI in ASCII.
    pub fn from_username(username: &str, realm: &str) -> Result<Self, ParseIdentifierError> {
        Self::parse(&format!("{NAI}{username}@{realm}"))
    }

    /// The text form, with its prefix.
    #[must_use]
    pub fn as_text(&self) -> &str {
        &self.0
    }

    /// The type of this SUPI.
    #[must_use]
    pub fn supi_type(&self) -> SupiType {
        if self.0.starts_with(IMSI) {
            SupiType::Imsi
        } else {
            SupiType::NetworkSpecificIdentifier
        }
    }

    /// The form that enters key derivation.
    #[must_use]
    pub fn kdf_form(&self) -> SupiKdf<'_> {
        SupiKdf(self.0.split_once('-').map_or("", |(_, value)| value))
    }

    /// The digits of an IMSI; `None` for a network-specific identifier.
    #[must_use]
    pub fn imsi(&self) -> Option<&str> {
        self.0.strip_prefix(IMSI)
    }

    /// User name and realm of a network-specific identifier; `None` for an IMSI.
    #[must_use]
    pub fn username_and_realm(&self) -> Option<(&str, &str)> {
        self.0.strip_prefix(NAI)?.split_once('@')
    }

    /// The digits after those of this network; `None` if the SUPI is not an IMSI of that network.
    ///
    /// An IMSI does not tell where its network code ends, so the network has to be given.
    #[must_use]
    pub fn msin(&self, plmn: &Plmn) -> Option<&str> {
        self.imsi()?
            .strip_prefix(plmn.as_str())
            .filter(|msin| !msin.is_empty())
    }

    const fn error(fault: Fault) -> ParseIdentifierError {
        ParseIdentifierError::new("supi", fault)
    }

    fn fmt_redacted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.imsi(), self.username_and_realm()) {
            (Some(digits), _) => {
                let (network, subscriber) = digits.split_at_checked(5).unwrap_or((digits, ""));
                write!(f, "{IMSI}{network}")?;
                redaction::tail(f, subscriber, 3)
            }
            (None, Some((username, realm))) => {
                f.write_str(NAI)?;
                redaction::tail(f, username, 3)?;
                write!(f, "@{realm}")
            }
            (None, None) => Ok(()),
        }
    }
}

redacted!(Supi);

impl SupiKdf<'_> {
    /// The octets, without terminator.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    fn fmt_redacted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        redaction::tail(f, self.0.split('@').next().unwrap_or_default(), 3)
    }
}

redacted!(SupiKdf<'a>);

fn check(text: &str) -> Result<(), Fault> {
    if let Some(digits) = text.strip_prefix(IMSI) {
        syntax::digits(digits, IMSI_DIGITS)
    } else if let Some(nai) = text.strip_prefix(NAI) {
        syntax::nai(nai).map(|_| ())
    } else {
        Err(Fault::Form)
    }
}

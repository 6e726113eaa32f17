//! The serving network name that binds keys to a network.

use crate::{Fault, Nid, ParseIdentifierError, Plmn, syntax};
use alloc::{format, string::String};
use core::fmt;

/// A serving network name. TS 33.501 6.1.1.4, TS 24.501 9.12.1.
///
/// `5G:mnc<3 digits>.mcc<3 digits>.3gppnetwork.org`, followed in a stand-alone non-public network by
/// `:` and the [`Nid`]. The text is an input of key derivation and compared as it is.
///
/// `Choice:` the name `5G:NSWO` of non-seamless WLAN offload is refused; no access that is served
/// here uses it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServingNetworkName(String);

impl ServingNetworkName {
    /// Reads a name; the whole text must match.
    ///
    /// # Errors
    /// [`ParseIdentifierError`] if the text has another form.
    pub fn parse(text: &str) -> Result<Self, ParseIdentifierError> {
        check(text)
            .map(|()| Self(text.into()))
            .map_err(|fault| ParseIdentifierError::new("serving_network_name", fault))
    }

    /// The name of a public network. A network code of two digits is padded with a zero.
    #[must_use]
    pub fn from_plmn(plmn: &Plmn) -> Self {
        Self(format!(
            "5G:mnc{}.mcc{}.3gppnetwork.org",
            plmn.mnc3(),
            plmn.mcc()
        ))
    }

    /// The name of a stand-alone non-public network. TS 33.501 I.3.
    #[must_use]
    pub fn from_snpn(plmn: &Plmn, nid: &Nid) -> Self {
        Self(format!("{}:{}", Self::from_plmn(plmn).0, nid.as_str()))
    }

    /// The text that enters key derivation.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn fmt_redacted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

redacted!(ServingNetworkName);

fn check(text: &str) -> Result<(), Fault> {
    let rest = text.strip_prefix("5G:mnc").ok_or(Fault::Form)?;
    let (mnc, rest) = rest.split_at_checked(3).ok_or(Fault::Form)?;
    syntax::digits(mnc, 3..=3)?;
    let rest = rest.strip_prefix(".mcc").ok_or(Fault::Form)?;
    let (mcc, rest) = rest.split_at_checked(3).ok_or(Fault::Form)?;
    syntax::digits(mcc, 3..=3)?;
    let rest = rest.strip_prefix(".3gppnetwork.org").ok_or(Fault::Form)?;
    if rest.is_empty() {
        return Ok(());
    }
    let nid = rest.strip_prefix(':').ok_or(Fault::Form)?;
    Nid::parse(nid).map(|_| ()).map_err(|error| error.fault())
}

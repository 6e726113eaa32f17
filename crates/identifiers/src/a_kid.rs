//! The identifier of an AKMA anchor key.

use crate::{ParseIdentifierError, Plmn, RoutingIndicator, redaction, syntax};
use alloc::{format, string::String};
use core::fmt;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};

/// An AKMA key identifier: an NAI whose user name holds the routing indicator and the A-TID, and
/// whose realm is that of the home network. TS 33.535 6.1.
///
/// It is an exact text: two A-KIDs are the same only if every character is, case included.
/// TS 33.535 leaves the encoding of the user name open. `Choice:`
/// `<routing indicator>.<unpadded base64url of the 32 octets of A-TID>`; other forms are taken too,
/// and only [`AKid::routing_indicator`] looks into them.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AKid(String);

const A_TID_LEN: usize = 32;
const A_TID_BASE64URL: usize = 43;
const A_TID_HEX: usize = 64;

impl AKid {
    /// Makes the A-KID of a subscriber of this home network. TS 33.535 6.1, A.3.
    #[must_use]
    pub fn new(routing_indicator: &RoutingIndicator, a_tid: &[u8; A_TID_LEN], home: &Plmn) -> Self {
        Self(format!(
            "{}.{}@{}",
            routing_indicator.as_str(),
            BASE64URL_NOPAD.encode(a_tid),
            home.home_network_realm()
        ))
    }

    /// Reads any NAI of at most 253 octets: with the prefix `3GPP-AKMA` of a PSK identity it stays
    /// far below the 512 octets that servers take.
    ///
    /// # Errors
    /// [`ParseIdentifierError`] if the text is longer, or no NAI in ASCII.
    pub fn parse(text: &str) -> Result<Self, ParseIdentifierError> {
        syntax::nai(text)
            .map(|_| Self(text.into()))
            .map_err(|fault| ParseIdentifierError::new("a_kid", fault))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The routing indicator in the user name, for choosing an AAnF.
    ///
    /// A-TID may be in base64url or hexadecimal, and a dot may stand before it or not; `None` if the
    /// user name has none of these forms.
    #[must_use]
    pub fn routing_indicator(&self) -> Option<RoutingIndicator> {
        let (username, _) = self.parts();
        let routing_indicator = match username.split_once('.') {
            Some((routing_indicator, a_tid)) if is_a_tid(a_tid) => routing_indicator,
            Some(_) => return None,
            // The routing indicator has one to four digits, so the lengths of both encodings differ.
            None => [A_TID_BASE64URL, A_TID_HEX]
                .into_iter()
                .find_map(|length| {
                    let (routing_indicator, a_tid) =
                        username.split_at_checked(username.len().checked_sub(length)?)?;
                    (routing_indicator.len() <= 4 && is_a_tid(a_tid)).then_some(routing_indicator)
                })?,
        };
        RoutingIndicator::parse(routing_indicator).ok()
    }

    /// The realm, which is that of the home network.
    #[must_use]
    pub fn realm(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&str, &str) {
        self.0.split_once('@').unwrap_or_default()
    }

    fn fmt_redacted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (username, realm) = self.parts();
        redaction::tail(f, username, 4)?;
        write!(f, "@{realm}")
    }
}

redacted!(AKid);

/// Whether this is 32 octets in one of the two encodings.
fn is_a_tid(text: &str) -> bool {
    let encoding = match text.len() {
        A_TID_BASE64URL => &BASE64URL_NOPAD,
        A_TID_HEX => &HEXLOWER_PERMISSIVE,
        _ => return false,
    };
    encoding.decode(text.as_bytes()).is_ok()
}

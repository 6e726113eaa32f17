//! The A-KID in a handshake of TLS 1.2 or DTLS 1.2 with a shared key. TS 33.535 B.1.3.2.1, TS 24.109 K.3.2.

use alloc::vec::Vec;

use cause::Cause;
use identifiers::{AKid, ParseIdentifierError};

/// What the server sends as `psk_identity_hint`, and what every identity begins with. TS 24.109 K.3.2.
pub const PSK_IDENTITY_HINT: &str = "3GPP-AKMA";

/// The `psk_identity` of an A-KID: `3GPP-AKMA` immediately followed by the A-KID. TS 24.109 K.3.2.
///
/// The default form of an A-KID makes 88 octets; every stack has to take 128 (RFC 4279 5.3).
#[must_use]
pub fn psk_identity(a_kid: &AKid) -> Vec<u8> {
    [PSK_IDENTITY_HINT.as_bytes(), a_kid.as_str().as_bytes()].concat()
}

/// An identity that names no A-KID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PskIdentityError {
    /// It does not begin with `3GPP-AKMA`, so it belongs to another use of shared keys.
    #[error("psk identity is not one of AKMA")]
    OtherKind,
    /// What follows `3GPP-AKMA` is no A-KID.
    #[error("psk identity holds no a_kid")]
    AKid(#[from] ParseIdentifierError),
    /// What follows `3GPP-AKMA` is not text.
    #[error("psk identity is not text")]
    Encoding,
}

impl PskIdentityError {
    /// The cause to report; the handshake itself ends with the alert `unknown_psk_identity`.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::OtherKind | Self::Encoding => Cause::MandatoryElementIncorrect,
            Self::AKid(error) => error.cause(),
        }
    }
}

/// Reads the A-KID from a `psk_identity`. TS 24.109 K.3.2.
///
/// # Errors
/// [`PskIdentityError`].
pub fn parse_psk_identity(identity: &[u8]) -> Result<AKid, PskIdentityError> {
    let a_kid = identity
        .strip_prefix(PSK_IDENTITY_HINT.as_bytes())
        .ok_or(PskIdentityError::OtherKind)?;
    let a_kid = core::str::from_utf8(a_kid).map_err(|_| PskIdentityError::Encoding)?;
    Ok(AKid::parse(a_kid)?)
}

/// Whether a server's `psk_identity_hint` offers AKMA. TS 24.109 K.3.2.
///
/// A server that takes several kinds of shared keys lists them with `;` between.
#[must_use]
pub fn hint_lists_akma(hint: &[u8]) -> bool {
    hint.split(|octet| *octet == b';')
        .any(|kind| kind.trim_ascii() == PSK_IDENTITY_HINT.as_bytes())
}

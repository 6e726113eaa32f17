//! The DTLS-PSK identity of a device towards the provisioning server.

use alloc::format;
use alloc::string::String;
use cause::Cause;
use identifiers::OnboardingSession;

/// The identity for a session: `berth-owa:` and its 16 octets in unpadded base64url.
#[must_use]
pub fn pdp_identity(session: &OnboardingSession) -> String {
    format!("{PREFIX}{}", session.base64url())
}

/// The session that an identity names.
///
/// # Errors
/// [`NotAPdpIdentity`] for any other octets.
pub fn parse_pdp_identity(identity: &[u8]) -> Result<OnboardingSession, NotAPdpIdentity> {
    core::str::from_utf8(identity)
        .ok()
        .and_then(|identity| identity.strip_prefix(PREFIX))
        .and_then(|session| OnboardingSession::parse(session).ok())
        .ok_or(NotAPdpIdentity)
}

/// The identity does not name an onboarding session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the identity of an onboarding session")]
pub struct NotAPdpIdentity;

impl NotAPdpIdentity {
    /// The cause to report.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        Cause::LimitedSessionUnknown
    }
}

const PREFIX: &str = "berth-owa:";

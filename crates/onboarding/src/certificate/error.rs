//! Why a certificate is not accepted.

use cause::Cause;

/// A certificate or its path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not a certificate, or one with contradictory fields.
    #[error("certificate cannot be read")]
    Malformed,
    /// No path leads to an anchor, or a signature in it is wrong.
    #[error("certificate does not lead to a trusted anchor")]
    Untrusted,
    /// A certificate in the path may not be used in its place.
    #[error("certificate may not be used for this")]
    Usage,
    /// A certificate in the path is not valid yet, or no longer.
    #[error("certificate is not valid at this time")]
    Validity,
    /// A certificate in the path is revoked.
    #[error("certificate is revoked")]
    Revoked,
    /// Whether a certificate is revoked cannot be told from the lists at hand.
    #[error("revocation status is not known")]
    RevocationUnknown,
    /// An anchor or revocation list of our own configuration cannot be read.
    #[error("trust configuration cannot be read")]
    Configuration,
}

impl CertificateError {
    /// The cause to answer a device.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Malformed | Self::Untrusted | Self::Usage => Cause::CertificateChainInvalid,
            Self::Validity => Cause::CertificateExpired,
            Self::Revoked => Cause::CertificateRevoked,
            Self::RevocationUnknown => Cause::TemporarilyUnavailable,
            Self::Configuration => Cause::Internal,
        }
    }
}

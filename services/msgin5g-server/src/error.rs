//! Why a request of a UE was not done.

use cause::Cause;

/// Why a request of a UE was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    /// A rule refuses it.
    #[error("a rule refuses the request")]
    Refused(Cause),
    /// Another function did not say in time who the UE is or what belongs to it.
    #[error("the identity behind the request cannot be checked now")]
    Unchecked,
    /// The store failed.
    #[error("shared state cannot be read or written")]
    Store(#[from] store::Error),
}

impl RequestError {
    /// The cause to answer with.
    pub(crate) const fn cause(&self) -> Cause {
        match self {
            Self::Refused(cause) => *cause,
            Self::Unchecked => Cause::AssociationUnavailable,
            Self::Store(error) => error.cause(),
        }
    }
}

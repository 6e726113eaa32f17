//! Errors that several procedures share.

use cause::Cause;
use store::SealError;

/// State could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The store failed.
    #[error("state cannot be stored or read")]
    Store(#[from] store::Error),
    /// A sealed value does not open: another key-encryption key, or a moved or damaged record.
    #[error("a sealed value does not open")]
    Sealed(#[from] SealError),
}

impl StateError {
    /// The cause to answer with.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Store(error) => error.cause(),
            Self::Sealed(error) => error.cause(),
        }
    }
}

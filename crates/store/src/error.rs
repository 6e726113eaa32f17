//! What a store operation can fail with, and whose fault it is.

use crate::key::{InvalidKey, Kind};
use cause::Cause;

/// The error of a library or server below, kept as source.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// A store operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A condition did not hold: somebody else was faster. Nothing was written; read again and decide anew.
    #[error("a condition on {kind} does not hold")]
    Conflict {
        /// Kind of the first field whose condition failed.
        kind: &'static str,
    },
    /// An idempotency key came again with another request.
    #[error("the idempotency key was used for another request")]
    IdempotencyMismatch,

    /// A text cannot be part of a key.
    #[error(transparent)]
    InvalidKey(#[from] InvalidKey),
    /// The transaction breaks a rule of this crate, such as an ephemeral value without a lifetime.
    #[error("invalid transaction: {0}")]
    InvalidTransaction(&'static str),

    /// The value was written by a newer binary; it is refused, not guessed.
    #[error("{kind:?} is stored in schema {found}, this binary knows up to {known}")]
    NewerSchema {
        /// Kind of the value.
        kind: Kind,
        /// Schema version found.
        found: u16,
        /// Newest schema version known.
        known: u16,
    },
    /// A stored value cannot be read.
    #[error("a stored {kind} is damaged")]
    Corrupt {
        /// Kind of the value.
        kind: &'static str,
    },
    /// A counter would grow past 2^53 - 1.
    #[error("a counter of kind {kind} is exhausted")]
    CounterExhausted {
        /// Kind of the counter.
        kind: &'static str,
    },

    /// The back end did not answer or refuses; nothing was written.
    #[error("the store is unavailable: {reason}")]
    Unavailable {
        /// What was attempted, and a hint where there is one.
        reason: &'static str,
        /// What the back end said.
        #[source]
        source: Option<Source>,
    },
    /// The server could not show that it still leads its replicas, so what it holds may be outdated.
    #[error("the store cannot confirm that its data is current")]
    NotConfirmed,
    /// The write may or may not last. Send it again with the same idempotency key.
    #[error("the outcome of the write is unknown: {reason}")]
    OutcomeUnknown {
        /// What was missing.
        reason: &'static str,
        /// What the back end said.
        #[source]
        source: Option<Source>,
    },
}

impl Error {
    /// The cause to answer a peer with.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Conflict { .. } | Self::IdempotencyMismatch => Cause::Conflict,
            Self::NewerSchema { .. } => Cause::NewerSchema,
            Self::Unavailable { .. } | Self::NotConfirmed => Cause::StoreUnavailable,
            Self::OutcomeUnknown { .. } => Cause::OutcomeUnknown,
            Self::InvalidKey(_)
            | Self::InvalidTransaction(_)
            | Self::Corrupt { .. }
            | Self::CounterExhausted { .. } => Cause::Internal,
        }
    }

    /// Whether a condition did not hold.
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }
}

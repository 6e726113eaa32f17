//! What the store tells a metrics library.

use std::time::Duration;

use crate::error::Error;
use crate::transaction::Class;

/// Receives measurements; called on hot paths, so it must be quick and must not block.
pub trait Observer: Send + Sync + 'static {
    /// Something was measured.
    fn observe(&self, observation: Observation);
}

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Observation {
    /// A read, scan or commit came to an end.
    Call {
        /// Which.
        call: Call,
        /// How it ended.
        outcome: Outcome,
        /// How long the caller waited.
        elapsed: Duration,
    },
    /// Transactions went to the back end together.
    Batch {
        /// How many.
        transactions: usize,
        /// How long the batch took, the disk or the replicas included.
        elapsed: Duration,
    },
    /// Replicas were waited for.
    Wait {
        /// How many had to confirm.
        wanted: usize,
        /// How many did in time.
        confirmed: usize,
    },
    /// The connection to the server was made, or is lost. Told by the server back end alone.
    Connected(bool),
    /// A read gave an older version than this process was told before: an acknowledged write is lost.
    VersionWentBack,
}

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// One or more reads in a tag.
    Read,
    /// A listing.
    Scan,
    /// A transaction of that class.
    Commit(Class),
}

impl Call {
    /// `read`, `scan` or `commit`.
    #[must_use]
    pub const fn operation(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Scan => "scan",
            Self::Commit(_) => "commit",
        }
    }

    /// The class of a commit.
    #[must_use]
    pub const fn class(self) -> Option<Class> {
        match self {
            Self::Read | Self::Scan => None,
            Self::Commit(class) => Some(class),
        }
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// As asked.
    Done,
    /// A condition did not hold.
    Conflict,
    /// The outcome of a write is unknown.
    Unknown,
    /// Nothing was done.
    Failed,
}

impl Outcome {
    /// `done`, `conflict`, `unknown` or `failed`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Conflict => "conflict",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
        }
    }

    pub(crate) const fn of<T>(result: &Result<T, Error>) -> Self {
        match result {
            Ok(_) => Self::Done,
            Err(Error::Conflict { .. }) => Self::Conflict,
            Err(Error::OutcomeUnknown { .. }) => Self::Unknown,
            Err(_) => Self::Failed,
        }
    }
}

/// Observes nothing.
#[derive(Debug)]
pub(crate) struct Unobserved;

impl Observer for Unobserved {
    fn observe(&self, _: Observation) {}
}

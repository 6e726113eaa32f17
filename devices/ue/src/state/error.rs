//! What can be wrong with the files.

use std::io;
use std::path::PathBuf;

use cause::Cause;

/// A file of the device cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// There is no device in the directory.
    #[error("{} holds no device", path.display())]
    NoDevice {
        /// The directory.
        path: PathBuf,
    },
    /// There is a device in the directory already.
    #[error("{} holds a device already", path.display())]
    DeviceExists {
        /// The directory.
        path: PathBuf,
    },
    /// Another command of the same device runs.
    #[error("{} is in use by another ue command", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("{} cannot be read or written", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A file was written by a newer program.
    #[error("{} was written by a newer ue (version {found})", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The inbox is full.
    #[error("inbox is full")]
    InboxFull,
}

impl StateError {
    /// The cause in the terms of the system.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::NoDevice { .. } => Cause::NotFound,
            Self::DeviceExists { .. } => Cause::AlreadyExists,
            Self::InUse { .. } => Cause::Conflict,
            Self::File { .. } => Cause::StoreUnavailable,
            Self::Damaged { .. } => Cause::Internal,
            Self::Newer { .. } => Cause::NewerSchema,
            Self::InboxFull => Cause::QuotaExceeded,
        }
    }

    /// What to try next.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::NoDevice { .. } => "make one with `ue --state DIR new --lab DIR`",
            Self::DeviceExists { .. } => {
                "choose another directory with --state, or clear this one with `ue reset`"
            }
            Self::InUse { .. } => "wait for the other command to end",
            Self::File { .. } => "check that the path exists and belongs to you",
            Self::Damaged { .. } => {
                "clear what was provisioned with `ue reset`, then run `ue onboard`"
            }
            Self::Newer { .. } => "use the newer ue",
            Self::InboxFull => "read the messages with `ue receive`",
        }
    }
}

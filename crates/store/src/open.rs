//! Why a store could not be opened.

use std::path::PathBuf;

use crate::error::Source;
use cause::Cause;

/// A store could not be opened. The message says what to change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The configuration lacks something or contradicts itself.
    #[error("store configuration: {0}")]
    Config(&'static str),
    /// A file cannot be read or written.
    #[error("store file {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Another process has the database file open.
    #[error("the store file {path} is in use by another process; stop it or choose another path")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer release.
    #[error(
        "the store file has layout {found}, this release knows up to {known}; use the newer release"
    )]
    NewerFormat {
        /// Layout found.
        found: u64,
        /// Newest layout known.
        known: u64,
    },
    /// The file cannot be used.
    #[error("the store file is damaged or no store file")]
    Damaged {
        /// What the database library said.
        #[source]
        source: Source,
    },
    /// The writer's thread could not be started.
    #[error("the store's writer could not be started")]
    Thread {
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The server cannot be reached.
    #[error("the store server cannot be reached: {hint}")]
    Unreachable {
        /// What to look at.
        hint: &'static str,
        /// What the client library said.
        #[source]
        source: Source,
    },
    /// The server answers, but refuses us.
    #[error("the store server refuses: {hint}")]
    Refused {
        /// What to look at.
        hint: &'static str,
        /// What the server said.
        #[source]
        source: Source,
    },
    /// The server is not set up to keep what it acknowledges.
    #[error(
        "the store server has {setting} {found:?}, needed is {needed}; change it in the server's configuration"
    )]
    Setting {
        /// Name of the setting.
        setting: &'static str,
        /// Its value.
        found: String,
        /// What it must be.
        needed: &'static str,
    },
    /// The user may not read the settings of the server.
    #[error(
        "the store server does not let its user read the settings that keep acknowledged writes safe; \
         allow it `+config|get`, or set settings_vouched = true if they are right"
    )]
    SettingsUnreadable {
        /// What the server said.
        #[source]
        source: Source,
    },
}

impl OpenError {
    /// Whether it may be otherwise in a moment, as with a server that starts: worth another attempt.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { source, .. } => source
                .downcast_ref::<redis::RedisError>()
                .is_some_and(|error| error.kind() == redis::ServerErrorKind::BusyLoading.into()),
            // A Sentinel that has not heard of a failover names a server that became a replica.
            Self::Setting { setting, .. } => *setting == "role",
            _ => false,
        }
    }

    /// The cause to report.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::NewerFormat { .. } => Cause::NewerSchema,
            _ => Cause::StoreUnavailable,
        }
    }
}

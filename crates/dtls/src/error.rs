//! Errors of calls by the owner; a peer's faults are events, not errors.

use cause::Cause;

/// Application data could not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No such session, or it has ended.
    #[error("the session does not exist or has ended")]
    UnknownSession,
    /// The session has another epoch; the data belongs to an exchange that is gone.
    #[error("the session has another epoch")]
    WrongEpoch,
    /// The data does not fit into a datagram.
    #[error("the data exceeds {limit} octets")]
    TooLong {
        /// The most that fits, in octets.
        limit: usize,
    },
    /// The session has protected as many records as its keys may; it ended with this call.
    #[error("the keys of the session are used up")]
    KeysExhausted,
}

impl SendError {
    /// The cause in the project's table.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::UnknownSession | Self::KeysExhausted => Cause::NotFound,
            Self::WrongEpoch => Cause::Conflict,
            Self::TooLong { .. } => Cause::PayloadTooLarge,
        }
    }
}

/// A configuration that no handshake could work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No cipher suite is configured.
    #[error("no cipher suite is configured")]
    NoSuite,
    /// A suite is configured twice.
    #[error("a cipher suite is configured twice")]
    RepeatedSuite,
    /// The identity hint exceeds its limit.
    #[error("the identity hint exceeds {limit} octets")]
    HintTooLong {
        /// The limit in octets.
        limit: usize,
    },
    /// The identity exceeds its limit.
    #[error("the identity exceeds {limit} octets")]
    IdentityTooLong {
        /// The limit in octets.
        limit: usize,
    },
    /// The server name is not a host name.
    #[error("the server name is not a host name")]
    ServerName,
    /// Datagrams are limited to less than a handshake needs, or more than UDP carries.
    #[error("the datagram limit is outside {least} to {most} octets")]
    DatagramLimit {
        /// The least limit in octets.
        least: usize,
        /// The largest limit in octets.
        most: usize,
    },
    /// A duration is zero.
    #[error("a duration is zero")]
    ZeroDuration,
}

impl ConfigError {
    /// The cause in the project's table.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        Cause::Internal
    }
}

/// A pre-shared key of a length that is not supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pre-shared key has 1 to 64 octets, not {found}")]
pub struct PskLengthError {
    /// The length found, in octets.
    pub found: usize,
}

impl PskLengthError {
    /// The cause in the project's table.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        Cause::Internal
    }
}

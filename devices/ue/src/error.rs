//! What can go wrong, by whose fault, and what to try next.

use std::error::Error;
use std::time::Duration;

use cause::Cause;

use crate::state::StateError;

/// Why a step of the device did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UeError {
    /// The state directory or the laboratory folder cannot be used.
    #[error("files of the device cannot be used")]
    State(#[from] StateError),
    /// Another step has to come first.
    #[error("device is not ready: {0}")]
    NotReady(NotReady),
    /// What was asked for is no possible request.
    #[error("{0}")]
    Input(&'static str),
    /// The network cannot be reached, or the connection broke.
    #[error("{operation}: network cannot be reached")]
    Unreachable {
        /// What was tried.
        operation: &'static str,
        /// What the transport says.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The network did not answer in time.
    #[error("{operation}: no answer in time")]
    TimedOut {
        /// What was tried.
        operation: &'static str,
    },
    /// The network says no. Nobody proves who said so.
    #[error("{operation}: network refuses with {cause}")]
    Refused {
        /// What was tried.
        operation: &'static str,
        /// What the network states.
        cause: Cause,
        /// When another attempt makes sense, if the network says it.
        retry_after: Option<Duration>,
    },
    /// What the network sent is malformed, forged, or of another network; nothing of it was used.
    #[error("{operation}: network is not to be trusted, {cause}")]
    Untrusted {
        /// What was tried.
        operation: &'static str,
        /// What is wrong with it.
        cause: Cause,
        /// The check that failed.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// Sign-up asks for something that only a person can decide.
    #[error("sign-up needs a person: {0}")]
    PersonNeeded(&'static str),
    /// The device itself failed.
    #[error("{operation}: device failed")]
    Internal {
        /// What was tried.
        operation: &'static str,
        /// Why.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
}

/// A step that was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// There is no usable credential set.
    #[error("it has no profile")]
    NoProfile,
    /// No authentication has succeeded under the current credential set.
    #[error("it has not authenticated")]
    NotAuthenticated,
    /// The profile names no MSGin5G server.
    #[error("its profile has no msgin5g service")]
    NoMessaging,
}

impl UeError {
    pub(crate) fn unreachable(
        operation: &'static str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Unreachable {
            operation,
            source: source.into(),
        }
    }

    pub(crate) const fn refused(operation: &'static str, cause: Cause) -> Self {
        Self::Refused {
            operation,
            cause,
            retry_after: None,
        }
    }

    pub(crate) const fn untrusted(operation: &'static str, cause: Cause) -> Self {
        Self::Untrusted {
            operation,
            cause,
            source: None,
        }
    }

    pub(crate) fn untrusted_because(
        operation: &'static str,
        cause: Cause,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Untrusted {
            operation,
            cause,
            source: Some(source.into()),
        }
    }

    pub(crate) fn internal(
        operation: &'static str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Internal {
            operation,
            source: Some(source.into()),
        }
    }

    /// The cause in the terms of the system.
    #[must_use]
    pub fn cause(&self) -> Cause {
        match self {
            Self::State(error) => error.cause(),
            Self::NotReady(NotReady::NoProfile) => Cause::NotFound,
            Self::NotReady(NotReady::NotAuthenticated) => Cause::Unauthenticated,
            Self::NotReady(NotReady::NoMessaging) => Cause::Unsupported,
            Self::Input(_) => Cause::MandatoryElementIncorrect,
            Self::Unreachable { .. } => Cause::TemporarilyUnavailable,
            Self::TimedOut { .. } => Cause::DeadlineExceeded,
            Self::Refused { cause, .. } | Self::Untrusted { cause, .. } => *cause,
            Self::PersonNeeded(_) => Cause::NotAuthorized,
            Self::Internal { .. } => Cause::Internal,
        }
    }

    /// What the person at the device tries next.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::State(error) => error.advice(),
            Self::NotReady(NotReady::NoProfile) => "run `ue onboard` first",
            Self::NotReady(NotReady::NotAuthenticated) => "run `ue authenticate` first",
            Self::NotReady(NotReady::NoMessaging) => {
                "sign up for a plan with messaging: run `ue onboard` again"
            }
            Self::Input(_) => "see `ue --help` for what the command takes",
            Self::Unreachable { .. } => {
                "check that the network runs (`berth up --lab`) and try again"
            }
            Self::TimedOut { .. } => "try again; if it stays so, look at the network's log",
            Self::Refused { cause, .. } => refused_advice(*cause),
            Self::Untrusted { .. } => {
                "choose another network with `ue onboard --network ID`; if this one is yours, tell its operator"
            }
            Self::PersonNeeded(_) => {
                "run `ue onboard --sign-up portal` and open the link in a browser"
            }
            Self::Internal { .. } => "try again; if it stays so, report it with the output above",
        }
    }

    /// The exit code of the command; `ue --help` lists them.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Internal { .. } => 1,
            Self::Input(_) => 2,
            Self::State(_) => 3,
            Self::NotReady(_) => 4,
            Self::Unreachable { .. } | Self::TimedOut { .. } => 5,
            Self::Refused { .. } => 6,
            Self::Untrusted { .. } => 7,
            Self::PersonNeeded(_) => 8,
        }
    }
}

fn refused_advice(cause: Cause) -> &'static str {
    match cause {
        Cause::UnknownAKid | Cause::Unauthenticated => "run `ue authenticate` and try again",
        Cause::CredentialNotActive | Cause::UserNotFound => {
            "the credential set is not valid any more: run `ue onboard`"
        }
        Cause::UnknownManufacturer
        | Cause::CertificateChainInvalid
        | Cause::CertificateNotReachable => {
            "let the operator register the manufacturer of this device"
        }
        Cause::SuiteUnsupported => {
            "let the operator allow cert-direct for the manufacturer, or make a device with `ue new --recipient cert-bound`"
        }
        Cause::NetworkProofUnavailable => "choose a network that can prove itself",
        Cause::LinkCodeInvalid | Cause::LimitedSessionExpired | Cause::LimitedSessionUnknown => {
            "run `ue onboard` again"
        }
        Cause::UnknownRecipient => "check the UE Service ID of the recipient (`ue status`)",
        cause if cause.retryable() => "try again in a while",
        _ => "ask the operator of the network about this cause",
    }
}

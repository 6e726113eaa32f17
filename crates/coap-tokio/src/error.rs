//! Errors of servers, clients and exchanges.

use std::io;

use cause::Cause;
use dtls::FailureReason;

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The socket could not be bound.
    #[error("the socket cannot be bound")]
    Socket(#[source] io::Error),
    /// No handshake could work with the configuration.
    #[error("the DTLS configuration cannot work")]
    Configuration(#[source] dtls::ConfigError),
}

impl BindError {
    /// The cause to report.
    pub const fn cause(&self) -> Cause {
        Cause::Internal
    }
}

/// Why a client has no session.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The socket could not be bound or connected.
    #[error("the socket cannot be used")]
    Socket(#[source] io::Error),
    /// No handshake could work with the configuration.
    #[error("the DTLS configuration cannot work")]
    Configuration(#[source] dtls::ConfigError),
    /// The key is too short or too long for DTLS.
    #[error("the pre-shared key cannot be used")]
    Key(#[source] dtls::PskLengthError),
    /// The server sent another identity hint than expected, or none.
    #[error("the server's identity hint is not the expected one")]
    Hint,
    /// The handshake failed; [`FailureReason::TimedOut`] if nobody answered, an alert if the server refused.
    #[error("the handshake failed")]
    Handshake(FailureReason),
    /// The client was told to end before the handshake was complete.
    #[error("the client was told to end")]
    Cancelled,
}

impl ConnectError {
    /// The cause to report.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Socket(_) | Self::Configuration(_) | Self::Key(_) | Self::Cancelled => {
                Cause::Internal
            }
            Self::Hint => Cause::Unsupported,
            Self::Handshake(FailureReason::TimedOut) => Cause::DeadlineExceeded,
            Self::Handshake(_) => Cause::Unauthenticated,
        }
    }
}

/// Why a request of ours got no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// The session is over, or was before the request could start.
    #[error("the session is over")]
    Closed,
    /// The peer did not answer, or not usably.
    #[error("the peer gave no usable response")]
    Failed(#[source] coap::Failure),
    /// The request was not taken.
    #[error("the request was not taken")]
    Refused(#[source] coap::RequestError),
}

impl ExchangeError {
    /// The cause to report.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Closed => Cause::UpstreamFailure,
            Self::Failed(failure) => failure.cause(),
            Self::Refused(error) => error.cause(),
        }
    }
}

/// The observation is over: the peer or the session is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the observation is over")]
pub struct ObservationOver;

impl ObservationOver {
    /// The cause to report.
    pub const fn cause(&self) -> Cause {
        Cause::NotFound
    }
}

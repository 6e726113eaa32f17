//! What an endpoint reports.

use cause::Cause;

use crate::{Request, Response};

/// A request of the peer that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(pub(crate) u64);

/// A request or observation of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExchangeId(pub(crate) u64);

/// An observation that the peer holds with us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ObservationId(pub(crate) u64);

/// Whether a message of ours is repeated until it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reliability {
    /// Repeated until acknowledged.
    Confirmable,
    /// Sent once.
    NonConfirmable,
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// The peer asks; the answer is given by [`respond`](super::Endpoint::respond).
    Request {
        /// Names the request in the answer.
        id: RequestId,
        /// The request with its whole body.
        request: Request,
        /// Whether the peer wants to observe the resource (RFC 7641 3.1); granted by
        /// [`respond_and_observe`](super::Endpoint::respond_and_observe).
        observe: bool,
    },
    /// The answer to a request of ours.
    Response {
        /// The request.
        id: ExchangeId,
        /// The response with its whole body.
        response: Response,
        /// Whether an observation is now established, so that notifications follow.
        observing: bool,
    },
    /// A notification of an observation of ours, newer than all before.
    Notification {
        /// The observation.
        id: ExchangeId,
        /// The response with its whole body.
        response: Response,
        /// Whether this was the last one: the server has ended the observation with an error.
        ended: bool,
    },
    /// A request or observation of ours is over without an answer.
    Failed {
        /// The request.
        id: ExchangeId,
        /// Why.
        failure: Failure,
    },
    /// An observation of the peer is over.
    ObservationEnded {
        /// The observation.
        id: ObservationId,
        /// Why.
        reason: EndReason,
    },
}

/// Why a request of ours got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The peer did not acknowledge, or did not answer in time.
    #[error("peer did not answer in time")]
    TimedOut,
    /// The peer rejected the message by a reset: it does not know what it is about.
    #[error("peer rejected the message")]
    Reset,
    /// The response cannot be used: an unknown critical option, or blocks that do not fit together.
    #[error("response cannot be used")]
    Unacceptable,
    /// The body of the response exceeds the limit.
    #[error("body of the response is too large")]
    TooLarge,
}

impl Failure {
    /// The cause to report.
    pub const fn cause(self) -> Cause {
        match self {
            Self::TimedOut => Cause::DeadlineExceeded,
            Self::Reset => Cause::Unsupported,
            Self::Unacceptable => Cause::MalformedMessage,
            Self::TooLarge => Cause::PayloadTooLarge,
        }
    }
}

/// Why an observation of the peer is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The peer has cancelled it (RFC 7641 3.6).
    Cancelled,
    /// The peer has answered a notification by a reset (RFC 7641 3.6).
    Reset,
    /// The peer did not acknowledge a notification (RFC 7641 4.5).
    TimedOut,
    /// The peer has registered again with the same token; a new observation takes its place (RFC 7641 4.1).
    Replaced,
}

/// Why a request of ours was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// As many requests as allowed are open already.
    #[error("too many requests are open in this session")]
    TooManyRequests,
    /// The body needs more blocks than can be numbered.
    #[error("body of the request is too large")]
    BodyTooLarge,
}

impl RequestError {
    /// The cause to report.
    pub const fn cause(self) -> Cause {
        match self {
            Self::TooManyRequests => Cause::Overloaded,
            Self::BodyTooLarge => Cause::PayloadTooLarge,
        }
    }
}

/// The request or observation is not open, or not open any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such request or observation")]
pub struct Unknown;

impl Unknown {
    /// The cause to report.
    pub const fn cause(self) -> Cause {
        Cause::NotFound
    }
}

/// Counts of an endpoint since its start or since they were last taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Requests of the peer, without duplicates.
    pub requests: u64,
    /// Messages received once more, and not handled again.
    pub duplicates: u64,
    /// Confirmable messages sent once more.
    pub retransmissions: u64,
    /// Confirmable messages given up.
    pub timeouts: u64,
    /// Datagrams that are no message, or a message that must be rejected.
    pub rejected: u64,
    /// Notifications sent.
    pub notifications: u64,
    /// Messages not sent because every message id was used within its lifetime.
    pub message_ids_exhausted: u64,
}

//! What handles ask of the driver.

use coap::{Reliability, Request, RequestId, Response};
use dtls::{LookupId, SessionId};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{ExchangeError, LookupUnavailable, PreSharedKey};

/// Names an exchange of ours before the endpoint has given it an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(pub(crate) u64);

/// The answer to a lookup.
pub(crate) type Found<X> = Result<Option<PreSharedKey<X>>, LookupUnavailable>;

/// Picks sessions by their context.
pub(crate) type Picks<X> = Box<dyn Fn(&X) -> bool + Send>;

/// Who waits for the outcome of an exchange.
pub(crate) enum Reply {
    Response(oneshot::Sender<Result<Response, ExchangeError>>),
    Observation {
        /// Taken when the first response is there.
        first: Option<oneshot::Sender<Result<First, ExchangeError>>>,
        news: watch::Sender<Option<Response>>,
    },
}

/// The first response to an observation.
pub(crate) struct First {
    pub(crate) response: Response,
    pub(crate) granted: bool,
}

pub(crate) enum Command<X> {
    Key {
        lookup: LookupId,
        session: SessionId,
        found: Found<X>,
    },
    Exchange {
        session: SessionId,
        ticket: Ticket,
        request: Request,
        reliability: Reliability,
        reply: Reply,
    },
    Cancel {
        session: SessionId,
        ticket: Ticket,
    },
    Notify {
        session: SessionId,
        /// The registration.
        request: RequestId,
        response: Response,
        reliability: Reliability,
    },
    Close(SessionId),
    Revoke(SessionId),
    /// Revokes the sessions that a caller picks.
    RevokeWhere(Picks<X>),
    /// Sends the peers of a server elsewhere.
    Retire,
}

/// How handles reach the driver.
pub(crate) type Commands<X> = mpsc::Sender<Command<X>>;

/// Commands that wait at a time; a handle waits while there is no room.
pub(crate) const COMMANDS: usize = 1024;

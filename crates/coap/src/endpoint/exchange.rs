//! A request of ours, and what it has come to.

use alloc::vec::Vec;
use core::time::Duration;

use crate::{Block, BlockSize, MessageId, Request, Response, Token};

use super::{ExchangeId, Reliability};

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Its next message waits to be sent.
    Ready,
    /// Sent, neither acknowledged nor answered.
    Sent,
    /// Acknowledged; the response comes separately.
    Acknowledged,
    /// An observation between notifications.
    Established,
}

/// A request of ours.
pub(crate) struct Exchange {
    pub(crate) id: ExchangeId,
    pub(crate) request: Request,
    pub(crate) reliability: Reliability,
    pub(crate) state: State,
    /// The token of the message sent last.
    pub(crate) token: Token,
    pub(crate) message_id: Option<MessageId>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) upload: Option<Sending>,
    pub(crate) download: Option<Receiving>,
    pub(crate) subscription: Option<Subscription>,
    pub(crate) restarts: u8,
}

/// The blocks of the request's body.
pub(crate) struct Sending {
    /// Where the current block starts.
    pub(crate) offset: usize,
    pub(crate) size: BlockSize,
}

/// The blocks of the response's body.
pub(crate) struct Receiving {
    /// The first part, with its options.
    pub(crate) first: Response,
    pub(crate) body: Vec<u8>,
    /// The block to ask for.
    pub(crate) next: Block,
}

/// The observation that a request asks for.
pub(crate) struct Subscription {
    /// The token of the registration, which the notifications carry.
    pub(crate) token: Token,
    pub(crate) phase: Phase,
    /// Sequence number and time of the newest notification.
    pub(crate) newest: (u32, Duration),
}

/// Where an observation of ours stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Asked for.
    Asked,
    /// Granted, the first response not reported yet.
    Granted,
    /// Granted, and the first response reported.
    Reported,
    /// To be cancelled.
    Cancelling,
}

impl Exchange {
    /// Whether it is only there to cancel an observation.
    pub(crate) fn is_cancelling(&self) -> bool {
        self.in_phase(Phase::Cancelling)
    }

    pub(crate) fn in_phase(&self, phase: Phase) -> bool {
        self.subscription.as_ref().is_some_and(|s| s.phase == phase)
    }

    /// Whether a response with this token answers the message sent last.
    pub(crate) fn awaits(&self, token: Token) -> bool {
        self.token == token && matches!(self.state, State::Sent | State::Acknowledged)
    }

    /// Whether a response with this token is a notification.
    pub(crate) fn observes(&self, token: Token) -> bool {
        self.subscription
            .as_ref()
            .is_some_and(|s| s.token == token && s.phase != Phase::Asked)
    }
}

impl Subscription {
    /// Whether a notification is newer than all before (RFC 7641 3.4).
    pub(crate) fn is_fresh(&self, now: Duration, sequence: u32) -> bool {
        let (newest, received) = self.newest;
        let ahead = sequence.wrapping_sub(newest) & 0x00ff_ffff;
        (ahead != 0 && ahead < 1 << 23) || now > received.saturating_add(REORDERING_LIMIT)
    }
}

/// RFC 7641 3.4.
const REORDERING_LIMIT: Duration = Duration::from_secs(128);

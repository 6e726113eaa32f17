//! What is left of an endpoint between two bursts of traffic.

use alloc::sync::Arc;

use super::message_ids::MessageIds;
use super::random::Random;
use super::{Endpoint, Parameters};

/// The small remainder of an endpoint that has nothing to do and nothing to remember.
///
/// It keeps what must not start anew: message ids, tokens and the random sequence. A server with many idle sessions
/// holds this instead of an [`Endpoint`].
pub struct Resting {
    random: Random,
    message_ids: MessageIds,
    next_token: u32,
    next_id: u64,
}

impl Resting {
    /// The rest of an endpoint that was never used; `random` as for [`Endpoint::new`].
    pub const fn new(random: u64) -> Self {
        let mut random = Random::new(random);
        let [a, b, c, d, e, f, ..] = random.next().to_be_bytes();
        Self {
            random,
            message_ids: MessageIds::new(u16::from_be_bytes([a, b])),
            next_token: u32::from_be_bytes([c, d, e, f]),
            next_id: 0,
        }
    }

    /// The endpoint again.
    pub fn wake(self, parameters: Arc<Parameters>) -> Endpoint {
        Endpoint {
            parameters,
            random: self.random,
            message_ids: self.message_ids,
            next_token: self.next_token,
            next_id: self.next_id,
            outgoing: Default::default(),
            events: Default::default(),
            transmissions: Default::default(),
            seen: Default::default(),
            pending: Default::default(),
            uploads: Default::default(),
            bodies: Default::default(),
            observers: Default::default(),
            exchanges: Default::default(),
            stats: Default::default(),
        }
    }
}

impl Endpoint {
    /// Whether [`rest`](Self::rest) would lose nothing: nothing is under way, observed, remembered, reported or counted.
    pub fn can_rest(&self) -> bool {
        self.is_quiet()
            && self.observers.is_empty()
            && self.exchanges.is_empty()
            && self.next_timeout().is_none()
            && self.stats == Default::default()
    }

    /// Puts the endpoint to rest; what [`can_rest`](Self::can_rest) asks about is lost.
    pub fn rest(self) -> Resting {
        Resting {
            random: self.random,
            message_ids: self.message_ids,
            next_token: self.next_token,
            next_id: self.next_id,
        }
    }
}

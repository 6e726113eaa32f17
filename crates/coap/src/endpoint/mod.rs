//! The message layer of one session: client and server at once, without sockets and clock.

mod answered;
mod bodies;
mod client;
mod client_blocks;
mod event;
mod exchange;
mod message_ids;
mod notify;
mod parameters;
mod random;
mod receive;
mod recognise;
mod respond;
mod rest;
mod seen;
mod serve;
mod transmission;
mod upload;

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

pub use event::{
    EndReason, Event, ExchangeId, Failure, ObservationId, Reliability, RequestError, RequestId,
    Stats, Unknown,
};
pub use parameters::Parameters;
pub use rest::Resting;

use crate::{Header, Kind, MessageId};
use bodies::Bodies;
use exchange::{Exchange, State};
use message_ids::MessageIds;
use notify::Observer;
use random::Random;
use seen::Seen;
use serve::Pending;
use transmission::{Due, Purpose, Transmissions};
use upload::Uploads;

/// The CoAP state of one session with one peer, in both roles.
///
/// Time is a [`Duration`] since any fixed moment, the same for all calls, and never goes back. After each call take
/// what [`poll_transmit`](Self::poll_transmit) and [`poll_event`](Self::poll_event) hold, and call
/// [`tick`](Self::tick) when [`next_timeout`](Self::next_timeout) has come.
///
/// Memory is bounded by [`Parameters`]; an endpoint without traffic gives back what it held for duplicates and
/// transfers.
/// Source: RFC 7252, RFC 7641, RFC 7959.
pub struct Endpoint {
    parameters: Arc<Parameters>,
    random: Random,
    message_ids: MessageIds,
    next_token: u32,
    next_id: u64,
    outgoing: VecDeque<Vec<u8>>,
    events: VecDeque<Event>,
    transmissions: Transmissions,
    seen: Seen,
    pending: Vec<Pending>,
    uploads: Uploads,
    bodies: Bodies,
    observers: Vec<Observer>,
    exchanges: Vec<Exchange>,
    stats: Stats,
}

impl Endpoint {
    /// An endpoint for a new session.
    ///
    /// `random` varies timers, message ids and tokens; it must differ from session to session. Where the session does
    /// not protect its datagrams it must be unpredictable, too (RFC 7252 5.3.1).
    pub fn new(parameters: Arc<Parameters>, random: u64) -> Self {
        Resting::new(random).wake(parameters)
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        let datagram = self.outgoing.pop_front();
        if self.outgoing.is_empty() && self.outgoing.capacity() > 0 {
            self.outgoing = VecDeque::new();
        }
        datagram
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        if self.events.is_empty() && self.events.capacity() > 0 {
            self.events = VecDeque::new();
        }
        event
    }

    /// When [`tick`](Self::tick) is to be called at the latest, unless another call changes it.
    pub fn next_timeout(&self) -> Option<Duration> {
        let exhausted = self.exchanges.iter().any(|e| e.state == State::Ready)
            && self.outstanding() < self.parameters.nstart;
        let retry = exhausted.then(|| {
            let lifetime = self.parameters.exchange_lifetime;
            self.message_ids.next_period(lifetime)
        });
        [
            self.transmissions.next_due(),
            self.pending.iter().filter_map(|p| p.acknowledge_at).min(),
            self.exchanges.iter().filter_map(|e| e.deadline).min(),
            self.seen.next_expiry(),
            self.uploads.next_expiry(),
            self.bodies.next_expiry(),
            retry,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Does what is due: repetitions, acknowledgements ahead of answers, ends of waiting and remembering.
    pub fn tick(&mut self, now: Duration) {
        self.repeat_or_give_up(now);
        self.acknowledge_due(now);
        self.end_overdue_exchanges(now);
        self.seen.expire(now);
        self.uploads.expire(now);
        self.bodies.expire(now);
        self.advance(now);
    }

    /// Whether nothing is under way in either direction; observations and remembered messages may be there.
    pub fn is_quiet(&self) -> bool {
        self.pending.is_empty()
            && self.transmissions.is_empty()
            && self.outgoing.is_empty()
            && self.events.is_empty()
            && self.exchanges.iter().all(|e| e.state == State::Established)
    }

    /// Takes the counts, which start from zero again.
    pub fn take_stats(&mut self) -> Stats {
        core::mem::take(&mut self.stats)
    }

    /// Sends what may start now within NSTART: notifications first, then requests in their order.
    fn advance(&mut self, now: Duration) {
        self.start_notifications(now);
        self.start_exchanges(now);
    }

    /// The interactions that we have started and the peer has not acknowledged (RFC 7252 4.7).
    fn outstanding(&self) -> usize {
        let requests = self.exchanges.iter().filter(|e| e.state == State::Sent);
        let notifications = self.observers.iter().filter(|o| o.in_flight);
        requests.count() + notifications.count()
    }

    fn repeat_or_give_up(&mut self, now: Duration) {
        loop {
            let parameters = Arc::clone(&self.parameters);
            if let Some(Purpose::Notification(id)) =
                self.transmissions.next_repetition(now, &parameters)
            {
                self.refresh_notification(now, id);
            }
            match self.transmissions.take_due(now, &parameters) {
                Some(Due::Repeat(datagram)) => {
                    self.stats.retransmissions += 1;
                    self.outgoing.push_back(datagram);
                }
                Some(Due::GiveUp(purpose)) => {
                    self.stats.timeouts += 1;
                    match purpose {
                        Purpose::Request(id) => self.fail(id, Failure::TimedOut),
                        Purpose::Response => {}
                        Purpose::Notification(id) => {
                            self.end_observation(id, EndReason::TimedOut);
                        }
                    }
                }
                None => return,
            }
        }
    }

    fn new_id(&mut self) -> u64 {
        self.next_id = self.next_id.wrapping_add(1);
        self.next_id
    }

    /// A message id that no message within its lifetime has.
    fn allocate_message_id(&mut self, now: Duration) -> Option<MessageId> {
        let lifetime = self.parameters.exchange_lifetime;
        let id = self.message_ids.allocate(now, lifetime);
        if id.is_none() {
            self.stats.message_ids_exhausted += 1;
        }
        id
    }

    fn send_empty(&mut self, kind: Kind, message_id: MessageId) {
        self.outgoing
            .push_back(Header::empty(kind, message_id).encode_empty());
    }

    /// Sends a confirmable message and repeats it until it is acknowledged.
    fn send_confirmable(
        &mut self,
        now: Duration,
        message_id: MessageId,
        purpose: Purpose,
        datagram: Vec<u8>,
    ) {
        self.outgoing.push_back(datagram.clone());
        self.transmissions.start(
            now,
            message_id,
            purpose,
            datagram,
            &mut self.random,
            &self.parameters,
        );
    }
}

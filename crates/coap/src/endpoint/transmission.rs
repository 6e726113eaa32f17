//! Confirmable messages on their way.

use alloc::vec::Vec;
use core::time::Duration;

use crate::MessageId;

use super::parameters::MAX_SEPARATE_RESPONSES;
use super::random::Random;
use super::{ExchangeId, ObservationId, Parameters};

/// What a confirmable message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A request of ours.
    Request(ExchangeId),
    /// A separate response.
    Response,
    /// A notification.
    Notification(ObservationId),
}

struct Transmission {
    message_id: MessageId,
    purpose: Purpose,
    datagram: Vec<u8>,
    repetitions: u32,
    timeout: Duration,
    due: Duration,
}

/// What becomes of a message that is due.
pub(crate) enum Due {
    /// Send it again.
    Repeat(Vec<u8>),
    /// It was repeated often enough.
    GiveUp(Purpose),
}

/// The confirmable messages that wait for their acknowledgement.
///
/// Source: RFC 7252 4.2.
#[derive(Default)]
pub(crate) struct Transmissions {
    list: Vec<Transmission>,
}

impl Transmissions {
    /// Takes a message that is sent now.
    pub(crate) fn start(
        &mut self,
        now: Duration,
        message_id: MessageId,
        purpose: Purpose,
        datagram: Vec<u8>,
        random: &mut Random,
        parameters: &Parameters,
    ) {
        if purpose == Purpose::Response {
            self.make_room_for_response();
        }
        let timeout = parameters.ack_timeout + random.up_to(parameters.ack_random_span);
        self.list.push(Transmission {
            message_id,
            purpose,
            datagram,
            repetitions: 0,
            timeout,
            due: now.saturating_add(timeout),
        });
    }

    fn make_room_for_response(&mut self) {
        let is_response = |entry: &Transmission| entry.purpose == Purpose::Response;
        if self.list.iter().filter(|entry| is_response(entry)).count() >= MAX_SEPARATE_RESPONSES
            && let Some(oldest) = self.list.iter().position(is_response)
        {
            self.list.remove(oldest);
        }
    }

    /// What the message with this id carries, if it waits.
    pub(crate) fn purpose(&self, message_id: MessageId) -> Option<Purpose> {
        let entry = self.list.iter().find(|e| e.message_id == message_id)?;
        Some(entry.purpose)
    }

    /// Ends the message with this id.
    pub(crate) fn finish(&mut self, message_id: MessageId) {
        self.list.retain(|entry| entry.message_id != message_id);
        self.shrink();
    }

    /// Ends what serves this purpose.
    pub(crate) fn cancel(&mut self, purpose: Purpose) {
        self.list.retain(|entry| entry.purpose != purpose);
        self.shrink();
    }

    /// Puts a newer message in the place of one that is due, which keeps its count and timer (RFC 7641 4.5.2).
    pub(crate) fn replace(&mut self, purpose: Purpose, message_id: MessageId, datagram: Vec<u8>) {
        if let Some(entry) = self.list.iter_mut().find(|e| e.purpose == purpose) {
            entry.message_id = message_id;
            entry.datagram = datagram;
        }
    }

    /// The purpose of a message that is due and will be repeated.
    pub(crate) fn next_repetition(
        &self,
        now: Duration,
        parameters: &Parameters,
    ) -> Option<Purpose> {
        let entry = self.list.iter().find(|entry| entry.due <= now)?;
        (entry.repetitions < parameters.max_retransmit).then_some(entry.purpose)
    }

    /// The next message that is due.
    pub(crate) fn take_due(&mut self, now: Duration, parameters: &Parameters) -> Option<Due> {
        let at = self.list.iter().position(|entry| entry.due <= now)?;
        let entry = self.list.get_mut(at)?;
        if entry.repetitions >= parameters.max_retransmit {
            let entry = self.list.remove(at);
            self.shrink();
            return Some(Due::GiveUp(entry.purpose));
        }
        entry.repetitions += 1;
        entry.timeout = entry.timeout.saturating_mul(2);
        entry.due = now.saturating_add(entry.timeout);
        Some(Due::Repeat(entry.datagram.clone()))
    }

    /// When the next message is due.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.list.iter().map(|entry| entry.due).min()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    fn shrink(&mut self) {
        if self.list.is_empty() {
            self.list = Vec::new();
        }
    }
}

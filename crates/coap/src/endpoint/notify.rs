//! Observations that the peer holds with us.

use alloc::vec::Vec;
use core::time::Duration;

use crate::{Header, Kind, MessageId, OptionNumber, Response, Token};

use super::bodies::Wanted;
use super::serve::Pending;
use super::transmission::Purpose;
use super::{EndReason, Endpoint, Event, ObservationId, Reliability, Unknown};

/// One observation of the peer.
pub(crate) struct Observer {
    pub(crate) id: ObservationId,
    token: Token,
    key: Vec<u8>,
    wanted: Wanted,
    pub(crate) sequence: u32,
    /// A confirmable notification waits for its acknowledgement.
    pub(crate) in_flight: bool,
    /// The newest notification that could not be sent yet.
    waiting: Option<(Response, Reliability)>,
    pub(crate) last_non_confirmable: Option<MessageId>,
    last_confirmable: Duration,
}

impl Observer {
    pub(crate) fn new(id: ObservationId, pending: &Pending, now: Duration) -> Self {
        Self {
            id,
            token: pending.token,
            key: pending.key.clone(),
            wanted: pending.wanted,
            sequence: 1,
            in_flight: false,
            waiting: None,
            last_non_confirmable: None,
            last_confirmable: now,
        }
    }

    /// The sequence number of a notification, above those before in the sense of RFC 7641 3.4.
    const fn next_sequence(&mut self) -> u32 {
        self.sequence = (self.sequence + 1) & 0x00ff_ffff;
        self.sequence
    }
}

impl Endpoint {
    /// Tells the peer of a new representation of what it observes; an error code ends the observation.
    ///
    /// Only the newest representation matters: one that could not leave yet, because an earlier one is not
    /// acknowledged, is replaced (RFC 7641 4.5.2). Once in 24 hours a notification is confirmable in any case.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the observation is over.
    pub fn notify(
        &mut self,
        now: Duration,
        id: ObservationId,
        response: Response,
        reliability: Reliability,
    ) -> Result<(), Unknown> {
        let observer = self.observers.iter_mut().find(|o| o.id == id);
        observer.ok_or(Unknown)?.waiting = Some((response, reliability));
        self.advance(now);
        Ok(())
    }

    /// The observation that the peer holds with this token.
    pub(super) fn observation_with_token(&self, token: Token) -> Option<ObservationId> {
        let observer = self.observers.iter().find(|o| o.token == token)?;
        Some(observer.id)
    }

    /// Ends an observation and whatever is on its way for it.
    pub(super) fn end_observation(&mut self, id: ObservationId, reason: EndReason) {
        let before = self.observers.len();
        self.transmissions.cancel(Purpose::Notification(id));
        self.observers.retain(|observer| observer.id != id);
        if self.observers.len() < before {
            self.events
                .push_back(Event::ObservationEnded { id, reason });
        }
        if self.observers.is_empty() {
            self.observers = Vec::new();
        }
    }

    pub(super) fn notification_acknowledged(&mut self, id: ObservationId) {
        if let Some(observer) = self.observers.iter_mut().find(|o| o.id == id) {
            observer.in_flight = false;
        }
    }

    /// Sends what waits and may leave.
    pub(super) fn start_notifications(&mut self, now: Duration) {
        let mut index = 0;
        while index < self.observers.len() {
            if self.may_leave(now, index) && self.send_notification(now, index) {
                continue;
            }
            index += 1;
        }
    }

    fn may_leave(&self, now: Duration, index: usize) -> bool {
        self.observers.get(index).is_some_and(|observer| {
            let confirmable = effective(now, observer) == Some(Reliability::Confirmable);
            observer.waiting.is_some()
                && !observer.in_flight
                && (!confirmable || self.outstanding() < self.parameters.nstart)
        })
    }

    /// Sends the waiting notification of one observer; `true` if that has ended the observation.
    fn send_notification(&mut self, now: Duration, index: usize) -> bool {
        let Some(message_id) = self.allocate_message_id(now) else {
            return false;
        };
        let Some((purpose, kind, datagram)) = self.encode_notification(now, index, message_id)
        else {
            return false;
        };
        self.stats.notifications += 1;
        if kind == Kind::Confirmable {
            self.send_confirmable(now, message_id, purpose, datagram);
        } else {
            self.outgoing.push_back(datagram);
        }
        let last = purpose == Purpose::Response;
        if last {
            self.observers.remove(index);
        } else if let Some(observer) = self.observers.get_mut(index) {
            if kind == Kind::Confirmable {
                observer.in_flight = true;
                observer.last_confirmable = now;
            } else {
                observer.last_non_confirmable = Some(message_id);
            }
        }
        last
    }

    /// Puts the newest representation into a notification that is about to be repeated.
    pub(super) fn refresh_notification(&mut self, now: Duration, id: ObservationId) {
        let Some(index) = self.observers.iter().position(|o| o.id == id) else {
            return;
        };
        let stale = self.observers.get(index).is_some_and(|observer| {
            // an error ends the observation, and has to wait for its own transmission
            matches!(&observer.waiting, Some((response, _)) if response.is_success())
        });
        if stale
            && let Some(message_id) = self.allocate_message_id(now)
            && let Some((purpose, _, datagram)) = self.encode_notification(now, index, message_id)
        {
            self.transmissions.replace(purpose, message_id, datagram);
        }
    }

    /// Encodes the waiting notification of one observer, and takes it.
    fn encode_notification(
        &mut self,
        now: Duration,
        index: usize,
        message_id: MessageId,
    ) -> Option<(Purpose, Kind, Vec<u8>)> {
        let observer = self.observers.get_mut(index)?;
        let reliability = effective(now, observer)?;
        let (response, _) = observer.waiting.take()?;
        let last = !response.is_success();
        let mut part = self.bodies.cut(
            now,
            &observer.key,
            response,
            observer.wanted,
            &self.parameters,
        );
        if !last {
            let sequence = observer.next_sequence();
            part.options.set_uint(OptionNumber::OBSERVE, sequence);
        }
        let kind = match reliability {
            Reliability::Confirmable => Kind::Confirmable,
            Reliability::NonConfirmable => Kind::NonConfirmable,
        };
        let purpose = if last {
            Purpose::Response
        } else {
            Purpose::Notification(observer.id)
        };
        let header = Header {
            kind,
            code: part.code,
            message_id,
            token: observer.token,
        };
        Some((
            purpose,
            kind,
            header.encode(part.options.iter(), &part.payload),
        ))
    }
}

/// How the waiting notification leaves: confirmable at least once in 24 hours (RFC 7641 4.5).
fn effective(now: Duration, observer: &Observer) -> Option<Reliability> {
    let (_, reliability) = observer.waiting.as_ref()?;
    let overdue = now.saturating_sub(observer.last_confirmable) >= DAY;
    Some(if overdue {
        Reliability::Confirmable
    } else {
        *reliability
    })
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

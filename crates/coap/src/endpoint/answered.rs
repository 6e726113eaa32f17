//! Responses and notifications to our own requests.

use core::time::Duration;

use crate::{Header, Kind, Message, OptionNumber, Response};

use super::client_blocks::Next;
use super::exchange::{Phase, State};
use super::recognise::{BadOption, Recognised};
use super::transmission::Purpose;
use super::{Endpoint, Event, ExchangeId, Failure};

impl Endpoint {
    pub(super) fn acknowledged(&mut self, now: Duration, id: ExchangeId) {
        let deadline = now.saturating_add(self.parameters.response_timeout);
        if let Some(exchange) = self.exchanges.iter_mut().find(|e| e.id == id) {
            exchange.state = State::Acknowledged;
            exchange.deadline = Some(deadline);
        }
    }

    pub(super) fn handle_piggybacked_response(
        &mut self,
        now: Duration,
        id: ExchangeId,
        message: &Message<'_>,
    ) {
        let Header {
            message_id, token, ..
        } = message.header;
        let Some(at) = self.exchanges.iter().position(|e| e.id == id) else {
            return;
        };
        if !self.exchanges.get(at).is_some_and(|e| e.awaits(token)) {
            return;
        }
        self.transmissions.finish(message_id);
        match Recognised::read(message.options) {
            Ok(recognised) => self.take_response(now, at, message, recognised),
            Err(BadOption) => self.fail(id, Failure::Unacceptable),
        }
    }

    /// Takes a response in a message of its own: to a request acknowledged before, or a notification.
    pub(super) fn handle_separate_response(&mut self, now: Duration, message: &Message<'_>) {
        let Header {
            kind,
            message_id,
            token,
            ..
        } = message.header;
        let answered = self.exchanges.iter().position(|e| e.awaits(token));
        let notified = self.exchanges.iter().position(|e| e.observes(token));
        let Some(at) = answered.or(notified) else {
            self.reject_unexpected(message);
            return;
        };
        let Some((id, cancelling)) = self
            .exchanges
            .get(at)
            .map(|exchange| (exchange.id, exchange.is_cancelling()))
        else {
            return;
        };
        let Ok(recognised) = Recognised::read(message.options) else {
            self.reject(kind, message_id);
            self.fail(id, Failure::Unacceptable);
            return;
        };
        self.remember(now, kind, message_id);
        if kind == Kind::Confirmable {
            self.acknowledge(message_id);
        } else {
            self.seen.answer(message_id, None, &self.parameters);
        }
        if cancelling && recognised.observe.is_some() {
            // a notification that was under way is not the answer to the cancellation
            return;
        }
        if answered.is_none() {
            self.take_notification(now, at, message, recognised);
        } else {
            // the response proves that the request arrived (RFC 7252 5.2.2)
            self.transmissions.cancel(Purpose::Request(id));
            self.take_response(now, at, message, recognised);
        }
    }

    /// Rejects a response that nobody waits for; a reset also ends a forgotten observation (RFC 7641 3.6).
    fn reject_unexpected(&mut self, message: &Message<'_>) {
        let Header {
            kind, message_id, ..
        } = message.header;
        let mut options = message.options;
        let observed = options.any(|option| option.number == OptionNumber::OBSERVE);
        if kind == Kind::NonConfirmable && observed {
            self.send_empty(Kind::Reset, message_id);
        }
        self.reject(kind, message_id);
    }

    fn take_response(
        &mut self,
        now: Duration,
        at: usize,
        message: &Message<'_>,
        recognised: Recognised,
    ) {
        let Some(exchange) = self.exchanges.get_mut(at) else {
            return;
        };
        let code = message.header.code;
        let sequence = recognised.observe.filter(|_| code.is_success());
        if exchange.is_cancelling() {
            let id = exchange.id;
            self.remove(id);
            return;
        }
        exchange.deadline = None;
        if let (Some(subscription), Some(sequence)) = (&mut exchange.subscription, sequence)
            && subscription.phase == Phase::Asked
        {
            subscription.phase = Phase::Granted;
            subscription.newest = (sequence, now);
        }
        let next = exchange.take_blocks(code, recognised, message.payload, &self.parameters);
        self.follow(at, next);
    }

    fn take_notification(
        &mut self,
        now: Duration,
        at: usize,
        message: &Message<'_>,
        recognised: Recognised,
    ) {
        let Some(exchange) = self.exchanges.get_mut(at) else {
            return;
        };
        let code = message.header.code;
        let id = exchange.id;
        let Some(subscription) = &mut exchange.subscription else {
            return;
        };
        match recognised.observe.filter(|_| code.is_success()) {
            Some(sequence) if subscription.is_fresh(now, sequence) => {
                subscription.newest = (sequence, now);
            }
            Some(_) => return,
            // an error, or a representation without Observe, is the last (RFC 7641 3.2 and 4.2)
            None => {
                exchange.subscription = None;
                let response = Response {
                    code,
                    options: recognised.options,
                    payload: message.payload.to_vec(),
                };
                self.transmissions.cancel(Purpose::Request(id));
                self.remove(id);
                self.events.push_back(Event::Notification {
                    id,
                    response,
                    ended: true,
                });
                return;
            }
        }
        // blocks of an older representation are of no use any more (RFC 7959 2.6)
        exchange.download = None;
        exchange.deadline = None;
        let next = exchange.take_blocks(code, recognised, message.payload, &self.parameters);
        self.transmissions.cancel(Purpose::Request(id));
        self.follow(at, next);
    }

    /// Does what the blocks of a response lead to.
    fn follow(&mut self, at: usize, next: Next) {
        let Some(exchange) = self.exchanges.get_mut(at) else {
            return;
        };
        let id = exchange.id;
        match next {
            Next::Ask => exchange.state = State::Ready,
            Next::Fail(failure) => self.fail(id, failure),
            Next::Deliver(response) => self.deliver(at, response),
        }
    }

    fn deliver(&mut self, at: usize, response: Response) {
        let Some(exchange) = self.exchanges.get_mut(at) else {
            return;
        };
        let id = exchange.id;
        exchange.download = None;
        exchange.restarts = 0;
        match &mut exchange.subscription {
            Some(subscription) if subscription.phase == Phase::Reported => {
                exchange.state = State::Established;
                let ended = !response.is_success();
                if ended {
                    self.remove(id);
                }
                self.events.push_back(Event::Notification {
                    id,
                    response,
                    ended,
                });
            }
            Some(subscription) if subscription.phase == Phase::Granted && response.is_success() => {
                subscription.phase = Phase::Reported;
                exchange.state = State::Established;
                self.events.push_back(Event::Response {
                    id,
                    response,
                    observing: true,
                });
            }
            _ => {
                self.remove(id);
                self.events.push_back(Event::Response {
                    id,
                    response,
                    observing: false,
                });
            }
        }
    }
}

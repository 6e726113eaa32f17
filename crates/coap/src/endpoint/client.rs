//! Our own requests.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use crate::{Block, BlockSize, Header, Kind, MessageId, Method, OptionNumber, Request, Token};

use super::exchange::{Exchange, Phase, Sending, State, Subscription};
use super::serve::{OBSERVE_DEREGISTER, OBSERVE_REGISTER};
use super::transmission::Purpose;
use super::{Endpoint, Event, ExchangeId, Failure, Parameters, Reliability, RequestError};

impl Endpoint {
    /// Starts a request; it leaves as soon as NSTART admits, and a large body leaves in blocks.
    ///
    /// Ends in [`Event::Response`] or [`Event::Failed`].
    ///
    /// # Errors
    ///
    /// [`RequestError`] if too many requests are open or the body is too large.
    pub fn request(
        &mut self,
        now: Duration,
        request: Request,
        reliability: Reliability,
    ) -> Result<ExchangeId, RequestError> {
        self.start(now, request, reliability, None)
    }

    /// Starts an observation (RFC 7641 3.1).
    ///
    /// Leads to [`Event::Response`], which tells whether the server grants it, and then to [`Event::Notification`]s,
    /// until one has `ended`, [`Event::Failed`] comes, or it is [cancelled](Self::cancel).
    ///
    /// # Errors
    ///
    /// [`RequestError`] if too many requests are open or the body is too large.
    pub fn observe(&mut self, now: Duration, request: Request) -> Result<ExchangeId, RequestError> {
        let subscription = Subscription {
            token: Token::EMPTY,
            phase: Phase::Asked,
            newest: (0, now),
        };
        self.start(now, request, Reliability::Confirmable, Some(subscription))
    }

    /// Gives a request up, or cancels an observation at the server; no event follows.
    pub fn cancel(&mut self, now: Duration, id: ExchangeId) {
        let Some(exchange) = self.exchanges.iter_mut().find(|e| e.id == id) else {
            return;
        };
        let established = exchange.in_phase(Phase::Granted) || exchange.in_phase(Phase::Reported);
        self.transmissions.cancel(Purpose::Request(id));
        match &mut exchange.subscription {
            Some(subscription) if established => {
                subscription.phase = Phase::Cancelling;
                exchange.state = State::Ready;
                exchange.deadline = None;
                exchange.download = None;
            }
            _ => self.remove(id),
        }
        self.advance(now);
    }

    fn start(
        &mut self,
        now: Duration,
        request: Request,
        reliability: Reliability,
        subscription: Option<Subscription>,
    ) -> Result<ExchangeId, RequestError> {
        if self.exchanges.len() >= self.parameters.max_exchanges {
            return Err(RequestError::TooManyRequests);
        }
        let size = self.parameters.block_size_beside(&request.options);
        let length = request.payload.len();
        let aligned = length - length % size.octets();
        Block::at(aligned, false, size).ok_or(RequestError::BodyTooLarge)?;
        let id = ExchangeId(self.new_id());
        self.exchanges.push(Exchange {
            id,
            upload: (length > size.octets()).then_some(Sending { offset: 0, size }),
            request,
            reliability,
            state: State::Ready,
            token: Token::EMPTY,
            message_id: None,
            deadline: None,
            download: None,
            subscription,
            restarts: 0,
        });
        self.advance(now);
        Ok(id)
    }

    /// Sends the next message of requests that are ready, as many as NSTART admits.
    pub(super) fn start_exchanges(&mut self, now: Duration) {
        while self.outstanding() < self.parameters.nstart
            && let Some(at) = self.exchanges.iter().position(|e| e.state == State::Ready)
            && let Some(message_id) = self.allocate_message_id(now)
        {
            let fresh = Token::from_number(self.next_token);
            self.next_token = self.next_token.wrapping_add(1);
            let parameters = Arc::clone(&self.parameters);
            let response_timeout = self.parameters.response_timeout;
            let Some(exchange) = self.exchanges.get_mut(at) else {
                return;
            };
            let datagram = exchange.encode(message_id, fresh, &parameters);
            exchange.state = State::Sent;
            exchange.message_id = Some(message_id);
            if exchange.reliability == Reliability::Confirmable {
                let purpose = Purpose::Request(exchange.id);
                self.send_confirmable(now, message_id, purpose, datagram);
            } else {
                exchange.deadline = Some(now.saturating_add(response_timeout));
                self.outgoing.push_back(datagram);
            }
        }
    }

    /// Ends a request without an answer.
    pub(super) fn fail(&mut self, id: ExchangeId, failure: Failure) {
        self.transmissions.cancel(Purpose::Request(id));
        let silent = self
            .exchanges
            .iter()
            .any(|e| e.id == id && e.is_cancelling());
        self.remove(id);
        if !silent {
            self.events.push_back(Event::Failed { id, failure });
        }
    }

    pub(super) fn end_overdue_exchanges(&mut self, now: Duration) {
        while let Some(exchange) = self
            .exchanges
            .iter()
            .find(|e| e.deadline.is_some_and(|deadline| deadline <= now))
        {
            let id = exchange.id;
            self.fail(id, Failure::TimedOut);
        }
    }

    /// The non-confirmable request that was sent under this message id.
    pub(super) fn non_confirmable_exchange(&self, message_id: MessageId) -> Option<ExchangeId> {
        let exchange = self.exchanges.iter().find(|e| {
            e.reliability == Reliability::NonConfirmable
                && e.state == State::Sent
                && e.message_id == Some(message_id)
        })?;
        Some(exchange.id)
    }

    pub(super) fn remove(&mut self, id: ExchangeId) {
        self.exchanges.retain(|exchange| exchange.id != id);
        if self.exchanges.is_empty() {
            self.exchanges = Vec::new();
        }
    }
}

impl Exchange {
    /// Encodes the next message: the request or a block of it, a request for a further block of the response, or a
    /// cancellation.
    fn encode(&mut self, message_id: MessageId, fresh: Token, parameters: &Parameters) -> Vec<u8> {
        let size = parameters.block_size_beside(&self.request.options);
        let mut options = self.request.options.clone();
        let mut payload: &[u8] = &self.request.payload;
        self.token = fresh;
        if let Some(subscription) = &mut self.subscription {
            match subscription.phase {
                Phase::Asked => {
                    subscription.token = fresh;
                    options.set_uint(OptionNumber::OBSERVE, OBSERVE_REGISTER);
                }
                Phase::Cancelling => {
                    self.token = subscription.token;
                    options.set_uint(OptionNumber::OBSERVE, OBSERVE_DEREGISTER);
                }
                Phase::Granted | Phase::Reported => {}
            }
        }
        if let Some(receiving) = &self.download {
            options.set_uint(OptionNumber::BLOCK2, receiving.next.to_uint());
            // a FETCH needs its body to name the representation, unless that went in blocks; others must not be
            // executed again
            if self.request.method != Method::Fetch || payload.len() > size.octets() {
                payload = &[];
            }
        } else if parameters.block_size < BlockSize::MAX {
            let wanted = Block {
                number: 0,
                more: false,
                size: parameters.block_size,
            };
            options.set_uint(OptionNumber::BLOCK2, wanted.to_uint());
        }
        if let Some(sending) = &self.upload
            && let Some((part, block)) = sending.part(payload)
        {
            options.set_uint(OptionNumber::BLOCK1, block.to_uint());
            let [.., high, low] = self.id.0.to_be_bytes();
            options.push(OptionNumber::REQUEST_TAG, &[high, low]);
            if sending.offset == 0 {
                let total = u32::try_from(payload.len()).unwrap_or(u32::MAX);
                options.set_uint(OptionNumber::SIZE1, total);
            }
            payload = part;
        }
        let header = Header {
            kind: match self.reliability {
                Reliability::Confirmable => Kind::Confirmable,
                Reliability::NonConfirmable => Kind::NonConfirmable,
            },
            code: self.request.method.code(),
            message_id,
            token: self.token,
        };
        header.encode(options.iter(), payload)
    }
}

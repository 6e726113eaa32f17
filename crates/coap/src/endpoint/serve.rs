//! Requests of the peer, until they are in the hands of the application.

use alloc::vec::Vec;
use core::time::Duration;

use crate::options::encode_option;
use crate::{
    Block, Code, Header, Kind, Message, MessageId, Method, OptionNumber, Options, Request,
    Response, Token,
};

use super::bodies::Wanted;
use super::recognise::{BadOption, Recognised};
use super::upload::Step;
use super::{EndReason, Endpoint, Event, RequestId};

/// A request of the peer that waits for its answer.
pub(crate) struct Pending {
    pub(crate) id: RequestId,
    pub(crate) message_id: MessageId,
    pub(crate) token: Token,
    pub(crate) confirmable: bool,
    /// When an empty acknowledgement goes ahead of the answer; `None` once it has, or if it must not.
    pub(crate) acknowledge_at: Option<Duration>,
    pub(crate) acknowledged: bool,
    /// Names the resource and what selects its representation.
    pub(crate) key: Vec<u8>,
    pub(crate) block1: Option<Block>,
    pub(crate) wanted: Wanted,
    pub(crate) observe: bool,
}

impl Endpoint {
    /// Handles a request that is no duplicate.
    pub(super) fn handle_request(&mut self, now: Duration, message: &Message<'_>) {
        let Header {
            kind,
            message_id,
            token,
            ..
        } = message.header;
        let recognised = Recognised::read(message.options);
        if recognised.is_err() && kind == Kind::NonConfirmable {
            // RFC 7252 5.4.1: rejected, not answered
            self.reject(kind, message_id);
            return;
        }
        self.stats.requests += 1;
        self.remember(now, kind, message_id);
        let confirmable = kind == Kind::Confirmable;
        let mut pending = Pending {
            id: RequestId(self.new_id()),
            message_id,
            token,
            confirmable,
            acknowledge_at: None,
            acknowledged: false,
            key: Vec::new(),
            block1: None,
            wanted: Wanted::default(),
            observe: false,
        };
        let judged = recognised
            .map_err(|BadOption| Response::new(Code::BAD_OPTION))
            .and_then(|recognised| self.judge(now, &mut pending, message, recognised));
        match judged {
            Ok(request) => {
                pending.acknowledge_at =
                    confirmable.then(|| now.saturating_add(self.parameters.acknowledge_after));
                self.events.push_back(Event::Request {
                    id: pending.id,
                    request,
                    observe: pending.observe,
                });
                self.pending.push(pending);
            }
            Err(answer) => self.send_answer(now, &pending, answer, None),
        }
    }

    /// Remembers a message against duplicates.
    pub(super) fn remember(&mut self, now: Duration, kind: Kind, message_id: MessageId) {
        let lifetime = match kind {
            Kind::NonConfirmable => self.parameters.non_lifetime,
            _ => self.parameters.exchange_lifetime,
        };
        let expires = now.saturating_add(lifetime);
        self.seen.insert(now, message_id, expires, &self.parameters);
    }

    /// The whole request for the application, or the answer that the machine gives itself.
    fn judge(
        &mut self,
        now: Duration,
        pending: &mut Pending,
        message: &Message<'_>,
        recognised: Recognised,
    ) -> Result<Request, Response> {
        if recognised.proxy {
            return Err(Response::new(Code::PROXYING_NOT_SUPPORTED));
        }
        let method = Method::from_code(message.header.code)
            .ok_or_else(|| Response::new(Code::METHOD_NOT_ALLOWED))?;
        let block1 = block(recognised.block1)?;
        pending.wanted = Wanted {
            block: block(recognised.block2)?,
            size: recognised.size2.is_some(),
        };
        pending.key = cache_key(method, &recognised.options);
        if method == Method::Fetch && block1.is_none() {
            // the body names the representation (RFC 8132 2)
            pending.key.extend_from_slice(message.payload);
        }
        if method.is_safe() {
            self.judge_observe(pending, recognised.observe);
        }
        let payload = match block1 {
            None => message.payload.to_vec(),
            Some(block) => {
                let tag = recognised.request_tag.as_deref();
                self.take_block(now, pending, block, tag, message.payload, recognised.size1)?
            }
        };
        if pending.wanted.block.is_some_and(|block| block.number > 0) {
            let next = self
                .bodies
                .next(now, &pending.key, pending.wanted, &self.parameters);
            if let Some(part) = next {
                return Err(part);
            }
            if !method.is_safe() {
                // the body is gone, and the handler must not run again for it
                return Err(Response::new(Code::REQUEST_ENTITY_INCOMPLETE));
            }
        }
        if self.pending.len() >= self.parameters.max_pending {
            let after = self.parameters.acknowledge_after;
            return Err(Response::retry_later(Code::SERVICE_UNAVAILABLE, after));
        }
        Ok(Request {
            method,
            options: recognised.options,
            payload,
        })
    }

    /// Notes a registration, or ends an observation (RFC 7641 3.1 and 3.6).
    fn judge_observe(&mut self, pending: &mut Pending, observe: Option<u32>) {
        let first_block = pending.wanted.block.is_none_or(|block| block.number == 0);
        match observe {
            Some(OBSERVE_REGISTER) => pending.observe = first_block,
            Some(OBSERVE_DEREGISTER) => {
                if let Some(id) = self.observation_with_token(pending.token) {
                    self.end_observation(id, EndReason::Cancelled);
                }
            }
            _ => {}
        }
    }

    /// Takes one block of a body, and returns the body when it is whole.
    fn take_block(
        &mut self,
        now: Duration,
        pending: &mut Pending,
        block: Block,
        tag: Option<&[u8]>,
        payload: &[u8],
        size1: Option<u32>,
    ) -> Result<Vec<u8>, Response> {
        let mut key = pending.key.clone();
        if let Some(tag) = tag {
            let option = crate::OptionRef {
                number: OptionNumber::REQUEST_TAG,
                value: tag,
            };
            encode_option(&mut key, OptionNumber(0), option);
        }
        match self
            .uploads
            .accept(now, key, block, payload, size1, &self.parameters)
        {
            Step::Complete(body) => {
                pending.block1 = Some(block);
                Ok(body)
            }
            Step::Continue(block) => {
                pending.block1 = Some(block);
                Err(Response::new(Code::CONTINUE))
            }
            Step::Refuse(answer) => Err(answer),
        }
    }

    /// Acknowledges requests whose answer takes long (RFC 7252 5.2.2).
    pub(super) fn acknowledge_due(&mut self, now: Duration) {
        for index in 0..self.pending.len() {
            let Some(pending) = self.pending.get_mut(index) else {
                return;
            };
            if pending.acknowledge_at.is_some_and(|at| at <= now) {
                pending.acknowledge_at = None;
                pending.acknowledged = true;
                let message_id = pending.message_id;
                self.acknowledge(message_id);
            }
        }
    }

    /// Sends an empty acknowledgement, now and for each duplicate.
    pub(super) fn acknowledge(&mut self, message_id: MessageId) {
        let datagram = Header::empty(Kind::Acknowledgement, message_id).encode_empty();
        self.seen
            .answer(message_id, Some(&datagram), &self.parameters);
        self.outgoing.push_back(datagram);
    }
}

/// Reads a block option; 4.00 for the reserved size (RFC 7959 2.2).
fn block(value: Option<u32>) -> Result<Option<Block>, Response> {
    value
        .map(|value| Block::from_uint(value).ok_or_else(|| Response::new(Code::BAD_REQUEST)))
        .transpose()
}

/// Names the representation that a request is about: its method and all options but those of the transfer and ETag
/// (RFC 7252 5.6, RFC 7959 2.4).
fn cache_key(method: Method, options: &Options) -> Vec<u8> {
    let mut key = Vec::from([method.code().byte()]);
    let mut previous = OptionNumber(0);
    for option in options.iter().filter(|o| o.number != OptionNumber::ETAG) {
        encode_option(&mut key, previous, option);
        previous = option.number;
    }
    key
}

/// Observe in a request: register.
pub(crate) const OBSERVE_REGISTER: u32 = 0;
/// Observe in a request: deregister.
pub(crate) const OBSERVE_DEREGISTER: u32 = 1;

//! Answers to requests of the peer.

use core::time::Duration;

use crate::{Header, Kind, OptionNumber, Response};

use super::notify::Observer;
use super::serve::Pending;
use super::transmission::Purpose;
use super::{EndReason, Endpoint, ObservationId, RequestId, Unknown};

impl Endpoint {
    /// Answers a request: on the back of its acknowledgement if that has not been sent, separately otherwise.
    ///
    /// A large body is cut into blocks.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the request was answered already.
    pub fn respond(
        &mut self,
        now: Duration,
        id: RequestId,
        response: Response,
    ) -> Result<(), Unknown> {
        let pending = self.take_pending(id)?;
        self.cut_and_send(now, &pending, response, None);
        Ok(())
    }

    /// Answers a request, and grants the observation if one was asked for.
    ///
    /// Returns `None` where there is no observation: not asked for, an error answer, or too many of them; the client
    /// sees that from the missing Observe option (RFC 7641 4.1).
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the request was answered already.
    pub fn respond_and_observe(
        &mut self,
        now: Duration,
        id: RequestId,
        response: Response,
    ) -> Result<Option<ObservationId>, Unknown> {
        let pending = self.take_pending(id)?;
        let observation = (pending.observe && response.is_success())
            .then(|| self.grant_observation(now, &pending))
            .flatten();
        let sequence = observation.map(|(_, sequence)| sequence);
        self.cut_and_send(now, &pending, response, sequence);
        Ok(observation.map(|(id, _)| id))
    }

    /// Demands that the answer rides on the acknowledgement of the request, however long it takes.
    ///
    /// To be called as soon as the request is reported; the caller then answers before the peer repeats the request
    /// for the first time, within 2 s less the way of the datagram.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the request was answered already.
    pub fn require_piggyback(&mut self, id: RequestId) -> Result<(), Unknown> {
        let pending = self.pending.iter_mut().find(|pending| pending.id == id);
        pending.ok_or(Unknown)?.acknowledge_at = None;
        Ok(())
    }

    fn take_pending(&mut self, id: RequestId) -> Result<Pending, Unknown> {
        let at = self.pending.iter().position(|pending| pending.id == id);
        let pending = self.pending.remove(at.ok_or(Unknown)?);
        if self.pending.is_empty() {
            self.pending = alloc::vec::Vec::new();
        }
        Ok(pending)
    }

    fn cut_and_send(
        &mut self,
        now: Duration,
        pending: &Pending,
        response: Response,
        sequence: Option<u32>,
    ) {
        let part = self.bodies.cut(
            now,
            &pending.key,
            response,
            pending.wanted,
            &self.parameters,
        );
        self.send_answer(now, pending, part, sequence);
    }

    /// Sends an answer as it is, and keeps it for duplicates of the request.
    pub(super) fn send_answer(
        &mut self,
        now: Duration,
        pending: &Pending,
        mut answer: Response,
        sequence: Option<u32>,
    ) {
        if let Some(block) = pending.block1 {
            let value = block.to_uint();
            answer.options.set_uint(OptionNumber::BLOCK1, value);
        }
        if let Some(sequence) = sequence {
            answer.options.set_uint(OptionNumber::OBSERVE, sequence);
        }
        let piggybacked = pending.confirmable && !pending.acknowledged;
        let (kind, message_id) = if piggybacked {
            (Kind::Acknowledgement, pending.message_id)
        } else {
            let Some(message_id) = self.allocate_message_id(now) else {
                return;
            };
            let confirmable = pending.confirmable;
            (
                if confirmable {
                    Kind::Confirmable
                } else {
                    Kind::NonConfirmable
                },
                message_id,
            )
        };
        let header = Header {
            kind,
            code: answer.code,
            message_id,
            token: pending.token,
        };
        let datagram = header.encode(answer.options.iter(), &answer.payload);
        match kind {
            Kind::Acknowledgement => {
                self.seen
                    .answer(message_id, Some(&datagram), &self.parameters);
                self.outgoing.push_back(datagram);
            }
            Kind::Confirmable => {
                self.send_confirmable(now, message_id, Purpose::Response, datagram);
            }
            Kind::NonConfirmable | Kind::Reset => {
                self.seen.answer(pending.message_id, None, &self.parameters);
                self.outgoing.push_back(datagram);
            }
        }
    }

    /// Enters an observer, in the place of one with the same token (RFC 7641 4.1).
    fn grant_observation(
        &mut self,
        now: Duration,
        pending: &Pending,
    ) -> Option<(ObservationId, u32)> {
        if let Some(id) = self.observation_with_token(pending.token) {
            self.end_observation(id, EndReason::Replaced);
        }
        if self.observers.len() >= self.parameters.max_observations {
            return None;
        }
        let id = ObservationId(self.new_id());
        let observer = Observer::new(id, pending, now);
        let sequence = observer.sequence;
        self.observers.push(observer);
        Some((id, sequence))
    }
}

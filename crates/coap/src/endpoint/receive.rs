//! What comes in, sorted by type and code.

use core::time::Duration;

use crate::{Header, Kind, Message, MessageId, ParseError};

use super::transmission::Purpose;
use super::{EndReason, Endpoint, Failure};

impl Endpoint {
    /// Takes one datagram of the peer.
    ///
    /// What cannot be processed is ignored or rejected as RFC 7252 4.2 and 4.3 say; nothing a peer sends is an error to
    /// the caller.
    pub fn handle_datagram(&mut self, now: Duration, datagram: &[u8]) {
        match Message::parse(datagram) {
            Ok(message) => self.handle_message(now, &message),
            Err(error) => self.reject_malformed(datagram, error),
        }
        self.advance(now);
    }

    fn reject_malformed(&mut self, datagram: &[u8], error: ParseError) {
        self.stats.rejected += 1;
        if matches!(error, ParseError::TooShort | ParseError::Version) {
            return;
        }
        if let Ok((Kind::Confirmable, message_id)) = Message::peek(datagram) {
            self.send_empty(Kind::Reset, message_id);
        }
    }

    fn handle_message(&mut self, now: Duration, message: &Message<'_>) {
        let Header {
            kind,
            code,
            message_id,
            ..
        } = message.header;
        match kind {
            Kind::Acknowledgement => self.handle_acknowledgement(now, message),
            Kind::Reset if code.is_empty() => self.handle_reset(message_id),
            Kind::Reset => {}
            Kind::Confirmable | Kind::NonConfirmable => {
                if !(code.is_request() || code.is_response()) {
                    // an empty confirmable message is a ping (RFC 7252 4.3); other codes are reserved
                    self.reject(kind, message_id);
                } else if self.repeat_answer(now, kind, message_id) {
                    self.stats.duplicates += 1;
                } else if code.is_request() {
                    self.handle_request(now, message);
                } else {
                    self.handle_separate_response(now, message);
                }
            }
        }
    }

    /// Rejects a message: by a reset if it is confirmable, in silence otherwise.
    pub(super) fn reject(&mut self, kind: Kind, message_id: MessageId) {
        self.stats.rejected += 1;
        if kind == Kind::Confirmable {
            self.send_empty(Kind::Reset, message_id);
        }
    }

    /// Whether the message is a duplicate; its answer goes out once more.
    fn repeat_answer(&mut self, now: Duration, kind: Kind, message_id: MessageId) -> bool {
        let Some(answer) = self.seen.lookup(now, message_id) else {
            return false;
        };
        if let (Kind::Confirmable, Some(datagram)) = (kind, answer) {
            self.outgoing.push_back(datagram.to_vec());
        }
        true
    }

    fn handle_acknowledgement(&mut self, now: Duration, message: &Message<'_>) {
        let Header {
            code, message_id, ..
        } = message.header;
        let Some(purpose) = self.transmissions.purpose(message_id) else {
            return;
        };
        match purpose {
            Purpose::Request(id) if code.is_empty() => {
                self.transmissions.finish(message_id);
                self.acknowledged(now, id);
            }
            Purpose::Request(id) if code.is_response() => {
                self.handle_piggybacked_response(now, id, message);
            }
            Purpose::Response if code.is_empty() => self.transmissions.finish(message_id),
            Purpose::Notification(id) if code.is_empty() => {
                self.transmissions.finish(message_id);
                self.notification_acknowledged(id);
            }
            // a request, a reserved code, or a response to what was none: as if it had not come
            Purpose::Request(_) | Purpose::Response | Purpose::Notification(_) => {}
        }
    }

    fn handle_reset(&mut self, message_id: MessageId) {
        match self.transmissions.purpose(message_id) {
            Some(Purpose::Request(id)) => self.fail(id, Failure::Reset),
            Some(Purpose::Response) => self.transmissions.finish(message_id),
            Some(Purpose::Notification(id)) => self.end_observation(id, EndReason::Reset),
            None => self.handle_reset_of_non_confirmable(message_id),
        }
    }

    fn handle_reset_of_non_confirmable(&mut self, message_id: MessageId) {
        let observer = self
            .observers
            .iter()
            .find(|observer| observer.last_non_confirmable == Some(message_id));
        if let Some(id) = observer.map(|observer| observer.id) {
            self.end_observation(id, EndReason::Reset);
        } else if let Some(id) = self.non_confirmable_exchange(message_id) {
            self.fail(id, Failure::Reset);
        }
    }
}

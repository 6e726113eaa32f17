//! Records of an established session.

use super::{Call, Server};
use crate::alert::Alert;
use crate::channel::{EPOCH, Opened};
use crate::codec::Reader;
use crate::handshake::{Fragment, kind};
use crate::record::{ContentType, Record};
use crate::{AlertDescription, CloseReason, Crypto, Event, SessionId};

impl<C: Crypto> Server<C> {
    /// Takes a record; tells whether it was made with the session's key.
    ///
    /// If it is `contested`, a handshake under way at the same address may have made it. Its
    /// numbers begin anew, so a number that was used before proves nothing.
    pub(super) fn session_record(
        &mut self,
        call: &mut Call<'_>,
        id: SessionId,
        record: &Record<'_>,
        contested: bool,
    ) -> bool {
        let Some(session) = self.sessions.get_mut(&id) else {
            return false;
        };
        if session.expires <= call.now {
            let alert = Alert::warning(AlertDescription::CLOSE_NOTIFY);
            self.end_session(id, Some(alert), CloseReason::Expired, call.out);
            return false;
        }
        let range = match session
            .channel
            .open(&self.crypto, record, call.out.buffer())
        {
            Opened::Plain(range) => range,
            Opened::Replayed => {
                let channel = &session.channel;
                return !contested || channel.made(&self.crypto, record, call.out.buffer());
            }
            Opened::Forged => {
                if session.channel.too_many_forgeries() {
                    let alert = Alert::fatal(AlertDescription::BAD_RECORD_MAC);
                    self.end_session(id, Some(alert), CloseReason::TooManyForgeries, call.out);
                }
                return false;
            }
        };
        if record.content_type == ContentType::ApplicationData {
            // The peer has our Finished, or it would not send data.
            session.final_flight = None;
            if !range.is_empty() {
                call.out.event(Event::Data {
                    session: id,
                    epoch: EPOCH,
                    range,
                });
            }
            return true;
        }
        let plaintext = call.out.payload(&range).to_vec();
        call.out.buffer().truncate(range.start);
        match record.content_type {
            ContentType::Alert => self.session_alert(call, id, &plaintext),
            ContentType::Handshake => self.late_handshake(call, id, &plaintext),
            ContentType::ChangeCipherSpec | ContentType::ApplicationData => {}
        }
        true
    }

    /// An authentic alert.
    fn session_alert(&mut self, call: &mut Call<'_>, id: SessionId, plaintext: &[u8]) {
        let Some(alert) = Alert::parse(plaintext) else {
            return;
        };
        match alert.description {
            AlertDescription::CLOSE_NOTIFY => {
                let answer = Alert::warning(AlertDescription::CLOSE_NOTIFY);
                self.end_session(id, Some(answer), CloseReason::PeerClosed, call.out);
            }
            description if alert.fatal => {
                self.end_session(id, None, CloseReason::PeerAlert(description), call.out);
            }
            _ => {}
        }
    }

    /// A handshake message inside the session.
    fn late_handshake(&mut self, call: &mut Call<'_>, id: SessionId, plaintext: &[u8]) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let Ok(fragment) = Fragment::parse(&mut Reader::new(plaintext)) else {
            return;
        };
        let start = call.out.octets().len();
        match fragment.kind {
            // The peer repeats Finished because our last flight was lost (RFC 6347 4.2.4).
            kind::FINISHED => {
                if let Some(flight) = &session.final_flight {
                    call.out.buffer().extend_from_slice(flight);
                }
            }
            kind::CLIENT_HELLO => {
                let octets = Alert::warning(AlertDescription::NO_RENEGOTIATION).to_octets();
                let channel = &mut session.channel;
                // A used-up counter leaves the refusal unsaid.
                let _ = channel.seal(&self.crypto, ContentType::Alert, &octets, call.out.buffer());
            }
            _ => {}
        }
        call.out.finish_datagram(session.peer, start);
    }
}

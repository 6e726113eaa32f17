//! Records from the server, by phase.

use alloc::boxed::Box;

use super::handshake::{Await, Handshake, Input};
use super::{Call, Client, Phase};
use crate::alert::Alert;
use crate::channel::{EPOCH, Opened};
use crate::codec::Reader;
use crate::handshake::{Fragment, kind};
use crate::reassembly::Placed;
use crate::record::{ContentType, Record};
use crate::{AlertDescription, CloseReason, Crypto, Event, FailureReason};

/// The longest body of a message that is put together, in octets.
const MAX_MESSAGE_LEN: u32 = 4096;

impl<C: Crypto> Client<C> {
    /// One record of a datagram.
    pub(super) fn record(&mut self, call: &mut Call<'_>, record: &Record<'_>) {
        if matches!(self.phase, Phase::Established(_)) {
            return self.session_record(call, record);
        }
        match (record.epoch, record.content_type) {
            (0, ContentType::Handshake) => self.clear_handshake(call, record),
            (0, ContentType::ChangeCipherSpec) => self.change_cipher_spec(call, record),
            (0, ContentType::Alert) => self.clear_alert(call, record),
            (0, ContentType::ApplicationData) => {}
            (EPOCH, _) => self.protected(call, record),
            (_, _) => {}
        }
    }

    /// Takes the handshake out for a step; it is put back unless it has ended.
    fn take_handshake(&mut self) -> Option<Handshake<C::Transcript>> {
        match core::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Handshake(handshake) => Some(*handshake),
            phase @ (Phase::Established(_) | Phase::Ended) => {
                self.phase = phase;
                None
            }
        }
    }

    fn keep_handshake(&mut self, handshake: Handshake<C::Transcript>) {
        self.phase = Phase::Handshake(Box::new(handshake));
    }

    /// The messages of an unprotected record.
    fn clear_handshake(&mut self, call: &mut Call<'_>, record: &Record<'_>) {
        let mut reader = Reader::new(record.body);
        while let Ok(fragment) = Fragment::parse(&mut reader) {
            let Some(mut handshake) = self.take_handshake() else {
                return;
            };
            let is_done = match handshake.state {
                Await::ServerHello | Await::KeyExchange(_) | Await::HelloDone(_) => false,
                Await::ChangeCipherSpec(_) | Await::Finished(_) => true,
            };
            if is_done {
                // ServerHelloDone again: our answer to it was lost (RFC 6347 4.2.4).
                let is_repeated = fragment.kind == kind::SERVER_HELLO_DONE;
                if is_repeated && handshake.common.retransmission.take_one() {
                    let path = (self.server, self.config.max_datagram);
                    handshake.transmit(&self.crypto, path, call.out);
                }
                self.keep_handshake(handshake);
                continue;
            }
            if fragment.length <= MAX_MESSAGE_LEN
                && handshake.common.reassembly.insert(&fragment) == Placed::Kept
            {
                while let Some(message) = handshake.common.reassembly.next_message() {
                    match self.step(call, handshake, Input::clear(&message)) {
                        Some(next) => handshake = next,
                        None => return,
                    }
                }
            }
            self.keep_handshake(handshake);
        }
    }

    fn change_cipher_spec(&mut self, call: &mut Call<'_>, record: &Record<'_>) {
        if record.body != [1] {
            return;
        }
        let Some(mut handshake) = self.take_handshake() else {
            return;
        };
        let is_early = match handshake.state {
            Await::ServerHello | Await::KeyExchange(_) | Await::HelloDone(_) => true,
            Await::ChangeCipherSpec(_) | Await::Finished(_) => false,
        };
        if is_early {
            // The server cannot have the keys yet; a genuine one comes again.
            return self.keep_handshake(handshake);
        }
        let early = handshake.common.deferred.take();
        if let Some(next) = self.step(call, handshake, Input::ChangeCipherSpec) {
            self.keep_handshake(next);
        }
        for record in early {
            self.record(call, &record.borrow());
        }
    }

    /// An alert before the keys are confirmed.
    ///
    /// Choice: nobody vouches for it, but it only brings about what anyone on the path could,
    /// and saves waiting for the deadline.
    fn clear_alert(&mut self, call: &mut Call<'_>, record: &Record<'_>) {
        let Some(alert) = Alert::parse(record.body) else {
            return;
        };
        let is_end = alert.fatal || alert.description == AlertDescription::CLOSE_NOTIFY;
        if is_end && matches!(self.phase, Phase::Handshake(_)) {
            self.fail(FailureReason::PeerAlert(alert.description), call.out);
        }
    }

    /// A protected record during the handshake.
    fn protected(&mut self, call: &mut Call<'_>, record: &Record<'_>) {
        let Some(mut handshake) = self.take_handshake() else {
            return;
        };
        let Await::Finished(keyed) = &mut handshake.state else {
            handshake.common.deferred.push(record);
            return self.keep_handshake(handshake);
        };
        if record.content_type != ContentType::Handshake {
            handshake.common.deferred.push(record);
            return self.keep_handshake(handshake);
        }
        let start = call.out.octets().len();
        let opened = keyed.channel.open(&self.crypto, record, call.out.buffer());
        let Opened::Plain(range) = opened else {
            return self.keep_handshake(handshake);
        };
        let plaintext = call.out.payload(&range).to_vec();
        call.out.buffer().truncate(start);
        let mut reader = Reader::new(&plaintext);
        while let Ok(fragment) = Fragment::parse(&mut reader) {
            if fragment.length <= MAX_MESSAGE_LEN {
                handshake.common.reassembly.insert(&fragment);
            }
        }
        let Some(message) = handshake.common.reassembly.next_message() else {
            return self.keep_handshake(handshake);
        };
        let early = handshake.common.deferred.take();
        if let Some(next) = self.step(call, handshake, Input::protected(&message)) {
            self.keep_handshake(next);
        }
        for record in early {
            self.record(call, &record.borrow());
        }
    }

    /// A record of the established session.
    fn session_record(&mut self, call: &mut Call<'_>, record: &Record<'_>) {
        let Phase::Established(channel) = &mut self.phase else {
            return;
        };
        let range = match channel.open(&self.crypto, record, call.out.buffer()) {
            Opened::Plain(range) => range,
            Opened::Replayed => return,
            Opened::Forged => {
                if channel.too_many_forgeries() {
                    let alert = Alert::fatal(AlertDescription::BAD_RECORD_MAC);
                    self.end_session(Some(alert), CloseReason::TooManyForgeries, call.out);
                }
                return;
            }
        };
        if record.content_type == ContentType::ApplicationData {
            if !range.is_empty() {
                call.out.event(Event::Data {
                    session: self.id,
                    epoch: EPOCH,
                    range,
                });
            }
            return;
        }
        let plaintext = call.out.payload(&range).to_vec();
        call.out.buffer().truncate(range.start);
        match record.content_type {
            ContentType::Alert => self.session_alert(call, &plaintext),
            ContentType::Handshake => self.late_handshake(call, &plaintext),
            ContentType::ChangeCipherSpec | ContentType::ApplicationData => {}
        }
    }

    /// An authentic alert.
    fn session_alert(&mut self, call: &mut Call<'_>, plaintext: &[u8]) {
        let Some(alert) = Alert::parse(plaintext) else {
            return;
        };
        match alert.description {
            AlertDescription::CLOSE_NOTIFY => {
                let answer = Alert::warning(AlertDescription::CLOSE_NOTIFY);
                self.end_session(Some(answer), CloseReason::PeerClosed, call.out);
            }
            description if alert.fatal => {
                self.end_session(None, CloseReason::PeerAlert(description), call.out);
            }
            _ => {}
        }
    }

    /// A handshake message inside the session: the server asks for a renegotiation.
    fn late_handshake(&mut self, call: &mut Call<'_>, plaintext: &[u8]) {
        let Phase::Established(channel) = &mut self.phase else {
            return;
        };
        let fragment = Fragment::parse(&mut Reader::new(plaintext));
        if !fragment.is_ok_and(|fragment| fragment.kind == kind::HELLO_REQUEST) {
            return;
        }
        let start = call.out.octets().len();
        let octets = Alert::warning(AlertDescription::NO_RENEGOTIATION).to_octets();
        // A used-up counter leaves the refusal unsaid.
        let _ = channel.seal(&self.crypto, ContentType::Alert, &octets, call.out.buffer());
        call.out.finish_datagram(self.server, start);
    }
}

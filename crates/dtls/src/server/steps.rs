//! The state machine of the server's handshake.

use super::handshake::{Await, Common, Handshake, Input, Keyed, Negotiated};
use super::session::{Session, hello_mark};
use super::{Call, Server};
use crate::alert::Alert;
use crate::channel::EPOCH;
use crate::crypto::Transcript;
use crate::flight::{Flight, Part};
use crate::handshake::{Message, key_exchange, kind};
use crate::record::ContentType;
use crate::schedule::Side;
use crate::{
    AlertDescription, Crypto, Established, Event, FailureReason, Instant, Lookup, LookupId, Out,
    SessionId,
};

impl<C: Crypto> Server<C> {
    /// One step. What a state does not name is refused.
    pub(super) fn step(
        &mut self,
        call: &mut Call<'_>,
        handshake: Handshake<C::Transcript>,
        input: Input<'_>,
    ) -> Option<Handshake<C::Transcript>> {
        let Handshake { common, state } = handshake;
        match (state, input) {
            (Await::Hello, Input::ClientHello(message)) => self.answer_hello(call, common, message),
            (Await::KeyExchange(negotiated), Input::ClientKeyExchange(message)) => {
                self.client_key_exchange(call, common, negotiated, message)
            }
            (Await::ChangeCipherSpec(keyed), Input::ChangeCipherSpec) => Some(Handshake {
                common,
                state: Await::Finished(keyed),
            }),
            (Await::Finished(keyed), Input::Finished(message)) => {
                self.finished(call, common, keyed, message);
                None
            }
            // A repeated ChangeCipherSpec has no number by which to know it.
            (state @ Await::Finished(_), Input::ChangeCipherSpec) => {
                Some(Handshake { common, state })
            }
            (
                Await::Hello
                | Await::KeyExchange(_)
                | Await::Key(..)
                | Await::ChangeCipherSpec(_)
                | Await::Finished(_),
                Input::ClientHello(_)
                | Input::ClientKeyExchange(_)
                | Input::ChangeCipherSpec
                | Input::Finished(_)
                | Input::Other,
            ) => {
                let alert = AlertDescription::UNEXPECTED_MESSAGE;
                self.refuse(common, alert, FailureReason::Refused(alert), call.out);
                None
            }
        }
    }

    /// ClientKeyExchange: the identity is known, its key is asked for.
    fn client_key_exchange(
        &mut self,
        call: &mut Call<'_>,
        mut common: Common<C::Transcript>,
        negotiated: Negotiated,
        message: &Message,
    ) -> Option<Handshake<C::Transcript>> {
        let Ok(identity) = key_exchange::parse(message.body()) else {
            let alert = AlertDescription::DECODE_ERROR;
            self.refuse(common, alert, FailureReason::Refused(alert), call.out);
            return None;
        };
        common.transcript.update(message.octets());
        common.retransmission.stop();
        // Nothing that came unprotected may become part of Finished.
        common.reassembly.forget_ahead();
        call.out.event(Event::Lookup(Lookup {
            id: LookupId(common.id),
            session: common.id,
            peer: common.peer,
            suite: negotiated.suite,
            identity: identity.to_vec(),
            server_name: negotiated.server_name.clone(),
        }));
        Some(Handshake {
            common,
            state: Await::Key(negotiated, identity.to_vec()),
        })
    }

    /// Finished: the only way into a session.
    ///
    /// `keyed` exists only behind a verified cookie, a key exchange and an answered lookup, and
    /// comes here only from `AwaitFinished`, which only ChangeCipherSpec enters.
    fn finished(
        &mut self,
        call: &mut Call<'_>,
        mut common: Common<C::Transcript>,
        mut keyed: Keyed,
        message: &Message,
    ) {
        let digest = common.transcript.digest();
        let expected = keyed
            .master
            .verify_data(&self.crypto, Side::Client, &digest);
        if !self.crypto.equal(&expected, message.body()) {
            let alert = AlertDescription::DECRYPT_ERROR;
            return self.refuse(common, alert, FailureReason::WrongKey, call.out);
        }
        common.transcript.update(message.octets());
        let digest = common.transcript.digest();
        let verify_data = keyed
            .master
            .verify_data(&self.crypto, Side::Server, &digest);
        let finished_seq = common.take_message_seq();
        let finished = Message::with_body(kind::FINISHED, finished_seq, &verify_data);
        let flight = Flight::new([Part::ChangeCipherSpec, Part::Protected(finished)].into());
        let path = (common.peer, self.config.max_datagram);
        let start = call.out.octets().len();
        let channel = Some(&mut keyed.channel);
        flight.transmit(&self.crypto, &mut common.clear, channel, path, call.out);
        let final_flight = call.out.octets().get(start..).map(Into::into);

        self.forget_handshake(&common);
        let session = Session {
            peer: common.peer,
            channel: keyed.channel,
            expires: keyed.expires,
            identity: keyed.identity.clone().into_boxed_slice(),
            hello_mark: hello_mark(&common.client_random),
            final_flight,
        };
        self.insert_session(common.id, session, call.out);
        call.out.event(Event::Established(Established {
            session: common.id,
            epoch: EPOCH,
            peer: common.peer,
            identity: keyed.identity,
            suite: keyed.negotiated.suite,
            server_name: keyed.negotiated.server_name,
            extended_master_secret: keyed.negotiated.extended_master_secret,
        }));
    }

    /// Ends a handshake with a fatal alert.
    pub(super) fn refuse(
        &mut self,
        mut common: Common<C::Transcript>,
        alert: AlertDescription,
        reason: FailureReason,
        out: &mut Out,
    ) {
        let start = out.octets().len();
        let octets = Alert::fatal(alert).to_octets();
        common
            .clear
            .put(out.buffer(), ContentType::Alert, &[&octets]);
        out.finish_datagram(common.peer, start);
        self.fail(&common, reason, out);
    }

    /// Forgets a handshake that was taken from the table, and says why.
    pub(super) fn fail(
        &mut self,
        common: &Common<C::Transcript>,
        reason: FailureReason,
        out: &mut Out,
    ) {
        self.forget_handshake(common);
        out.event(Event::HandshakeFailed {
            session: common.id,
            peer: common.peer,
            reason,
        });
    }

    /// The owner ends a handshake.
    pub(super) fn revoke_handshake(&mut self, id: SessionId, out: &mut Out) {
        if let Some(handshake) = self.take_handshake(id) {
            let alert = AlertDescription::ACCESS_DENIED;
            self.refuse(handshake.common, alert, FailureReason::Revoked, out);
        }
    }

    /// The timer of a handshake ran out.
    pub(super) fn handshake_timer(&mut self, now: Instant, id: SessionId, out: &mut Out) {
        let Some(mut handshake) = self.take_handshake(id) else {
            return;
        };
        let common = &mut handshake.common;
        if common.deadline <= now {
            return self.fail(common, FailureReason::TimedOut, out);
        }
        if common.retransmission.take_due(now) {
            self.transmit(common, out);
        }
        self.keep_handshake(handshake);
    }
}

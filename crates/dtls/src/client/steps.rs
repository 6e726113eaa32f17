//! The state machine of the client's handshake.

use alloc::boxed::Box;

use super::handshake::{Await, Common, Handshake, Input, Keyed, Negotiated};
use super::{Call, Client, Phase};
use crate::alert::Alert;
use crate::channel::{Channel, EPOCH};
use crate::crypto::Transcript;
use crate::flight::{Flight, Part};
use crate::handshake::extensions::ClientExtensions;
use crate::handshake::{Message, client_hello, hello_verify, key_exchange, kind, server_hello};
use crate::record::ContentType;
use crate::schedule::{MasterSecret, Randoms, Side};
use crate::{
    AlertDescription, Crypto, Established, Event, ExtendedMasterSecret, FailureReason, Out,
    PeerAddress,
};

/// Cookies taken in one handshake; a server whose key has just changed sends a second one.
const MAX_COOKIES: u8 = 4;

impl<T> Handshake<T> {
    /// Sends the current flight.
    pub(super) fn transmit<C: Crypto>(
        &mut self,
        crypto: &C,
        path: (PeerAddress, usize),
        out: &mut Out,
    ) {
        let channel = match &mut self.state {
            Await::ServerHello | Await::KeyExchange(_) | Await::HelloDone(_) => None,
            Await::ChangeCipherSpec(keyed) | Await::Finished(keyed) => Some(&mut keyed.channel),
        };
        let Common { flight, clear, .. } = &mut self.common;
        flight.transmit(crypto, clear, channel, path, out);
    }
}

impl<C: Crypto> Client<C> {
    fn extensions(&self) -> ClientExtensions {
        ClientExtensions {
            server_name: self.config.server_name.clone(),
            extended_master_secret: self.config.extended_master_secret
                != ExtendedMasterSecret::Disabled,
            renegotiation_info: true,
        }
    }

    /// Sends a ClientHello; the transcript begins with it.
    pub(super) fn send_hello(
        &self,
        call: &mut Call<'_>,
        common: &mut Common<C::Transcript>,
        cookie: &[u8],
    ) {
        let hello = client_hello::compose(
            common.take_message_seq(),
            &common.random,
            cookie,
            &self.config.suites(),
            &self.extensions(),
        );
        common.transcript = self.crypto.transcript();
        common.transcript.update(hello.octets());
        common.flight = Flight::new([Part::Message(hello)].into());
        common.retransmission.start(call.now);
        let path = (self.server, self.config.max_datagram);
        (common.flight).transmit(&self.crypto, &mut common.clear, None, path, call.out);
    }

    /// One step. What a state does not name is refused.
    pub(super) fn step(
        &mut self,
        call: &mut Call<'_>,
        handshake: Handshake<C::Transcript>,
        input: Input<'_>,
    ) -> Option<Handshake<C::Transcript>> {
        let Handshake { common, state } = handshake;
        match (state, input) {
            (Await::ServerHello, Input::HelloVerifyRequest(message)) => {
                self.hello_verify_request(call, common, message)
            }
            (Await::ServerHello, Input::ServerHello(message)) => {
                self.server_hello(call, common, message)
            }
            (Await::KeyExchange(negotiated), Input::ServerKeyExchange(message)) => {
                self.server_key_exchange(call, common, negotiated, message)
            }
            (
                Await::KeyExchange(negotiated) | Await::HelloDone(negotiated),
                Input::ServerHelloDone(message),
            ) => self.server_hello_done(call, common, negotiated, message),
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
                Await::ServerHello
                | Await::KeyExchange(_)
                | Await::HelloDone(_)
                | Await::ChangeCipherSpec(_)
                | Await::Finished(_),
                Input::HelloVerifyRequest(_)
                | Input::ServerHello(_)
                | Input::ServerKeyExchange(_)
                | Input::ServerHelloDone(_)
                | Input::ChangeCipherSpec
                | Input::Finished(_)
                | Input::Other,
            ) => self.refuse(call, common, AlertDescription::UNEXPECTED_MESSAGE),
        }
    }

    fn hello_verify_request(
        &mut self,
        call: &mut Call<'_>,
        mut common: Common<C::Transcript>,
        message: &Message,
    ) -> Option<Handshake<C::Transcript>> {
        let Ok(cookie) = hello_verify::parse(message.body()) else {
            return self.refuse(call, common, AlertDescription::DECODE_ERROR);
        };
        common.cookies = common.cookies.saturating_add(1);
        if common.cookies > MAX_COOKIES {
            return self.refuse(call, common, AlertDescription::HANDSHAKE_FAILURE);
        }
        self.send_hello(call, &mut common, &cookie);
        Some(Handshake {
            common,
            state: Await::ServerHello,
        })
    }

    fn server_hello(
        &mut self,
        call: &mut Call<'_>,
        mut common: Common<C::Transcript>,
        message: &Message,
    ) -> Option<Handshake<C::Transcript>> {
        let suites = self.config.suites();
        let choice = match server_hello::parse(message.body(), &suites, &self.extensions()) {
            Ok(choice) => choice,
            Err(alert) => return self.refuse(call, common, alert),
        };
        let extended_master_secret = choice.extensions.extended_master_secret;
        let is_required = self.config.extended_master_secret == ExtendedMasterSecret::Required;
        if is_required && !extended_master_secret {
            return self.refuse(call, common, AlertDescription::HANDSHAKE_FAILURE);
        }
        common.transcript.update(message.octets());
        Some(Handshake {
            state: Await::KeyExchange(Negotiated {
                randoms: Randoms {
                    client: common.random,
                    server: choice.random,
                },
                suite: choice.suite,
                extended_master_secret,
            }),
            common,
        })
    }

    fn server_key_exchange(
        &mut self,
        call: &mut Call<'_>,
        mut common: Common<C::Transcript>,
        negotiated: Negotiated,
        message: &Message,
    ) -> Option<Handshake<C::Transcript>> {
        let Ok(hint) = key_exchange::parse(message.body()) else {
            return self.refuse(call, common, AlertDescription::DECODE_ERROR);
        };
        self.identity_hint = Some(hint.to_vec());
        common.transcript.update(message.octets());
        Some(Handshake {
            common,
            state: Await::HelloDone(negotiated),
        })
    }

    /// The server has said all; sends the identity and Finished.
    fn server_hello_done(
        &mut self,
        call: &mut Call<'_>,
        mut common: Common<C::Transcript>,
        negotiated: Negotiated,
        message: &Message,
    ) -> Option<Handshake<C::Transcript>> {
        let key = self.config.key(negotiated.suite);
        let (true, Some(key)) = (message.body().is_empty(), key) else {
            return self.refuse(call, common, AlertDescription::DECODE_ERROR);
        };
        common.transcript.update(message.octets());
        let identity = &self.config.identity;
        let key_exchange = key_exchange::compose_client(common.take_message_seq(), identity);
        common.transcript.update(key_exchange.octets());

        let digest = common.transcript.digest();
        let session_hash = negotiated.extended_master_secret.then_some(&digest);
        let randoms = &negotiated.randoms;
        let master = MasterSecret::derive(&self.crypto, key, randoms, session_hash);
        let keys = master.traffic_keys(&self.crypto, randoms);
        let channel = Channel::new(Side::Client, negotiated.suite, keys);

        let verify_data = master.verify_data(&self.crypto, Side::Client, &digest);
        let finished_seq = common.take_message_seq();
        let finished = Message::with_body(kind::FINISHED, finished_seq, &verify_data);
        common.transcript.update(finished.octets());

        // Nothing that came unprotected may become part of Finished.
        common.reassembly.forget_ahead();
        common.flight = Flight::new(
            [
                Part::Message(key_exchange),
                Part::ChangeCipherSpec,
                Part::Protected(finished),
            ]
            .into(),
        );
        common.retransmission.start(call.now);
        let mut handshake = Handshake {
            common,
            state: Await::ChangeCipherSpec(Keyed {
                negotiated,
                master,
                channel,
            }),
        };
        let path = (self.server, self.config.max_datagram);
        handshake.transmit(&self.crypto, path, call.out);
        Some(handshake)
    }

    /// Finished: the only way into a session.
    fn finished(
        &mut self,
        call: &mut Call<'_>,
        common: Common<C::Transcript>,
        keyed: Keyed,
        message: &Message,
    ) {
        let digest = common.transcript.digest();
        let expected = keyed
            .master
            .verify_data(&self.crypto, Side::Server, &digest);
        if !self.crypto.equal(&expected, message.body()) {
            self.refuse(call, common, AlertDescription::DECRYPT_ERROR);
            return;
        }
        self.phase = Phase::Established(Box::new(keyed.channel));
        call.out.event(Event::Established(Established {
            session: self.id,
            epoch: EPOCH,
            peer: self.server,
            identity: self.config.identity.clone(),
            suite: keyed.negotiated.suite,
            server_name: self.config.server_name.clone(),
            extended_master_secret: keyed.negotiated.extended_master_secret,
        }));
    }

    /// Ends the handshake with a fatal alert.
    fn refuse(
        &mut self,
        call: &mut Call<'_>,
        mut common: Common<C::Transcript>,
        alert: AlertDescription,
    ) -> Option<Handshake<C::Transcript>> {
        let start = call.out.octets().len();
        let octets = Alert::fatal(alert).to_octets();
        (common.clear).put(call.out.buffer(), ContentType::Alert, &[&octets]);
        call.out.finish_datagram(self.server, start);
        self.fail(FailureReason::Refused(alert), call.out);
        None
    }
}

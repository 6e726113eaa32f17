//! ClientHello: cookie, negotiation, and the server's first flight.

use alloc::vec::Vec;

use super::handshake::{Await, Common, Handshake, Negotiated};
use super::session::hello_mark;
use super::{Call, Server};
use crate::cookie::{COOKIE_LEN, Extent};
use crate::crypto::{Transcript, random_array};
use crate::deferred::Deferred;
use crate::flight::{Flight, Part, Retransmission};
use crate::handshake::client_hello::{self, HelloStart, Offer};
use crate::handshake::extensions::ServerExtensions;
use crate::handshake::server_hello::{self, Choice};
use crate::handshake::{Fragment, Message, hello_verify, key_exchange, kind};
use crate::reassembly::Reassembly;
use crate::record::{self, ClearWriter, ContentType, Record};
use crate::schedule::Randoms;
use crate::{
    AlertDescription, CipherSuite, Crypto, ExtendedMasterSecret, FailureReason, Out, PeerAddress,
};

impl<C: Crypto> Server<C> {
    /// A ClientHello or a piece of one.
    ///
    /// Until the cookie in it is verified nothing is stored, counted or allocated for the peer.
    pub(super) fn client_hello(
        &mut self,
        call: &mut Call<'_>,
        from: PeerAddress,
        record: &Record<'_>,
        fragment: &Fragment<'_>,
    ) {
        if self.continues_hello(from, fragment) {
            return self.clear_fragment(call, from, fragment);
        }
        if fragment.offset != 0 || fragment.length > client_hello::MAX_LEN {
            return;
        }
        let Ok(hello) = HelloStart::parse(fragment.body) else {
            return;
        };
        let extent = if fragment.is_whole() {
            Extent::Whole
        } else {
            Extent::Start
        };
        self.cookies.rotate_if_due(call.now, call.random);
        if self.cookies.verify(&self.crypto, from, &hello, extent) {
            self.verified_hello(call, from, record, fragment, &hello);
        } else {
            let cookie = self.cookies.make(&self.crypto, from, &hello);
            put_hello_verify_request(from, record, fragment.message_seq, &cookie, call.out);
        }
    }

    /// Whether the fragment belongs to a hello whose first fragment was taken.
    fn continues_hello(&self, from: PeerAddress, fragment: &Fragment<'_>) -> bool {
        let handshake = self
            .handshake_at(from)
            .and_then(|id| self.handshakes.get(&id));
        handshake.is_some_and(|handshake| {
            matches!(handshake.state, Await::Hello)
                && handshake.common.hello_seq == fragment.message_seq
                && !fragment.is_whole()
        })
    }

    /// A hello, or the start of one, from an address that is verified.
    fn verified_hello(
        &mut self,
        call: &mut Call<'_>,
        from: PeerAddress,
        record: &Record<'_>,
        fragment: &Fragment<'_>,
        hello: &HelloStart<'_>,
    ) {
        let session = self.session_at(from).and_then(|id| self.sessions.get(&id));
        if session.is_some_and(|session| session.hello_mark == hello_mark(hello.random)) {
            return;
        }
        if !self.replace_handshake(call, from, fragment, hello) || !self.has_room(from) {
            return;
        }
        let id = self.next_session;
        self.next_session = id.next();
        let deadline = call.now.saturating_add(self.config.handshake_timeout);
        let mut common = Common {
            id,
            peer: from,
            deadline,
            timer: deadline,
            client_random: *hello.random,
            hello_seq: fragment.message_seq,
            transcript: self.crypto.transcript(),
            reassembly: Reassembly::starting_at(fragment.message_seq),
            deferred: Deferred::default(),
            // As RFC 6347 4.2.1 demands: the first record repeats the hello's number.
            clear: ClearWriter::starting_at(record.sequence),
            next_message_seq: fragment.message_seq,
            flight: Flight::default(),
            retransmission: Retransmission::new(self.config.retransmission),
        };
        self.register_handshake(&common);
        common.reassembly.insert(fragment);
        let next = match common.reassembly.next_message() {
            Some(message) => self.answer_hello(call, common, &message),
            None => Some(Handshake {
                common,
                state: Await::Hello,
            }),
        };
        if let Some(handshake) = next {
            self.keep_handshake(handshake);
        }
    }

    /// Deals with a handshake that is under way at the address; tells whether a new one may begin.
    fn replace_handshake(
        &mut self,
        call: &mut Call<'_>,
        from: PeerAddress,
        fragment: &Fragment<'_>,
        hello: &HelloStart<'_>,
    ) -> bool {
        let taken = self
            .handshake_at(from)
            .and_then(|id| self.take_handshake(id));
        let Some(mut handshake) = taken else {
            return true;
        };
        let common = &mut handshake.common;
        let is_repeated =
            common.client_random == *hello.random && common.hello_seq == fragment.message_seq;
        match (&handshake.state, is_repeated) {
            (Await::KeyExchange(_), true) => {
                if common.retransmission.take_one() {
                    self.transmit(common, call.out);
                }
                self.keep_handshake(handshake);
                false
            }
            // A second lookup for one peer has to wait for the first.
            (Await::Key(..), _) | (_, true) => {
                self.keep_handshake(handshake);
                false
            }
            (_, false) => {
                self.fail(&handshake.common, FailureReason::Restarted, call.out);
                true
            }
        }
    }

    /// A complete hello with a verified cookie: chooses, and sends the first flight.
    pub(super) fn answer_hello(
        &mut self,
        call: &mut Call<'_>,
        mut common: Common<C::Transcript>,
        message: &Message,
    ) -> Option<Handshake<C::Transcript>> {
        let chosen = HelloStart::parse(message.body())
            .map_err(|_| AlertDescription::DECODE_ERROR)
            .and_then(|hello| Offer::parse(&hello))
            .and_then(|offer| Ok((self.choose(&offer)?, offer)));
        let ((suite, extended_master_secret), offer) = match chosen {
            Ok(chosen) => chosen,
            Err(alert) => {
                self.refuse(common, alert, FailureReason::Refused(alert), call.out);
                return None;
            }
        };
        let randoms = Randoms {
            client: common.client_random,
            server: random_array(call.random),
        };
        let choice = Choice {
            random: randoms.server,
            suite,
            extensions: ServerExtensions {
                server_name: offer.extensions.server_name.is_some(),
                extended_master_secret,
                renegotiation_info: offer.extensions.renegotiation_info,
            },
        };
        let mut messages = Vec::with_capacity(3);
        messages.push(server_hello::compose(common.take_message_seq(), &choice));
        if let Some(hint) = &self.config.psk_identity_hint {
            messages.push(key_exchange::compose_server(
                common.take_message_seq(),
                hint,
            ));
        }
        let done_seq = common.take_message_seq();
        messages.push(Message::with_body(kind::SERVER_HELLO_DONE, done_seq, &[]));

        common.transcript.update(message.octets());
        for message in &messages {
            common.transcript.update(message.octets());
        }
        common.flight = Flight::new(messages.into_iter().map(Part::Message).collect());
        common.retransmission.start(call.now);
        self.transmit(&mut common, call.out);
        Some(Handshake {
            common,
            state: Await::KeyExchange(Negotiated {
                randoms,
                suite,
                extended_master_secret,
                server_name: offer.extensions.server_name,
            }),
        })
    }

    /// The suite, and whether the master secret is extended.
    fn choose(&self, offer: &Offer) -> Result<(CipherSuite, bool), AlertDescription> {
        let preferred = &self.config.suites;
        let suite = preferred.iter().find(|suite| offer.suites.contains(suite));
        let suite = *suite.ok_or(AlertDescription::HANDSHAKE_FAILURE)?;
        let offered = offer.extensions.extended_master_secret;
        match (self.config.extended_master_secret, offered) {
            (ExtendedMasterSecret::Required, false) => Err(AlertDescription::HANDSHAKE_FAILURE),
            (ExtendedMasterSecret::Disabled, _) => Ok((suite, false)),
            (_, offered) => Ok((suite, offered)),
        }
    }

    /// Sends the current flight.
    pub(super) fn transmit(&self, common: &mut Common<C::Transcript>, out: &mut Out) {
        let path = (common.peer, self.config.max_datagram);
        common
            .flight
            .transmit(&self.crypto, &mut common.clear, None, path, out);
    }
}

/// Answers a hello without a valid cookie; the answer is never longer than the question.
fn put_hello_verify_request(
    to: PeerAddress,
    record: &Record<'_>,
    message_seq: u16,
    cookie: &[u8; COOKIE_LEN],
    out: &mut Out,
) {
    let start = out.octets().len();
    let (content_type, version) = (ContentType::Handshake, record.version);
    // The hello's own record number: no state, and no number used twice (RFC 6347 4.2.1).
    record::put_header(
        out.buffer(),
        content_type,
        version,
        0,
        record.sequence,
        hello_verify::LEN,
    );
    hello_verify::put(out.buffer(), message_seq, cookie);
    out.finish_datagram(to, start);
}

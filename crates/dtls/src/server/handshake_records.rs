//! Records for the handshake under way at an address.

use super::handshake::{Await, Common, Handshake, Input, Keyed};
use super::{Call, Server};
use crate::channel::Opened;
use crate::codec::Reader;
use crate::handshake::{Fragment, client_hello, kind};
use crate::reassembly::Placed;
use crate::record::{ContentType, Record};
use crate::{AlertDescription, Crypto, FailureReason, PeerAddress};

impl<C: Crypto> Server<C> {
    /// The messages of an unprotected record.
    pub(super) fn clear_handshake(
        &mut self,
        call: &mut Call<'_>,
        from: PeerAddress,
        record: &Record<'_>,
    ) {
        let mut reader = Reader::new(record.body);
        while !reader.is_empty() {
            let Ok(fragment) = Fragment::parse(&mut reader) else {
                return;
            };
            if fragment.kind == kind::CLIENT_HELLO {
                self.client_hello(call, from, record, &fragment);
            } else {
                self.clear_fragment(call, from, &fragment);
            }
        }
    }

    /// A piece of a message, for the handshake under way at that address.
    pub(super) fn clear_fragment(
        &mut self,
        call: &mut Call<'_>,
        from: PeerAddress,
        fragment: &Fragment<'_>,
    ) {
        let Some(id) = self.handshake_at(from) else {
            return;
        };
        let Some(mut handshake) = self.take_handshake(id) else {
            return;
        };
        // ClientKeyExchange is the last unprotected message: behind it only copies can come.
        let is_due = match handshake.state {
            Await::Hello | Await::KeyExchange(_) => true,
            Await::Key(..) | Await::ChangeCipherSpec(_) | Await::Finished(_) => false,
        };
        if !is_due || fragment.length > max_length(fragment.kind) {
            return self.keep_handshake(handshake);
        }
        if handshake.common.reassembly.insert(fragment) == Placed::Kept {
            while let Some(message) = handshake.common.reassembly.next_message() {
                match self.step(call, handshake, Input::clear(&message)) {
                    Some(next) => handshake = next,
                    None => return,
                }
            }
        }
        self.keep_handshake(handshake);
    }

    /// ChangeCipherSpec, which is not a handshake message.
    pub(super) fn change_cipher_spec(
        &mut self,
        call: &mut Call<'_>,
        from: PeerAddress,
        record: &Record<'_>,
    ) {
        if record.body != [1] {
            return;
        }
        let Some(id) = self.handshake_at(from) else {
            return;
        };
        let Some(mut handshake) = self.take_handshake(id) else {
            return;
        };
        let is_early = match handshake.state {
            Await::Hello | Await::KeyExchange(_) | Await::Key(..) => true,
            Await::ChangeCipherSpec(_) | Await::Finished(_) => false,
        };
        if is_early {
            handshake.common.deferred.push(record);
            return self.keep_handshake(handshake);
        }
        if let Some(next) = self.step(call, handshake, Input::ChangeCipherSpec) {
            self.keep_handshake(next);
            self.replay_deferred(call, from);
        }
    }

    /// A protected record: of the handshake under way, or of the session.
    pub(super) fn protected(
        &mut self,
        call: &mut Call<'_>,
        from: PeerAddress,
        record: &Record<'_>,
    ) {
        let handshake_id = self.handshake_at(from);
        let mut is_bad_finished = false;
        if let Some(id) = handshake_id
            && record.content_type == ContentType::Handshake
            && let Some(handshake) = self.take_handshake(id)
        {
            match handshake {
                Handshake {
                    common,
                    state: Await::Finished(keyed),
                } => match self.protected_messages(call, common, keyed, record) {
                    Verdict::Ours => return,
                    Verdict::Forged => is_bad_finished = true,
                },
                handshake => self.keep_handshake(handshake),
            }
        }
        if let Some(session) = self.session_at(from)
            && self.session_record(call, session, record, handshake_id.is_some())
        {
            return;
        }
        let Some(id) = handshake_id else { return };
        let Some(mut handshake) = self.take_handshake(id) else {
            return;
        };
        if is_bad_finished {
            // The same whether the identity is unknown or the key is wrong.
            // Choice: RFC 6347 4.1.2.7 allows silence, too, but a device with an outdated key
            // has to learn at once that it must authenticate anew. A stranger who could bring
            // this about could as well have sent a ClientKeyExchange of his own.
            let alert = AlertDescription::DECRYPT_ERROR;
            return self.refuse(handshake.common, alert, FailureReason::WrongKey, call.out);
        }
        handshake.common.deferred.push(record);
        self.keep_handshake(handshake);
    }

    /// A handshake record while Finished is awaited.
    fn protected_messages(
        &mut self,
        call: &mut Call<'_>,
        mut common: Common<C::Transcript>,
        mut keyed: Keyed,
        record: &Record<'_>,
    ) -> Verdict {
        let start = call.out.octets().len();
        let opened = keyed.channel.open(&self.crypto, record, call.out.buffer());
        let (verdict, plaintext) = match opened {
            Opened::Plain(range) => (Verdict::Ours, call.out.payload(&range).to_vec()),
            Opened::Replayed => (Verdict::Ours, Default::default()),
            Opened::Forged => (Verdict::Forged, Default::default()),
        };
        call.out.buffer().truncate(start);

        let mut reader = Reader::new(&plaintext);
        while let Ok(fragment) = Fragment::parse(&mut reader) {
            if fragment.length <= max_length(fragment.kind) {
                common.reassembly.insert(&fragment);
            }
        }
        let message = common.reassembly.next_message();
        let peer = common.peer;
        let early = message.as_ref().map(|_| common.deferred.take());
        let mut next = Some(Handshake {
            common,
            state: Await::Finished(keyed),
        });
        if let Some(message) = message {
            next = next.and_then(|now| self.step(call, now, Input::protected(&message)));
        }
        if let Some(handshake) = next {
            self.keep_handshake(handshake);
        }
        for record in early.unwrap_or_default() {
            self.record(call, peer, &record.borrow());
        }
        verdict
    }
}

/// Whose record it was.
enum Verdict {
    Ours,
    Forged,
}

/// The longest body of a message that is put together, in octets.
const fn max_length(message_kind: u8) -> u32 {
    match message_kind {
        kind::CLIENT_HELLO => client_hello::MAX_LEN,
        // Longer than any identity that is accepted, so that a longer one is refused, not ignored.
        _ => 1024,
    }
}

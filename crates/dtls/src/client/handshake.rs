//! The client's handshake: what is known of it and what it waits for.

use crate::channel::Channel;
use crate::deferred::Deferred;
use crate::flight::{Flight, Retransmission};
use crate::handshake::{Message, kind};
use crate::reassembly::Reassembly;
use crate::record::ClearWriter;
use crate::schedule::{MasterSecret, Randoms};
use crate::{CipherSuite, Instant};

/// A handshake under way.
pub(super) struct Handshake<T> {
    pub(super) common: Common<T>,
    pub(super) state: Await,
}

/// What every state has.
pub(super) struct Common<T> {
    pub(super) deadline: Instant,
    pub(super) random: [u8; 32],
    /// Cookies that the server has sent.
    pub(super) cookies: u8,
    pub(super) transcript: T,
    pub(super) reassembly: Reassembly,
    pub(super) deferred: Deferred,
    pub(super) clear: ClearWriter,
    pub(super) next_message_seq: u16,
    pub(super) flight: Flight,
    pub(super) retransmission: Retransmission,
}

/// What the handshake waits for.
pub(super) enum Await {
    /// HelloVerifyRequest or ServerHello.
    ServerHello,
    /// ServerKeyExchange, or ServerHelloDone if the server has no hint.
    KeyExchange(Negotiated),
    /// ServerHelloDone.
    HelloDone(Negotiated),
    /// ChangeCipherSpec; our Finished is sent.
    ChangeCipherSpec(Keyed),
    /// Finished under these keys.
    Finished(Keyed),
}

/// The outcome of the two hellos.
pub(super) struct Negotiated {
    pub(super) randoms: Randoms,
    pub(super) suite: CipherSuite,
    pub(super) extended_master_secret: bool,
}

/// A handshake with keys that the server has not confirmed yet.
pub(super) struct Keyed {
    pub(super) negotiated: Negotiated,
    pub(super) master: MasterSecret,
    pub(super) channel: Channel,
}

/// A step that the server takes.
pub(super) enum Input<'a> {
    HelloVerifyRequest(&'a Message),
    ServerHello(&'a Message),
    ServerKeyExchange(&'a Message),
    ServerHelloDone(&'a Message),
    ChangeCipherSpec,
    /// A Finished message from an authentic record.
    Finished(&'a Message),
    /// Any other message, or one under the wrong protection.
    Other,
}

impl<'a> Input<'a> {
    /// A message from an unprotected record.
    pub(super) fn clear(message: &'a Message) -> Self {
        match message.kind() {
            kind::HELLO_VERIFY_REQUEST => Self::HelloVerifyRequest(message),
            kind::SERVER_HELLO => Self::ServerHello(message),
            kind::SERVER_KEY_EXCHANGE => Self::ServerKeyExchange(message),
            kind::SERVER_HELLO_DONE => Self::ServerHelloDone(message),
            _ => Self::Other,
        }
    }

    /// A message from an authentic record.
    pub(super) fn protected(message: &'a Message) -> Self {
        match message.kind() {
            kind::FINISHED => Self::Finished(message),
            _ => Self::Other,
        }
    }
}

impl<T> Common<T> {
    /// When this handshake has something to do without a datagram.
    pub(super) fn due(&self) -> Instant {
        match self.retransmission.next() {
            Some(next) => next.min(self.deadline),
            None => self.deadline,
        }
    }

    /// The sequence number of the next message to send.
    pub(super) const fn take_message_seq(&mut self) -> u16 {
        let message_seq = self.next_message_seq;
        self.next_message_seq = message_seq.wrapping_add(1);
        message_seq
    }
}

//! One handshake of the server: what is known of it and what it waits for.

use alloc::string::String;
use alloc::vec::Vec;

use crate::channel::Channel;
use crate::deferred::Deferred;
use crate::flight::{Flight, Retransmission};
use crate::handshake::{Message, kind};
use crate::reassembly::Reassembly;
use crate::record::ClearWriter;
use crate::schedule::{MasterSecret, Randoms};
use crate::{CipherSuite, Instant, PeerAddress, SessionId};

/// A handshake whose peer has shown a valid cookie.
pub(super) struct Handshake<T> {
    pub(super) common: Common<T>,
    pub(super) state: Await,
}

/// What every state has.
pub(super) struct Common<T> {
    pub(super) id: SessionId,
    pub(super) peer: PeerAddress,
    /// The handshake is forgotten then.
    pub(super) deadline: Instant,
    /// The entry of this handshake in the server's timers.
    pub(super) timer: Instant,
    pub(super) client_random: [u8; 32],
    pub(super) hello_seq: u16,
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
    /// The rest of a fragmented ClientHello whose first fragment had a valid cookie.
    Hello,
    /// ClientKeyExchange.
    KeyExchange(Negotiated),
    /// The owner's answer to a lookup.
    Key(Negotiated, Vec<u8>),
    /// ChangeCipherSpec; keys are there.
    ChangeCipherSpec(Keyed),
    /// Finished under these keys.
    Finished(Keyed),
}

/// The outcome of the two hellos.
pub(super) struct Negotiated {
    pub(super) randoms: Randoms,
    pub(super) suite: CipherSuite,
    pub(super) extended_master_secret: bool,
    pub(super) server_name: Option<String>,
}

/// A handshake with keys that are not confirmed yet.
pub(super) struct Keyed {
    pub(super) negotiated: Negotiated,
    pub(super) identity: Vec<u8>,
    pub(super) master: MasterSecret,
    pub(super) channel: Channel,
    /// When the session will end.
    pub(super) expires: Instant,
}

/// A step that the peer takes.
pub(super) enum Input<'a> {
    ClientHello(&'a Message),
    ClientKeyExchange(&'a Message),
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
            kind::CLIENT_HELLO => Self::ClientHello(message),
            kind::CLIENT_KEY_EXCHANGE => Self::ClientKeyExchange(message),
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

//! Flights of handshake messages and their retransmission (RFC 6347 4.2.4).

use alloc::vec::Vec;
use core::time::Duration;

use crate::channel::Channel;
use crate::handshake::{self, Message};
use crate::record::{self, ClearWriter, ContentType};
use crate::{Crypto, Instant, Out, PeerAddress};

/// The longest wait between two retransmissions (RFC 6347 4.2.4.1).
const MAX_DELAY: Duration = Duration::from_secs(60);
/// Retransmissions of one flight, by the timer or because the peer repeated itself.
const MAX_RETRANSMISSIONS: u8 = 12;
/// A fragment of a message is not made smaller than this many octets of its body.
const MIN_FRAGMENT: usize = 16;

/// A part of a flight.
pub(crate) enum Part {
    Message(Message),
    ChangeCipherSpec,
    /// A message after ChangeCipherSpec.
    Protected(Message),
}

/// The messages that one side sends without waiting.
#[derive(Default)]
pub(crate) struct Flight {
    parts: Vec<Part>,
}

impl Flight {
    pub(crate) const fn new(parts: Vec<Part>) -> Self {
        Self { parts }
    }

    /// Writes the flight, each record under a new sequence number, in datagrams of at most
    /// `max_datagram` octets; messages are fragmented as needed.
    pub(crate) fn transmit<C: Crypto>(
        &self,
        crypto: &C,
        clear: &mut ClearWriter,
        mut channel: Option<&mut Channel>,
        path: (PeerAddress, usize),
        out: &mut Out,
    ) {
        let (to, max_datagram) = path;
        let mut start = out.octets().len();
        for part in &self.parts {
            match part {
                Part::Message(message) => {
                    start = put_fragments(message, clear, path, start, out);
                }
                Part::ChangeCipherSpec => {
                    start = make_room(record::HEADER_LEN + 1, path, start, out);
                    clear.put(out.buffer(), ContentType::ChangeCipherSpec, &[&[1]]);
                }
                Part::Protected(message) => {
                    let Some(channel) = channel.as_deref_mut() else {
                        continue;
                    };
                    let needed = channel.suite().overhead() + message.octets().len();
                    start = make_room(needed, path, start, out);
                    // A handshake cannot use a counter up; if it did, nothing would be sent.
                    let sealed = channel.seal(
                        crypto,
                        ContentType::Handshake,
                        message.octets(),
                        out.buffer(),
                    );
                    debug_assert!(sealed.is_ok() && needed <= max_datagram);
                }
            }
        }
        out.finish_datagram(to, start);
    }
}

/// Begins a new datagram unless `needed` octets fit into the one that began at `start`.
fn make_room(
    needed: usize,
    (to, max_datagram): (PeerAddress, usize),
    start: usize,
    out: &mut Out,
) -> usize {
    let used = out.octets().len().saturating_sub(start);
    if used.saturating_add(needed) <= max_datagram {
        return start;
    }
    out.finish_datagram(to, start);
    out.octets().len()
}

/// Writes one message; returns where the datagram that is being written starts.
fn put_fragments(
    message: &Message,
    clear: &mut ClearWriter,
    path: (PeerAddress, usize),
    mut start: usize,
    out: &mut Out,
) -> usize {
    const HEADERS: usize = record::HEADER_LEN + handshake::HEADER_LEN;
    let (_, max_datagram) = path;
    let mut offset = 0;
    let mut rest = message.body();
    loop {
        start = make_room(HEADERS + rest.len().min(MIN_FRAGMENT), path, start, out);
        let used = out.octets().len().saturating_sub(start);
        let room = max_datagram
            .saturating_sub(used)
            .saturating_sub(HEADERS)
            .max(MIN_FRAGMENT);
        let (piece, tail) = rest.split_at_checked(room).unwrap_or((rest, &[]));
        let header = message.fragment_header(offset, piece.len());
        clear.put(out.buffer(), ContentType::Handshake, &[&header, piece]);
        offset = offset.saturating_add(piece.len());
        rest = tail;
        if rest.is_empty() {
            return start;
        }
    }
}

/// When a flight is sent again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retransmission {
    initial: Duration,
    delay: Duration,
    next: Option<Instant>,
    left: u8,
}

impl Retransmission {
    /// A stopped timer with this first delay.
    pub(crate) const fn new(initial: Duration) -> Self {
        Self {
            initial,
            delay: initial,
            next: None,
            left: MAX_RETRANSMISSIONS,
        }
    }

    /// Starts anew for a flight that is sent now.
    pub(crate) fn start(&mut self, now: Instant) {
        self.delay = self.initial;
        self.left = MAX_RETRANSMISSIONS;
        self.next = Some(now.saturating_add(self.delay));
    }

    /// The peer answered, or nothing more is to be sent.
    pub(crate) const fn stop(&mut self) {
        self.next = None;
        self.left = 0;
    }

    /// When the flight is due again.
    pub(crate) const fn next(&self) -> Option<Instant> {
        self.next
    }

    /// Whether the flight has to be sent because of the timer; the delay doubles.
    pub(crate) fn take_due(&mut self, now: Instant) -> bool {
        if self.next.is_none_or(|next| now < next) {
            return false;
        }
        self.delay = self.delay.saturating_mul(2).min(MAX_DELAY);
        self.next = Some(now.saturating_add(self.delay));
        self.take_one()
    }

    /// Whether the flight may be sent because the peer repeated its own.
    pub(crate) fn take_one(&mut self) -> bool {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                true
            }
            None => {
                self.next = None;
                false
            }
        }
    }
}

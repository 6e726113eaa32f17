//! What a call of the engine produced.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::ops::Range;

use crate::{Event, PeerAddress};

/// One datagram to send: where to, and where its octets stand in [`Out::octets`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The receiver.
    pub to: PeerAddress,
    /// The datagram's place in [`Out::octets`].
    pub range: Range<usize>,
}

/// The output of the engine: datagrams to send and events to handle.
///
/// The caller owns it and passes it to every call; results are appended. Everything lives in
/// one buffer, which keeps its capacity over [`Out::clear`], so that a busy loop does not
/// allocate, and the segments can be handed to a gathering send as they are.
#[derive(Default)]
pub struct Out {
    octets: Vec<u8>,
    segments: Vec<Segment>,
    events: VecDeque<Event>,
}

impl Out {
    /// An empty output.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            octets: Vec::new(),
            segments: Vec::new(),
            events: VecDeque::new(),
        }
    }

    /// Forgets datagrams, payloads and events, and keeps the memory.
    pub fn clear(&mut self) {
        self.octets.clear();
        self.segments.clear();
        self.events.clear();
    }

    /// The octets that segments and payload ranges refer to.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The datagrams to send, in order.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The datagrams to send, in order, with their octets.
    pub fn datagrams(&self) -> impl Iterator<Item = (PeerAddress, &[u8])> {
        self.segments
            .iter()
            .map(|segment| (segment.to, self.payload(&segment.range)))
    }

    /// Takes the next event.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The plaintext of an [`Event::Data`], valid until [`Out::clear`].
    #[must_use]
    pub fn payload(&self, range: &Range<usize>) -> &[u8] {
        self.octets.get(range.clone()).unwrap_or_default()
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// The buffer, to append a payload or the records of a datagram.
    pub(crate) const fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.octets
    }

    /// Marks what was appended since `start` as a datagram, if anything was.
    pub(crate) fn finish_datagram(&mut self, to: PeerAddress, start: usize) {
        let end = self.octets.len();
        if start < end {
            self.segments.push(Segment {
                to,
                range: start..end,
            });
        }
    }
}

//! Puts fragmented and reordered handshake messages together (RFC 6347 4.2.3).

use alloc::vec::Vec;
use core::ops::Range;

use crate::handshake::{Fragment, Message};

/// Messages after the expected one that are kept if they come early.
const MAX_AHEAD: u16 = 4;
/// Separate pieces of one message that are kept.
const MAX_PIECES: usize = 8;
/// Octets that one peer may make us keep.
const MAX_OCTETS: usize = 16 * 1024;

/// The messages of one handshake that are not complete yet.
pub(crate) struct Reassembly {
    next: u16,
    partial: Vec<Partial>,
}

/// A message of which pieces are there.
struct Partial {
    kind: u8,
    message_seq: u16,
    octets: Vec<u8>,
    /// What is there: sorted, disjoint, not touching.
    pieces: Vec<Range<usize>>,
}

/// What became of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placed {
    /// It was put in its place.
    Kept,
    /// Its message was complete before.
    Old,
    /// It is too early, contradicts an earlier piece, or exceeds a limit.
    Dropped,
}

impl Reassembly {
    /// Expects the message with this sequence number next.
    pub(crate) const fn starting_at(message_seq: u16) -> Self {
        Self {
            next: message_seq,
            partial: Vec::new(),
        }
    }

    /// Takes a fragment whose announced length the caller has checked against its type's limit.
    pub(crate) fn insert(&mut self, fragment: &Fragment<'_>) -> Placed {
        let Some(ahead) = fragment.message_seq.checked_sub(self.next) else {
            return Placed::Old;
        };
        let Ok(length) = usize::try_from(fragment.length) else {
            return Placed::Dropped;
        };
        // An empty piece of a message that is not empty says nothing.
        let is_empty = fragment.body.is_empty() && length > 0;
        if ahead > MAX_AHEAD || is_empty {
            return Placed::Dropped;
        }
        let known = self
            .partial
            .iter_mut()
            .find(|partial| partial.message_seq == fragment.message_seq);
        match known {
            Some(partial) => partial.insert(fragment),
            None => {
                let kept: usize = self
                    .partial
                    .iter()
                    .map(|partial| partial.octets.len())
                    .sum();
                if kept.saturating_add(length) > MAX_OCTETS {
                    return Placed::Dropped;
                }
                let mut partial = Partial {
                    kind: fragment.kind,
                    message_seq: fragment.message_seq,
                    octets: alloc::vec![0; length],
                    pieces: Vec::new(),
                };
                let placed = partial.insert(fragment);
                self.partial.push(partial);
                placed
            }
        }
    }

    /// Drops what came early.
    pub(crate) fn forget_ahead(&mut self) {
        self.partial = Vec::new();
    }

    /// Takes the expected message out once it is complete, and expects the one after it.
    pub(crate) fn next_message(&mut self) -> Option<Message> {
        let complete =
            |partial: &Partial| partial.message_seq == self.next && partial.is_complete();
        let at = self.partial.iter().position(complete)?;
        let partial = self.partial.swap_remove(at);
        self.next = self.next.checked_add(1)?;
        Some(Message::with_body(
            partial.kind,
            partial.message_seq,
            &partial.octets,
        ))
    }
}

impl Partial {
    fn is_complete(&self) -> bool {
        match self.pieces.as_slice() {
            [piece] => *piece == (0..self.octets.len()),
            _ => false,
        }
    }

    fn insert(&mut self, fragment: &Fragment<'_>) -> Placed {
        let length_agrees = usize::try_from(fragment.length) == Ok(self.octets.len());
        if fragment.kind != self.kind || !length_agrees {
            return Placed::Dropped;
        }
        let Ok(start) = usize::try_from(fragment.offset) else {
            return Placed::Dropped;
        };
        let end = start.saturating_add(fragment.body.len());
        let mut merged = start..end;
        let mut apart = Vec::with_capacity(self.pieces.len() + 1);
        for piece in &self.pieces {
            if piece.end < merged.start || merged.end < piece.start {
                apart.push(piece.clone());
            } else {
                merged = merged.start.min(piece.start)..merged.end.max(piece.end);
            }
        }
        if apart.len() >= MAX_PIECES {
            return Placed::Dropped;
        }
        let Some(place) = self.octets.get_mut(start..end) else {
            return Placed::Dropped;
        };
        place.copy_from_slice(fragment.body);
        apart.push(merged);
        apart.sort_by_key(|piece| piece.start);
        self.pieces = apart;
        Placed::Kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(message_seq: u16, whole: &[u8], range: Range<usize>) -> Fragment<'_> {
        Fragment {
            kind: 16,
            length: u32::try_from(whole.len()).unwrap(),
            message_seq,
            offset: u32::try_from(range.start).unwrap(),
            body: &whole[range],
        }
    }

    #[test]
    fn pieces_in_any_order_and_overlapping_make_the_message() {
        let whole: Vec<u8> = (0..100).collect();
        let mut reassembly = Reassembly::starting_at(0);
        for range in [60..100, 0..10, 5..40, 0..10] {
            assert_eq!(reassembly.insert(&piece(0, &whole, range)), Placed::Kept);
            assert!(reassembly.next_message().is_none());
        }
        reassembly.insert(&piece(0, &whole, 35..61));
        assert_eq!(reassembly.next_message().unwrap().body(), whole);
        assert_eq!(reassembly.insert(&piece(0, &whole, 0..100)), Placed::Old);
    }

    #[test]
    fn messages_leave_in_order() {
        let mut reassembly = Reassembly::starting_at(5);
        assert_eq!(reassembly.insert(&piece(6, b"second", 0..6)), Placed::Kept);
        assert!(reassembly.next_message().is_none());
        assert_eq!(reassembly.insert(&piece(5, b"", 0..0)), Placed::Kept);
        assert_eq!(reassembly.next_message().unwrap().body(), b"");
        assert_eq!(reassembly.next_message().unwrap().body(), b"second");
        assert!(reassembly.next_message().is_none());
    }

    #[test]
    fn empty_pieces_take_no_room() {
        let mut reassembly = Reassembly::starting_at(0);
        for start in 0..10 {
            let placed = reassembly.insert(&piece(0, b"0123456789", start..start));
            assert_eq!(placed, Placed::Dropped);
        }
        reassembly.insert(&piece(0, b"0123456789", 0..10));
        assert_eq!(reassembly.next_message().unwrap().body(), b"0123456789");
    }

    #[test]
    fn contradicting_pieces_are_dropped() {
        let mut reassembly = Reassembly::starting_at(0);
        reassembly.insert(&piece(0, b"0123456789", 0..4));
        assert_eq!(
            reassembly.insert(&piece(0, b"01234567", 4..8)),
            Placed::Dropped
        );
        let mut other_kind = piece(0, b"0123456789", 4..10);
        other_kind.kind = 11;
        assert_eq!(reassembly.insert(&other_kind), Placed::Dropped);
    }

    #[test]
    fn the_ninth_separate_piece_is_dropped() {
        let whole = [0; 100];
        let mut reassembly = Reassembly::starting_at(0);
        for start in 0..8 {
            let placed = reassembly.insert(&piece(0, &whole, start * 10..start * 10 + 1));
            assert_eq!(placed, Placed::Kept);
        }
        assert_eq!(
            reassembly.insert(&piece(0, &whole, 80..81)),
            Placed::Dropped
        );
        assert_eq!(reassembly.insert(&piece(0, &whole, 1..2)), Placed::Kept);
    }

    #[test]
    fn messages_far_ahead_and_octets_beyond_the_limit_are_dropped() {
        let mut reassembly = Reassembly::starting_at(0);
        assert_eq!(reassembly.insert(&piece(5, b"x", 0..1)), Placed::Dropped);
        let large = alloc::vec![0; 8 * 1024];
        assert_eq!(reassembly.insert(&piece(0, &large, 0..1)), Placed::Kept);
        assert_eq!(reassembly.insert(&piece(1, &large, 0..1)), Placed::Kept);
        assert_eq!(reassembly.insert(&piece(2, b"x", 0..1)), Placed::Dropped);
    }
}

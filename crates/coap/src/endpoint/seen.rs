//! Memory of messages received, against duplicates.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use crate::MessageId;

use super::Parameters;

/// The last messages of the peer with our answers; empty and without memory while nothing is remembered.
///
/// Source: RFC 7252 4.5.
#[derive(Default)]
pub(crate) struct Seen {
    entries: VecDeque<Entry>,
}

struct Entry {
    message_id: MessageId,
    expires: Duration,
    answer: Answer,
}

enum Answer {
    /// In the hands of the handler.
    Pending,
    /// The datagram sent in answer.
    Known(Vec<u8>),
    /// None was needed, or the memory for it is spent.
    Absent,
}

impl Seen {
    /// `None` for a new message; otherwise the answer to send again, if there is one.
    pub(crate) fn lookup(&self, now: Duration, message_id: MessageId) -> Option<Option<&[u8]>> {
        let entry = self
            .entries
            .iter()
            .find(|entry| entry.message_id == message_id && entry.expires > now)?;
        Some(match &entry.answer {
            Answer::Known(datagram) => Some(datagram),
            Answer::Pending | Answer::Absent => None,
        })
    }

    /// Remembers a message from now until `expires`, and forgets the oldest answered one if there are too many.
    pub(crate) fn insert(
        &mut self,
        now: Duration,
        message_id: MessageId,
        expires: Duration,
        parameters: &Parameters,
    ) {
        self.expire(now);
        while self.entries.len() >= parameters.remembered_messages.max(1) {
            let oldest_answered = self
                .entries
                .iter()
                .position(|entry| !matches!(entry.answer, Answer::Pending));
            self.entries.remove(oldest_answered.unwrap_or(0));
        }
        self.entries.push_back(Entry {
            message_id,
            expires,
            answer: Answer::Pending,
        });
    }

    /// Keeps the answer to a remembered message, and drops the oldest answers beyond the memory for them.
    pub(crate) fn answer(
        &mut self,
        message_id: MessageId,
        datagram: Option<&[u8]>,
        parameters: &Parameters,
    ) {
        let Some(entry) = self
            .entries
            .iter_mut()
            .rev()
            .find(|entry| entry.message_id == message_id)
        else {
            return;
        };
        entry.answer = datagram.map_or(Answer::Absent, |bytes| Answer::Known(bytes.to_vec()));
        let mut budget = parameters.remembered_octets;
        let mut newest = true;
        for entry in self.entries.iter_mut().rev() {
            if let Answer::Known(bytes) = &entry.answer {
                match budget.checked_sub(bytes.len()) {
                    Some(rest) => budget = rest,
                    None if newest => budget = 0,
                    None => entry.answer = Answer::Absent,
                }
                newest = false;
            }
        }
    }

    /// Forgets what is past its lifetime.
    pub(crate) fn expire(&mut self, now: Duration) {
        self.entries.retain(|entry| entry.expires > now);
        if self.entries.is_empty() {
            self.entries = VecDeque::new();
        }
    }

    /// When the next entry is past its lifetime.
    pub(crate) fn next_expiry(&self) -> Option<Duration> {
        self.entries.iter().map(|entry| entry.expires).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(247);

    #[test]
    fn the_ring_stays_bounded_and_forgets_the_oldest_answered_first() {
        let parameters = Parameters::default();
        let mut seen = Seen::default();
        for id in 0..100 {
            seen.insert(Duration::ZERO, MessageId(id), LIFE, &parameters);
            if id != 0 {
                seen.answer(MessageId(id), Some(b"x"), &parameters);
            }
        }
        assert_eq!(seen.entries.len(), 16);
        assert_eq!(seen.lookup(Duration::ZERO, MessageId(0)), Some(None));
        assert_eq!(seen.lookup(Duration::ZERO, MessageId(50)), None);
        assert_eq!(
            seen.lookup(Duration::ZERO, MessageId(99)),
            Some(Some(b"x".as_slice()))
        );
    }

    #[test]
    fn old_answers_are_dropped_but_their_messages_stay_known() {
        let parameters = Parameters::default();
        let mut seen = Seen::default();
        for id in 0..4 {
            seen.insert(Duration::ZERO, MessageId(id), LIFE, &parameters);
            seen.answer(MessageId(id), Some(&[0; 1100]), &parameters);
        }
        assert_eq!(seen.lookup(Duration::ZERO, MessageId(0)), Some(None));
        assert!(matches!(
            seen.lookup(Duration::ZERO, MessageId(3)),
            Some(Some(_))
        ));
    }

    #[test]
    fn memory_is_given_back_after_the_lifetime() {
        let mut seen = Seen::default();
        seen.insert(Duration::ZERO, MessageId(1), LIFE, &Parameters::default());
        assert_eq!(seen.next_expiry(), Some(LIFE));
        seen.expire(LIFE);
        assert_eq!(seen.entries.capacity(), 0);
        assert_eq!(seen.next_expiry(), None);
    }
}

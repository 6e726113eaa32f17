//! Which tag is worked on next, and who waits for it.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Drained;
use crate::key::Tag;
use crate::update::random_below;

/// First and longest wait before a message is tried again.
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(30);

type Answer = oneshot::Sender<Drained>;

/// Tags that have something to send. Each is worked on by one task at a time.
#[derive(Default)]
pub(super) struct Agenda {
    entries: HashMap<Tag, Entry>,
    due: BTreeSet<(Instant, Tag)>,
}

struct Entry {
    state: State,
    /// Attempts that left something, since the last that did not.
    failures: u32,
    /// Told by the attempt that runs or comes next.
    answers: Vec<Answer>,
    /// Told by the attempt after the running one, which may have read the messages too early for them.
    late_answers: Vec<Answer>,
}

enum State {
    Due(Instant),
    Working { again: bool },
}

impl Agenda {
    /// A tag was written to: it is due at once, even if it was put off after failures.
    pub(super) fn wake(&mut self, tag: Tag, answer: Option<Answer>, now: Instant) {
        self.make_due(&tag, now);
        if let Some(entry) = self.entries.get_mut(&tag) {
            match &mut entry.state {
                State::Due(_) => entry.answers.extend(answer),
                State::Working { again } => {
                    *again = true;
                    entry.late_answers.extend(answer);
                }
            }
        }
    }

    /// A tag was found to have something to send: it is due, unless it is known already.
    pub(super) fn find(&mut self, tag: Tag, now: Instant) {
        if !self.entries.contains_key(&tag) {
            self.make_due(&tag, now);
        }
    }

    /// When the next tag is due.
    pub(super) fn first_due(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Takes the tag that is due longest.
    pub(super) fn begin(&mut self, now: Instant) -> Option<Tag> {
        if self.first_due()? > now {
            return None;
        }
        let (_, tag) = self.due.pop_first()?;
        if let Some(entry) = self.entries.get_mut(&tag) {
            entry.state = State::Working { again: false };
        }
        Some(tag)
    }

    /// An attempt ended.
    pub(super) fn end(&mut self, tag: Tag, drained: Drained, now: Instant) {
        let Some(mut entry) = self.entries.remove(&tag) else {
            return;
        };
        for answer in entry.answers.drain(..) {
            // Who does not wait any more does not want the answer.
            let _gone = answer.send(drained);
        }
        entry.failures = match drained {
            Drained::Empty => 0,
            Drained::Pending => entry.failures.saturating_add(1),
        };
        let due = match (&entry.state, drained) {
            (State::Working { again: true }, _) => now,
            (_, Drained::Pending) => now + pause(entry.failures),
            (_, Drained::Empty) => return,
        };
        entry.answers = std::mem::take(&mut entry.late_answers);
        entry.state = State::Due(due);
        self.due.insert((due, tag.clone()));
        self.entries.insert(tag, entry);
    }

    fn make_due(&mut self, tag: &Tag, now: Instant) {
        let entry = self.entries.entry(tag.clone()).or_insert_with(|| {
            self.due.insert((now, tag.clone()));
            Entry {
                state: State::Due(now),
                failures: 0,
                answers: Vec::new(),
                late_answers: Vec::new(),
            }
        });
        if let State::Due(due) = &mut entry.state
            && *due > now
        {
            self.due.remove(&(*due, tag.clone()));
            self.due.insert((now, tag.clone()));
            *due = now;
        }
    }
}

/// 100 ms, 200 ms ... 30 s, between half and all of it.
fn pause(failures: u32) -> Duration {
    let most = FIRST_RETRY
        .saturating_mul(1 << failures.saturating_sub(1).min(16))
        .min(LAST_RETRY);
    let half = most / 2;
    let random_ms = random_below(u64::try_from(half.as_millis()).unwrap_or(u64::MAX));
    half + Duration::from_millis(random_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Function;

    fn tag(entity: &str) -> Tag {
        Tag::new(&Function::parse("ausf").unwrap(), entity).unwrap()
    }

    #[test]
    fn a_tag_is_worked_on_by_one_at_a_time_and_again_if_woken_meanwhile() {
        let mut agenda = Agenda::default();
        let now = Instant::now();
        let (first, mut first_answer) = oneshot::channel();
        let (late, mut late_answer) = oneshot::channel();
        agenda.wake(tag("a"), Some(first), now);
        agenda.wake(tag("a"), None, now);
        assert_eq!(agenda.begin(now), Some(tag("a")));
        agenda.wake(tag("a"), Some(late), now);
        agenda.find(tag("a"), now);
        assert_eq!(agenda.begin(now), None);
        agenda.end(tag("a"), Drained::Empty, now);
        assert_eq!(first_answer.try_recv(), Ok(Drained::Empty));
        assert!(late_answer.try_recv().is_err());
        assert_eq!(agenda.begin(now), Some(tag("a")));
        agenda.end(tag("a"), Drained::Pending, now);
        assert_eq!(late_answer.try_recv(), Ok(Drained::Pending));
    }

    #[test]
    fn failures_put_a_tag_off_longer_each_time_until_it_is_woken() {
        let mut agenda = Agenda::default();
        let mut now = Instant::now();
        agenda.wake(tag("a"), None, now);
        for least_ms in [50, 100, 200, 400] {
            assert_eq!(agenda.begin(now), Some(tag("a")));
            agenda.end(tag("a"), Drained::Pending, now);
            let due = agenda.first_due().unwrap();
            let wait = due - now;
            assert!(wait >= Duration::from_millis(least_ms), "{wait:?}");
            assert!(wait < Duration::from_millis(2 * least_ms), "{wait:?}");
            assert_eq!(agenda.begin(now), None);
            now = due;
        }
        assert_eq!(agenda.begin(now), Some(tag("a")));
        agenda.end(tag("a"), Drained::Pending, now);
        agenda.find(tag("a"), now);
        assert_eq!(agenda.begin(now), None);
        agenda.wake(tag("a"), None, now);
        assert_eq!(agenda.begin(now), Some(tag("a")));
        agenda.end(tag("a"), Drained::Empty, now);
        assert_eq!(agenda.first_due(), None);
        assert!(agenda.entries.is_empty());
    }
}

//! When the endpoints of sessions want to be called.

use std::collections::BTreeSet;
use std::time::Duration;

use dtls::SessionId;

/// The next timeout of each session that has one.
#[derive(Default)]
pub(crate) struct Timers {
    queue: BTreeSet<(Duration, SessionId)>,
}

impl Timers {
    /// Moves the timer of a session; `current` is what is set, and is set to `next`.
    pub(crate) fn set(
        &mut self,
        session: SessionId,
        current: &mut Option<Duration>,
        next: Option<Duration>,
    ) {
        if *current == next {
            return;
        }
        if let Some(at) = *current {
            self.queue.remove(&(at, session));
        }
        if let Some(at) = next {
            self.queue.insert((at, session));
        }
        *current = next;
    }

    pub(crate) fn next(&self) -> Option<Duration> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// The sessions whose time has come; they stay in the queue until their timers are set anew.
    pub(crate) fn due(&self, now: Duration) -> Vec<SessionId> {
        let due = self.queue.iter().take_while(|(at, _)| *at <= now);
        due.map(|(_, session)| *session).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_one_timer() {
        let mut timers = Timers::default();
        let session = SessionId::new(1).unwrap();
        let mut current = None;
        for seconds in [5, 3, 4] {
            let next = Some(Duration::from_secs(seconds));
            timers.set(session, &mut current, next);
            assert_eq!(timers.next(), next);
        }
        assert_eq!(timers.due(Duration::from_secs(3)), []);
        assert_eq!(timers.due(Duration::from_secs(4)), [session]);
        timers.set(session, &mut current, None);
        assert_eq!(timers.next(), None);
    }
}

//! Handshakes from the lookup of their key to their end.

use std::collections::HashMap;
use std::time::Duration;

use dtls::SessionId;

use crate::command::Picks;

/// The handshakes whose key was asked for, and the revocations that they may have missed.
pub(crate) struct Handshakes<X> {
    lookup_timeout: Duration,
    list: HashMap<SessionId, Handshake<X>>,
    /// Revocations not older than the longest lookup, with their time.
    revocations: Vec<(Duration, Picks<X>)>,
}

struct Handshake<X> {
    asked: Duration,
    context: Option<X>,
}

impl<X> Handshakes<X> {
    pub(crate) fn new(lookup_timeout: Duration) -> Self {
        Self {
            lookup_timeout,
            list: HashMap::new(),
            revocations: Vec::new(),
        }
    }

    /// Notes that a key is asked for.
    pub(crate) fn ask(&mut self, now: Duration, session: SessionId) {
        let handshake = Handshake {
            asked: now,
            context: None,
        };
        self.list.insert(session, handshake);
    }

    /// Whether the handshake still waits for its key.
    pub(crate) fn waits(&self, session: SessionId) -> bool {
        self.list.get(&session).is_some_and(|h| h.context.is_none())
    }

    /// Keeps the context of a handshake; `false` if a revocation since the question picks it.
    pub(crate) fn keep(&mut self, session: SessionId, context: X) -> bool {
        let Some(handshake) = self.list.get_mut(&session) else {
            return false;
        };
        let mut since = self
            .revocations
            .iter()
            .filter(|(at, _)| *at >= handshake.asked);
        if since.any(|(_, picks)| picks(&context)) {
            return false;
        }
        handshake.context = Some(context);
        true
    }

    /// Takes the context of a handshake that has ended, well or not.
    pub(crate) fn end(&mut self, session: SessionId) -> Option<X> {
        self.list.remove(&session)?.context
    }

    /// Keeps a revocation for lookups under way; the handshakes that it picks already.
    pub(crate) fn revoke(&mut self, now: Duration, picks: Picks<X>) -> Vec<SessionId> {
        let picked = self.list.iter().filter(|(_, handshake)| {
            let context = handshake.context.as_ref();
            context.is_some_and(&picks)
        });
        let picked = picked.map(|(session, _)| *session).collect();
        let oldest = now.saturating_sub(self.lookup_timeout);
        self.revocations.retain(|(at, _)| *at >= oldest);
        self.revocations.push((now, picks));
        picked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn id(number: u64) -> SessionId {
        SessionId::new(number).unwrap()
    }

    #[test]
    fn a_revocation_reaches_handshakes_before_and_after_their_lookup() {
        let mut handshakes = Handshakes::new(at(5));
        for number in 1..=3 {
            handshakes.ask(at(1), id(number));
        }
        assert!(handshakes.keep(id(1), "revoked"));
        let picked = handshakes.revoke(at(2), Box::new(|name| *name == "revoked"));
        assert_eq!(picked, [id(1)]);
        assert!(!handshakes.keep(id(2), "revoked"));
        assert!(handshakes.keep(id(3), "another"));
        handshakes.ask(at(3), id(4));
        assert!(
            handshakes.keep(id(4), "revoked"),
            "asked after the revocation"
        );
        assert_eq!(handshakes.end(id(3)), Some("another"));
        assert!(!handshakes.waits(id(3)) && handshakes.waits(id(2)));
    }

    #[test]
    fn revocations_are_forgotten_when_no_lookup_can_have_missed_them() {
        let mut handshakes = Handshakes::<u8>::new(at(5));
        for second in 0..100 {
            handshakes.revoke(at(second), Box::new(|_| false));
        }
        assert!(handshakes.revocations.len() <= 6);
    }
}

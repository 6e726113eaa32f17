//! A server with a model beside it that knows which events each session may have.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use super::{address, counting_random, key, next_step};
use crate::{
    CloseReason, Crypto, Event, Instant, LookupId, Out, PskAnswer, Server, ServerConfig, SessionId,
};

/// How far a session has come, told from the events alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    LookedUp,
    Answered,
    Established,
    Ended,
}

/// The server, the time, and the model.
pub(super) struct ServerUnderTest<C: Crypto> {
    pub(super) engine: Server<C>,
    pub(super) data_count: usize,
    now: Instant,
    lookups: Vec<(LookupId, SessionId)>,
    phases: BTreeMap<SessionId, Phase>,
}

impl<C: Crypto> ServerUnderTest<C> {
    pub(super) fn new(crypto: C, config: ServerConfig) -> Self {
        let now = Instant::from_millis(0);
        let engine = Server::new(config, crypto, now, &mut counting_random())
            .expect("the configuration is complete");
        Self {
            engine,
            data_count: 0,
            now,
            lookups: Vec::new(),
            phases: BTreeMap::new(),
        }
    }

    /// Plays all steps of a script.
    pub(super) fn play(&mut self, mut script: &[u8]) {
        while let Some((action, octets)) = next_step(&mut script) {
            let first = octets.first().copied().unwrap_or_default();
            match action % 8 {
                0..=2 => {
                    self.datagram(0, octets);
                }
                3 => {
                    self.datagram(1, octets);
                }
                4 => {
                    self.answer(first);
                }
                5 => self.pass(Duration::from_millis(100 * u64::from(first))),
                6 => self.with_a_session(first, |engine, session, out| {
                    let sent = engine.send(session, 1, octets, out);
                    assert!(sent.is_ok() || octets.len() > 1000, "data was not sent");
                }),
                _ => self.with_a_session(first, |engine, session, out| {
                    if octets.len() > 1 {
                        engine.revoke(session, out);
                    } else {
                        engine.close(session, out);
                    }
                }),
            }
        }
    }

    /// Feeds a datagram from one of the devices; returns the answers.
    pub(super) fn datagram(&mut self, device: u8, octets: &[u8]) -> Vec<Vec<u8>> {
        let is_idle = |engine: &Server<C>| engine.handshake_count() + engine.session_count() == 0;
        let was_idle = is_idle(&self.engine);
        let mut out = Out::new();
        let (now, from) = (self.now, address(10 + device));
        (self.engine).datagram(now, from, octets, &mut counting_random(), &mut out);
        if was_idle && is_idle(&self.engine) {
            let sent: usize = out.datagrams().map(|(_, octets)| octets.len()).sum();
            assert!(sent <= octets.len(), "a stranger got more than it sent");
        }
        self.observe(out)
    }

    /// Answers the oldest lookup.
    pub(super) fn answer(&mut self, how: u8) -> Vec<Vec<u8>> {
        if self.lookups.is_empty() {
            return Vec::new();
        }
        let (lookup, session) = self.lookups.remove(0);
        let answer = match how % 4 {
            0 | 1 => PskAnswer::Known {
                key: key(),
                expires: None,
            },
            2 => PskAnswer::Unknown,
            _ => PskAnswer::Unavailable,
        };
        if let Some(phase @ Phase::LookedUp) = self.phases.get_mut(&session) {
            *phase = Phase::Answered;
        }
        let mut out = Out::new();
        (self.engine).psk(self.now, lookup, answer, &mut counting_random(), &mut out);
        self.observe(out)
    }

    /// Lets time pass; a script may not turn it back.
    fn pass(&mut self, duration: Duration) {
        self.now = self.now.saturating_add(duration);
        let mut out = Out::new();
        self.engine.tick(self.now, &mut out);
        self.observe(out);
    }

    /// Lets time pass until nothing is due any more.
    pub(super) fn rest(&mut self) {
        let mut steps = 0;
        while let Some(at) = self.engine.next_timeout() {
            self.pass(at.saturating_since(self.now));
            steps += 1;
            assert!(steps < 10_000, "the server does not come to rest");
        }
        assert!(
            self.engine.handshake_count() == 0,
            "a handshake has no timer"
        );
        assert!(self.engine.session_count() == 0, "a session has no timer");
        let is_left = |phase: &Phase| *phase == Phase::Established;
        assert!(!self.phases.values().any(is_left), "a session ended unsaid");
    }

    fn with_a_session(&mut self, which: u8, act: impl Fn(&mut Server<C>, SessionId, &mut Out)) {
        let open = (self.phases.iter()).filter(|(_, phase)| **phase == Phase::Established);
        let sessions: Vec<SessionId> = open.map(|(session, _)| *session).collect();
        let count = sessions.len().max(1);
        if let Some(session) = sessions.get(usize::from(which) % count) {
            let mut out = Out::new();
            act(&mut self.engine, *session, &mut out);
            self.observe(out);
        }
    }

    /// Holds the events against the model.
    fn observe(&mut self, mut out: Out) -> Vec<Vec<u8>> {
        while let Some(event) = out.next_event() {
            match event {
                Event::Lookup(lookup) => {
                    let before = self.phases.insert(lookup.session, Phase::LookedUp);
                    assert!(before.is_none(), "a second lookup of one session");
                    self.lookups.push((lookup.id, lookup.session));
                }
                Event::Established(it) => {
                    let before = self.phases.insert(it.session, Phase::Established);
                    assert!(before == Some(Phase::Answered), "established without a key");
                }
                Event::Data { session, range, .. } => {
                    let phase = self.phases.get(&session);
                    assert!(phase == Some(&Phase::Established), "data without a session");
                    assert!(!out.payload(&range).is_empty(), "no data");
                    self.data_count += 1;
                }
                Event::Closed { session, reason } => {
                    let before = self.phases.insert(session, Phase::Ended);
                    assert!(
                        before == Some(Phase::Established),
                        "closed without a session"
                    );
                    if let CloseReason::Replaced(by) = reason {
                        let by = self.phases.get(&by);
                        assert!(by == Some(&Phase::Answered), "replaced by nothing");
                    }
                }
                Event::HandshakeFailed { session, .. } => {
                    let before = self.phases.insert(session, Phase::Ended);
                    let is_late = matches!(before, Some(Phase::Established | Phase::Ended));
                    assert!(!is_late, "a handshake failed after its end");
                }
            }
        }
        let established = self
            .phases
            .values()
            .filter(|phase| **phase == Phase::Established);
        assert!(
            established.count() == self.engine.session_count(),
            "sessions do not add up"
        );
        out.datagrams().map(|(_, octets)| octets.to_vec()).collect()
    }
}

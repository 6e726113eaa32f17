//! What the DTLS engine reports: lookups, sessions, data.

use std::sync::Arc;
use std::time::Duration;

use dtls::{CloseReason, Event, FailureReason, Lookup, Psk, PskAnswer, SessionId};
use tokio::time::timeout;
use tracing::debug;

use super::driver::{Bound, Driver};
use crate::binding::Binding;
use crate::clock::dtls_instant;
use crate::command::{Command, Found};
use crate::crypto::random;
use crate::session::Facts;
use crate::{Handler, KeyLookup, KeyQuery, LookupUnavailable};

impl<K, H> Driver<K, H>
where
    K: KeyLookup,
    H: Handler<K::Context>,
{
    /// Takes what the engine reports; whether that was anything.
    pub(super) fn engine_events(&mut self, now: Duration) -> bool {
        let mut any = false;
        while let Some(event) = self.arrived.next_event() {
            any = true;
            match event {
                Event::Lookup(lookup) => self.look_up(lookup),
                Event::Established(established) => self.established(established),
                Event::Data {
                    session,
                    epoch,
                    range,
                } => {
                    if let Some(bound) = self.sessions.get_mut(&session)
                        && bound.binding.epoch() == epoch
                    {
                        let data = self.arrived.payload(&range);
                        bound.binding.receive(now, data);
                        self.touched.push(session);
                    }
                }
                Event::Closed { session, reason } => self.closed(session, reason),
                Event::HandshakeFailed {
                    session, reason, ..
                } => self.handshake_failed(session, reason),
                _ => {}
            }
        }
        any
    }

    fn look_up(&mut self, lookup: Lookup) {
        self.handshakes.ask(self.clock.now(), lookup.session);
        let keys = Arc::clone(&self.keys);
        let commands = self.commands.clone();
        let limit = self.lookup_timeout;
        self.tracker.spawn(async move {
            let query = KeyQuery {
                identity: lookup.identity,
                suite: lookup.suite,
                server_name: lookup.server_name,
                peer: lookup.peer.remote(),
            };
            let found = timeout(limit, keys.lookup(query)).await;
            let command = Command::Key {
                lookup: lookup.id,
                session: lookup.session,
                found: found.unwrap_or(Err(LookupUnavailable)),
            };
            // without a driver there is no handshake
            let _ = commands.send(command).await;
        });
    }

    pub(super) fn found(
        &mut self,
        lookup: dtls::LookupId,
        session: SessionId,
        found: Found<K::Context>,
    ) {
        let now = self.clock.now();
        if !self.handshakes.waits(session) {
            // the handshake has ended meanwhile
            return;
        }
        let answer = match found {
            Err(LookupUnavailable) => PskAnswer::Unavailable,
            Ok(None) => PskAnswer::Unknown,
            Ok(Some(known)) => match Psk::try_from_slice(known.key.expose()) {
                Ok(_) if !self.handshakes.keep(session, known.context) => PskAnswer::Unknown,
                Ok(key) => {
                    let expires = known
                        .expires_at_unix_ms
                        .map(|at| dtls_instant(now + self.until(at)));
                    PskAnswer::Known { key, expires }
                }
                Err(error) => {
                    debug!(%error, "key of an identity cannot be used");
                    PskAnswer::Unavailable
                }
            },
        };
        self.engine.psk(
            dtls_instant(now),
            lookup,
            answer,
            &mut random,
            &mut self.arrived,
        );
        self.engine_events(now);
    }

    /// The time from now to a time of day; zero if that has passed.
    fn until(&self, unix_ms: u64) -> Duration {
        Duration::from_millis(unix_ms.saturating_sub(self.wall_clock.unix_ms()))
    }

    fn established(&mut self, established: dtls::Established) {
        let id = established.session;
        let Some(context) = self.handshakes.end(id) else {
            // a session without a key lookup does not exist
            self.engine.close(id, &mut self.leaving);
            return;
        };
        self.counters.handshakes_completed.one();
        let binding = Box::new(Binding::new(
            Arc::clone(&self.parameters),
            Arc::new(Facts::new(established, context)),
            self.commands.downgrade(),
        ));
        if let Some(session) = binding.session() {
            self.calls.handler.established(&session);
        }
        let timer = None;
        self.sessions.insert(id, Bound { binding, timer });
        if self.retired {
            self.touched.push(id);
        }
        self.count_sessions();
    }

    pub(super) fn closed(&mut self, id: SessionId, reason: CloseReason) {
        let Some(mut bound) = self.sessions.remove(&id) else {
            return;
        };
        self.timers.set(id, &mut bound.timer, None);
        self.count_sessions();
        self.counters.closings.one(reason);
        let session = bound.binding.session();
        bound.binding.count(&self.counters);
        bound.binding.end(reason);
        if let Some(session) = session {
            self.calls.handler.closed(&session, reason);
        }
    }

    fn handshake_failed(&mut self, session: SessionId, reason: FailureReason) {
        self.handshakes.end(session);
        self.counters.handshakes_failed.one();
        self.counters.failures.one(reason);
        if reason == FailureReason::Restarted {
            self.counters.handshakes_started.one();
        }
        debug!(?reason, "handshake failed");
    }

    fn count_sessions(&self) {
        self.counters.sessions.set(self.sessions.len());
    }
}

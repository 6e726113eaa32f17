//! The task that owns socket, DTLS engine and endpoints.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use coap::Parameters;
use dtls::{Event, Out, PeerAddress, SessionId};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::handshakes::Handshakes;
use super::timers::Timers;
use crate::binding::Binding;
use crate::calls::{Answer, Calls};
use crate::clock::{Monotonic, at, dtls_instant, since_start};
use crate::command::{Command, Commands};
use crate::crypto::random;
use crate::stats::Counters;
use crate::{AwsLc, ExchangeError, Handler, KeyLookup, WallClock, socket};

pub(super) struct Driver<K: KeyLookup, H> {
    pub(super) socket: UdpSocket,
    pub(super) clock: Monotonic,
    pub(super) engine: dtls::Server<AwsLc>,
    pub(super) parameters: Arc<Parameters>,
    pub(super) keys: Arc<K>,
    pub(super) calls: Calls<H>,
    pub(super) tracker: TaskTracker,
    pub(super) commands: Commands<K::Context>,
    pub(super) counters: Arc<Counters>,
    pub(super) wall_clock: WallClock,
    pub(super) lookup_timeout: Duration,
    pub(super) sessions: HashMap<SessionId, Bound<K::Context>>,
    pub(super) handshakes: Handshakes<K::Context>,
    pub(super) timers: Timers,
    /// No new peers are taken, and each session ends when it has been answered.
    pub(super) retired: bool,
    /// Sessions whose endpoint may have something to send or report.
    pub(super) touched: Vec<SessionId>,
    /// What the engine made of datagrams, keys and time.
    pub(super) arrived: Out,
    /// What the engine made of our data.
    pub(super) leaving: Out,
}

/// A session with the timer that is set for it.
pub(super) struct Bound<X> {
    pub(super) binding: Box<Binding<X>>,
    pub(super) timer: Option<Duration>,
}

/// What woke the driver.
enum Wake<X> {
    Datagram(io::Result<(usize, SocketAddr)>),
    Command(Option<Command<X>>),
    Answer(Option<Answer>),
    Timer,
    Shutdown,
    DrainOver,
}

impl<K, H> Driver<K, H>
where
    K: KeyLookup,
    H: Handler<K::Context>,
{
    /// Serves until the token is cancelled and what was begun is done.
    pub(super) async fn run(
        mut self,
        mut queue: mpsc::Receiver<Command<K::Context>>,
        mut answers: mpsc::Receiver<Answer>,
        token: CancellationToken,
        drain: Duration,
    ) {
        let mut buffer = vec![0; socket::MAX_DATAGRAM];
        let mut drained_at = None;
        while drained_at.is_none() || !self.calls.is_idle() {
            let next = self.next_timeout().map(|at| self.clock.at(at));
            let wake = tokio::select! {
                received = self.socket.recv_from(&mut buffer) => Wake::Datagram(received),
                answer = answers.recv() => Wake::Answer(answer),
                command = queue.recv() => Wake::Command(command),
                () = at(next) => Wake::Timer,
                () = at(drained_at) => Wake::DrainOver,
                () = token.cancelled(), if drained_at.is_none() => Wake::Shutdown,
            };
            match wake {
                Wake::Datagram(Ok((length, from))) => {
                    self.datagram(buffer.get(..length).unwrap_or_default(), from);
                    self.more_datagrams(&mut buffer);
                }
                Wake::Datagram(Err(error)) => debug!(%error, "datagram not received"),
                Wake::Answer(Some(answer)) => self.answer(answer),
                Wake::Command(Some(command)) => self.command(command),
                // the driver itself holds senders
                Wake::Command(None) | Wake::Answer(None) => {}
                Wake::Timer => self.tick(),
                Wake::Shutdown => {
                    self.retire();
                    drained_at = Some(tokio::time::Instant::now() + drain);
                }
                Wake::DrainOver => break,
            }
            self.settle();
            self.counters.handshakes.set(self.engine.handshake_count());
            self.flush().await;
        }
        self.close_all().await;
    }

    /// Takes what else has arrived, up to a bound, so that one wake serves many datagrams.
    fn more_datagrams(&mut self, buffer: &mut [u8]) {
        for _ in 0..BATCH {
            let Ok((length, from)) = self.socket.try_recv_from(buffer) else {
                return;
            };
            self.datagram(buffer.get(..length).unwrap_or_default(), from);
        }
    }

    fn datagram(&mut self, datagram: &[u8], from: SocketAddr) {
        self.counters.datagrams_received.one();
        if self.retired && is_client_hello(datagram) {
            // whoever sends the peer elsewhere has not noticed yet; its next attempt goes to another server
            self.counters.datagrams_ignored.one();
            return;
        }
        let handshakes = self.engine.handshake_count();
        let before = self.arrived.octets().len();
        let segments = self.arrived.segments().len();
        let touched = self.touched.len();
        let now = self.clock.now();
        self.engine.datagram(
            dtls_instant(now),
            PeerAddress::new(0, from),
            datagram,
            &mut random,
            &mut self.arrived,
        );
        if self.engine.handshake_count() > handshakes {
            self.counters.handshakes_started.one();
        }
        for segment in self.arrived.segments().get(segments..).unwrap_or_default() {
            if is_hello_verify_request(self.arrived.payload(&segment.range)) {
                self.counters.hello_verify_requests.one();
            }
        }
        let had_effect = self.engine_events(now);
        if !had_effect && before == self.arrived.octets().len() && touched == self.touched.len() {
            self.counters.datagrams_ignored.one();
        }
    }

    fn answer(&mut self, answer: Answer) {
        let now = self.clock.now();
        match self.sessions.get_mut(&answer.session) {
            Some(bound) if bound.binding.epoch() == answer.epoch => {
                self.touched.push(answer.session);
                bound.binding.answer(now, answer);
            }
            _ => self.counters.answers_dropped.one(),
        }
    }

    fn command(&mut self, command: Command<K::Context>) {
        let now = self.clock.now();
        match command {
            Command::Key {
                lookup,
                session,
                found,
            } => self.found(lookup, session, found),
            Command::Exchange {
                session,
                ticket,
                request,
                reliability,
                reply,
            } => match self.sessions.get_mut(&session) {
                Some(bound) => {
                    self.touched.push(session);
                    let binding = &mut bound.binding;
                    binding.start(now, ticket, request, reliability, reply);
                }
                None => reply.fail(ExchangeError::Closed),
            },
            Command::Cancel { session, ticket } => {
                if let Some(bound) = self.sessions.get_mut(&session) {
                    self.touched.push(session);
                    bound.binding.cancel(now, ticket);
                }
            }
            Command::Notify {
                session,
                request,
                response,
                reliability,
            } => {
                if let Some(bound) = self.sessions.get_mut(&session) {
                    self.touched.push(session);
                    let binding = &mut bound.binding;
                    binding.notify(now, request, response, reliability);
                }
            }
            Command::Retire => self.retire(),
            Command::Close(session) => self.engine.close(session, &mut self.arrived),
            Command::Revoke(session) => self.engine.revoke(session, &mut self.arrived),
            Command::RevokeWhere(picks) => {
                let sessions = self.sessions.iter();
                let picked = sessions.filter(|(_, bound)| picks(bound.binding.context()));
                let mut picked: Vec<SessionId> = picked.map(|(id, _)| *id).collect();
                picked.append(&mut self.handshakes.revoke(now, picks));
                for id in picked {
                    self.engine.revoke(id, &mut self.arrived);
                }
            }
        }
    }

    /// Takes no new peers and begins no more requests. Sessions end by close_notify as soon as what they asked is
    /// answered, so that their peers connect again at once, elsewhere.
    fn retire(&mut self) {
        self.calls.drain();
        self.retired = true;
        self.touched.extend(self.sessions.keys());
    }

    fn next_timeout(&self) -> Option<Duration> {
        let engine = self.engine.next_timeout().map(since_start);
        [engine, self.timers.next()].into_iter().flatten().min()
    }

    fn tick(&mut self) {
        let now = self.clock.now();
        self.engine.tick(dtls_instant(now), &mut self.arrived);
        for session in self.timers.due(now) {
            if let Some(bound) = self.sessions.get_mut(&session) {
                bound.binding.tick(now);
                self.touched.push(session);
            }
        }
    }

    /// Takes what engine and endpoints have to report, until there is nothing left but datagrams.
    fn settle(&mut self) {
        let now = self.clock.now();
        loop {
            self.engine_events(now);
            let Some(id) = self.touched.pop() else {
                return;
            };
            let Some(bound) = self.sessions.get_mut(&id) else {
                continue;
            };
            bound.binding.pump(now, &self.calls, &self.counters);
            while let Some(datagram) = bound.binding.poll_transmit() {
                let epoch = bound.binding.epoch();
                let sent = self.engine.send(id, epoch, &datagram, &mut self.leaving);
                if let Err(error) = sent {
                    self.counters.send_errors.one();
                    debug!(%error, "message not sent");
                }
            }
            if self.retired && bound.binding.is_idle() {
                self.engine.close(id, &mut self.leaving);
            }
            let next = bound.binding.next_timeout();
            self.timers.set(id, &mut bound.timer, next);
            while let Some(event) = self.leaving.next_event() {
                if let Event::Closed { session, reason } = event {
                    self.closed(session, reason);
                }
            }
        }
    }

    /// Sends what waits.
    async fn flush(&mut self) {
        socket::send(&self.socket, &self.arrived, &self.counters).await;
        self.arrived.clear();
        socket::send(&self.socket, &self.leaving, &self.counters).await;
        self.leaving.clear();
    }

    async fn close_all(&mut self) {
        let ids: Vec<SessionId> = self.sessions.keys().copied().collect();
        for id in ids {
            self.engine.close(id, &mut self.arrived);
        }
        self.settle();
        self.flush().await;
    }
}

/// Whether a datagram is a HelloVerifyRequest: an unprotected handshake record with a message of type 3
/// (RFC 6347 4.3.2).
fn is_hello_verify_request(datagram: &[u8]) -> bool {
    datagram.first() == Some(&22)
        && datagram.get(3..5) == Some(&[0, 0])
        && datagram.get(13) == Some(&3)
}

/// Whether a datagram begins a handshake: an unprotected handshake record with a message of type 1.
fn is_client_hello(datagram: &[u8]) -> bool {
    datagram.first() == Some(&22)
        && datagram.get(3..5) == Some(&[0, 0])
        && datagram.get(13) == Some(&1)
}

/// Datagrams taken at one wake.
const BATCH: usize = 64;

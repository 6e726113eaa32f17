//! The task that owns socket, DTLS engine and endpoint of a client.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use coap::Parameters;
use dtls::{CloseReason, Established, Event, FailureReason, Out};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::binding::Binding;
use crate::calls::{Answer, Calls};
use crate::clock::{Monotonic, at, dtls_instant, since_start};
use crate::command::Command;
use crate::session::Facts;
use crate::stats::Counters;
use crate::{AwsLc, ConnectError, ExchangeError, Handler, Session, socket};

pub(super) struct Driver<H> {
    pub(super) socket: UdpSocket,
    pub(super) clock: Monotonic,
    pub(super) engine: dtls::Client<AwsLc>,
    pub(super) server: SocketAddr,
    pub(super) expected_hint: Option<Vec<u8>>,
    pub(super) parameters: Arc<Parameters>,
    pub(super) calls: Calls<H>,
    pub(super) commands: mpsc::WeakSender<Command<()>>,
    pub(super) counters: Arc<Counters>,
    /// There while the session is.
    pub(super) binding: Option<Box<Binding<()>>>,
    /// Whoever waits for the session, until it is there or has failed.
    pub(super) ready: Option<oneshot::Sender<Result<Session<()>, ConnectError>>>,
    pub(super) arrived: Out,
    pub(super) leaving: Out,
}

/// What woke the driver.
enum Wake {
    Datagram(std::io::Result<(usize, SocketAddr)>),
    Command(Option<Command<()>>),
    Answer(Option<Answer>),
    Timer,
    Shutdown,
}

impl<H: Handler<()>> Driver<H> {
    /// Runs the handshake and then the session, until it ends.
    pub(super) async fn run(
        mut self,
        mut queue: mpsc::Receiver<Command<()>>,
        mut answers: mpsc::Receiver<Answer>,
        token: CancellationToken,
    ) {
        let mut buffer = vec![0; socket::MAX_DATAGRAM];
        self.counters.handshakes_started.one();
        self.flush().await;
        while self.ready.is_some() || self.binding.is_some() {
            let next = self.next_timeout().map(|at| self.clock.at(at));
            let wake = tokio::select! {
                received = self.socket.recv_from(&mut buffer) => Wake::Datagram(received),
                answer = answers.recv() => Wake::Answer(answer),
                command = queue.recv() => Wake::Command(command),
                () = at(next) => Wake::Timer,
                () = token.cancelled() => Wake::Shutdown,
            };
            match wake {
                Wake::Datagram(Ok((length, from))) if from == self.server => {
                    self.datagram(buffer.get(..length).unwrap_or_default());
                }
                Wake::Datagram(Ok(_)) => self.counters.datagrams_ignored.one(),
                Wake::Datagram(Err(error)) => debug!(%error, "datagram not received"),
                Wake::Answer(Some(answer)) => self.answer(answer),
                // the calls hold a sender
                Wake::Answer(None) => {}
                Wake::Command(Some(command)) => self.command(command),
                Wake::Timer => self.tick(),
                // nobody is left who could use the session
                Wake::Command(None) | Wake::Shutdown => {
                    self.ready = None;
                    self.engine.close(&mut self.arrived);
                }
            }
            self.settle();
            self.flush().await;
        }
    }

    fn datagram(&mut self, datagram: &[u8]) {
        self.counters.datagrams_received.one();
        let before = self.arrived.octets().len();
        let now = self.clock.now();
        self.engine
            .datagram(dtls_instant(now), datagram, &mut self.arrived);
        if !self.engine_events(now) && before == self.arrived.octets().len() {
            self.counters.datagrams_ignored.one();
        }
    }

    /// Takes what the engine reports; whether that was anything.
    fn engine_events(&mut self, now: Duration) -> bool {
        let mut any = false;
        while let Some(event) = self.arrived.next_event() {
            any = true;
            match event {
                Event::Established(established) => self.established(established),
                Event::Data { epoch, range, .. } => {
                    if let Some(binding) = &mut self.binding
                        && binding.epoch() == epoch
                    {
                        let data = self.arrived.payload(&range);
                        binding.receive(now, data);
                    }
                }
                Event::Closed { reason, .. } => self.closed(reason),
                Event::HandshakeFailed { reason, .. } => self.handshake_failed(reason),
                _ => {}
            }
        }
        any
    }

    /// Whether the server has sent the hint that it must send.
    fn is_hint_expected(&self) -> bool {
        let expected = self.expected_hint.as_deref();
        expected.is_none() || expected == self.engine.identity_hint()
    }

    fn established(&mut self, established: Established) {
        self.counters.handshakes_completed.one();
        let Some(ready) = self.ready.take() else {
            return;
        };
        if !self.is_hint_expected() {
            // whoever has stopped waiting does not need to know
            let _ = ready.send(Err(ConnectError::Hint));
            self.engine.close(&mut self.leaving);
            return;
        }
        let binding = Box::new(Binding::new(
            Arc::clone(&self.parameters),
            Arc::new(Facts::new(established, ())),
            self.commands.clone(),
        ));
        let Some(session) = binding.session() else {
            self.engine.close(&mut self.leaving);
            return;
        };
        self.counters.sessions.set(1);
        self.binding = Some(binding);
        self.calls.handler.established(&session);
        // whoever has stopped waiting drops the handle, which ends the session
        let _ = ready.send(Ok(session));
    }

    fn handshake_failed(&mut self, reason: FailureReason) {
        self.counters.handshakes_failed.one();
        self.counters.failures.one(reason);
        let error = if self.engine.identity_hint().is_none() || self.is_hint_expected() {
            ConnectError::Handshake(reason)
        } else {
            ConnectError::Hint
        };
        if let Some(ready) = self.ready.take() {
            // whoever has stopped waiting does not need to know
            let _ = ready.send(Err(error));
        }
    }

    fn closed(&mut self, reason: CloseReason) {
        let Some(mut binding) = self.binding.take() else {
            return;
        };
        self.counters.sessions.set(0);
        self.counters.closings.one(reason);
        let session = binding.session();
        binding.count(&self.counters);
        binding.end(reason);
        if let Some(session) = session {
            self.calls.handler.closed(&session, reason);
        }
    }

    fn answer(&mut self, answer: Answer) {
        let now = self.clock.now();
        match &mut self.binding {
            Some(binding) if binding.epoch() == answer.epoch => binding.answer(now, answer),
            _ => self.counters.answers_dropped.one(),
        }
    }

    fn command(&mut self, command: Command<()>) {
        let now = self.clock.now();
        match (command, &mut self.binding) {
            (Command::Close(_) | Command::Revoke(_), _) => self.engine.close(&mut self.arrived),
            (
                Command::Exchange {
                    ticket,
                    request,
                    reliability,
                    reply,
                    ..
                },
                Some(binding),
            ) => binding.start(now, ticket, request, reliability, reply),
            (Command::Exchange { reply, .. }, None) => reply.fail(ExchangeError::Closed),
            (Command::Cancel { ticket, .. }, Some(binding)) => binding.cancel(now, ticket),
            (
                Command::Notify {
                    request,
                    response,
                    reliability,
                    ..
                },
                Some(binding),
            ) => binding.notify(now, request, response, reliability),
            // a client looks up no keys, and has no other sessions to pick from or to retire from
            (Command::Key { .. } | Command::RevokeWhere(_) | Command::Retire, _)
            | (Command::Cancel { .. } | Command::Notify { .. }, None) => {}
        }
    }

    fn next_timeout(&self) -> Option<Duration> {
        let engine = self.engine.next_timeout().map(since_start);
        let endpoint = self.binding.as_ref();
        let endpoint = endpoint.and_then(|binding| binding.next_timeout());
        [engine, endpoint].into_iter().flatten().min()
    }

    fn tick(&mut self) {
        let now = self.clock.now();
        self.engine.tick(dtls_instant(now), &mut self.arrived);
        if let Some(binding) = &mut self.binding {
            binding.tick(now);
        }
    }

    /// Takes what engine and endpoint have to report, until there is nothing left but datagrams.
    fn settle(&mut self) {
        let now = self.clock.now();
        self.engine_events(now);
        if let Some(binding) = &mut self.binding {
            binding.pump(now, &self.calls, &self.counters);
            while let Some(datagram) = binding.poll_transmit() {
                let sent = (self.engine).send(binding.epoch(), &datagram, &mut self.leaving);
                if let Err(error) = sent {
                    self.counters.send_errors.one();
                    debug!(%error, "message not sent");
                }
            }
        }
        while let Some(event) = self.leaving.next_event() {
            if let Event::Closed { reason, .. } = event {
                self.closed(reason);
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
}

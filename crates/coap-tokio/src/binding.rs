//! One session's CoAP endpoint, bound to handler and handles.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use coap::{
    Endpoint, Event, ExchangeId, ObservationId, Parameters, Reliability, Request, RequestId,
    Response,
};
use dtls::CloseReason;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::calls::{Answer, Calls, busy};
use crate::command::{Command, First, Reply, Ticket};
use crate::session::Facts;
use crate::stats::Counters;
use crate::waking::Waking;
use crate::{ExchangeError, Handler, Incoming, Registration, Session};

/// The CoAP state of one session.
pub(crate) struct Binding<X> {
    endpoint: Waking,
    facts: Arc<Facts<X>>,
    commands: mpsc::WeakSender<Command<X>>,
    exchanges: Vec<Exchange>,
    observations: Vec<Observed>,
    /// Requests of the peer that are being handled.
    running: usize,
}

/// An exchange of ours, and who waits for it.
struct Exchange {
    id: ExchangeId,
    ticket: Ticket,
    reply: Reply,
}

/// An observation of the peer.
struct Observed {
    /// The registration, which names it for the handles.
    request: RequestId,
    /// Set when it is granted.
    id: Option<ObservationId>,
    over: CancellationToken,
    /// The newest notification from before the grant.
    early: Option<(Response, Reliability)>,
}

impl<X: Send + Sync + 'static> Binding<X> {
    pub(crate) fn new(
        parameters: Arc<Parameters>,
        facts: Arc<Facts<X>>,
        commands: mpsc::WeakSender<Command<X>>,
    ) -> Self {
        Self {
            endpoint: Waking::new(parameters),
            facts,
            commands,
            exchanges: Vec::new(),
            observations: Vec::new(),
            running: 0,
        }
    }

    /// A handle of the session; `None` once nobody else holds one.
    pub(crate) fn session(&self) -> Option<Session<X>> {
        Some(Session {
            facts: Arc::clone(&self.facts),
            commands: self.commands.upgrade()?,
        })
    }

    pub(crate) fn context(&self) -> &X {
        self.facts.context()
    }

    pub(crate) fn epoch(&self) -> u16 {
        self.facts.epoch
    }

    /// Whether no request of the peer is being handled.
    pub(crate) const fn is_idle(&self) -> bool {
        self.running == 0
    }

    /// Takes a message of the peer.
    pub(crate) fn receive(&mut self, now: Duration, message: &[u8]) {
        self.endpoint.wake().handle_datagram(now, message);
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self, now: Duration) {
        self.endpoint.wake().tick(now);
    }

    /// When something is due next.
    pub(crate) fn next_timeout(&self) -> Option<Duration> {
        self.endpoint.awake()?.next_timeout()
    }

    /// The next message to send; the endpoint goes to rest when there is none and nothing else to do.
    pub(crate) fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        let message = self.endpoint.awake_mut()?.poll_transmit();
        if message.is_none() {
            self.endpoint.rest();
        }
        message
    }

    /// Handles what the endpoint has to report.
    pub(crate) fn pump<H: Handler<X>>(
        &mut self,
        now: Duration,
        calls: &Calls<H>,
        counters: &Counters,
    ) {
        while let Some(event) = self.endpoint.awake_mut().and_then(Endpoint::poll_event) {
            match event {
                Event::Request {
                    id,
                    request,
                    observe,
                } => {
                    if !self.start_call(calls, id, request, observe) {
                        counters.requests_refused.one();
                        // the endpoint has just reported it
                        let _ = self.endpoint.wake().respond(now, id, busy());
                    }
                }
                Event::Response {
                    id,
                    response,
                    observing,
                } => self.report_response(id, response, observing),
                Event::Notification {
                    id,
                    response,
                    ended,
                } => self.report_notification(now, id, response, ended),
                Event::Failed { id, failure } => {
                    if let Some(exchange) = self.take_exchange(id) {
                        exchange.reply.fail(ExchangeError::Failed(failure));
                    }
                }
                Event::ObservationEnded { id, .. } => self.end_observation(id),
            }
        }
        self.count(counters);
    }

    /// Adds what the endpoint has counted.
    pub(crate) fn count(&mut self, counters: &Counters) {
        if let Some(endpoint) = self.endpoint.awake_mut() {
            counters.add_endpoint(endpoint.take_stats());
        }
    }

    fn start_call<H: Handler<X>>(
        &mut self,
        calls: &Calls<H>,
        id: RequestId,
        request: Request,
        observe: bool,
    ) -> bool {
        let Some(session) = self.session() else {
            return false;
        };
        let piggyback = calls.handler.requires_piggyback(&request);
        if piggyback {
            // the endpoint has just reported it
            let _ = self.endpoint.wake().require_piggyback(id);
        }
        let registration = observe.then(|| Registration {
            session: session.clone(),
            request: id,
            accepted: Arc::new(AtomicBool::new(false)),
            over: CancellationToken::new(),
        });
        let over = registration.as_ref().map(|wish| wish.over.clone());
        let incoming = Incoming {
            request,
            registration,
        };
        let started = calls.start(session, id, incoming, piggyback);
        self.running += usize::from(started);
        if let (true, Some(over)) = (started, over) {
            self.observations.push(Observed {
                request: id,
                id: None,
                over,
                early: None,
            });
        }
        started
    }

    /// Gives the peer the answer of the handler.
    pub(crate) fn answer(&mut self, now: Duration, answer: Answer) {
        self.running = self.running.saturating_sub(1);
        let registered = self
            .observations
            .iter()
            .position(|observed| observed.request == answer.request);
        let id = match registered {
            Some(_) if answer.observed => {
                let granted =
                    self.endpoint
                        .wake()
                        .respond_and_observe(now, answer.request, answer.response);
                granted.ok().flatten()
            }
            _ => {
                // an answer comes once for each request
                let _ = self
                    .endpoint
                    .wake()
                    .respond(now, answer.request, answer.response);
                None
            }
        };
        let Some(at) = registered else { return };
        if id.is_none() {
            self.observations.remove(at).over.cancel();
        } else if let Some(observed) = self.observations.get_mut(at) {
            observed.id = id;
            if let Some((response, reliability)) = observed.early.take() {
                self.notify(now, answer.request, response, reliability);
            }
        }
    }

    /// Sends a notification, or keeps it until the observation is granted.
    pub(crate) fn notify(
        &mut self,
        now: Duration,
        request: RequestId,
        response: Response,
        reliability: Reliability,
    ) {
        let Some(observed) = self.observations.iter_mut().find(|o| o.request == request) else {
            return;
        };
        let Some(id) = observed.id else {
            observed.early = Some((response, reliability));
            return;
        };
        let last = !response.is_success();
        let sent = self.endpoint.wake().notify(now, id, response, reliability);
        if last || sent.is_err() {
            self.end_observation(id);
        }
    }

    fn end_observation(&mut self, id: ObservationId) {
        self.observations.retain(|observed| {
            let ended = observed.id == Some(id);
            if ended {
                observed.over.cancel();
            }
            !ended
        });
    }

    /// Starts an exchange for a handle.
    pub(crate) fn start(
        &mut self,
        now: Duration,
        ticket: Ticket,
        request: Request,
        reliability: Reliability,
        reply: Reply,
    ) {
        let started = match reply {
            Reply::Response(_) => self.endpoint.wake().request(now, request, reliability),
            Reply::Observation { .. } => self.endpoint.wake().observe(now, request),
        };
        match started {
            Ok(id) => self.exchanges.push(Exchange { id, ticket, reply }),
            Err(refused) => reply.fail(ExchangeError::Refused(refused)),
        }
    }

    /// Gives an exchange up for a handle.
    pub(crate) fn cancel(&mut self, now: Duration, ticket: Ticket) {
        if let Some(at) = self.exchanges.iter().position(|e| e.ticket == ticket) {
            let exchange = self.exchanges.remove(at);
            self.endpoint.wake().cancel(now, exchange.id);
        }
    }

    fn report_response(&mut self, id: ExchangeId, response: Response, observing: bool) {
        let Some(mut exchange) = self.take_exchange(id) else {
            return;
        };
        match &mut exchange.reply {
            Reply::Observation { first, .. } => {
                let granted = First {
                    response,
                    granted: observing,
                };
                if let Some(first) = first.take() {
                    // whoever has stopped waiting cancels by its guard
                    let _ = first.send(Ok(granted));
                }
                if observing {
                    self.exchanges.push(exchange);
                }
            }
            Reply::Response(_) => exchange.reply.succeed(response),
        }
    }

    fn report_notification(
        &mut self,
        now: Duration,
        id: ExchangeId,
        response: Response,
        ended: bool,
    ) {
        let exchange = self.exchanges.iter().find(|exchange| exchange.id == id);
        let Some(Reply::Observation { news, .. }) = exchange.map(|exchange| &exchange.reply) else {
            return;
        };
        let heard = news.send(Some(response)).is_ok();
        if ended || !heard {
            self.take_exchange(id);
            self.endpoint.wake().cancel(now, id);
        }
    }

    fn take_exchange(&mut self, id: ExchangeId) -> Option<Exchange> {
        let at = self.exchanges.iter().position(|e| e.id == id)?;
        Some(self.exchanges.remove(at))
    }

    /// Ends everything that belongs to the session.
    pub(crate) fn end(self, reason: CloseReason) {
        self.facts.end(reason);
        for observed in self.observations {
            observed.over.cancel();
        }
        for exchange in self.exchanges {
            exchange.reply.fail(ExchangeError::Closed);
        }
    }
}

impl Reply {
    /// Tells whoever still waits for the first response.
    pub(crate) fn fail(self, error: ExchangeError) {
        // whoever has stopped waiting does not need to know
        match self {
            Self::Response(reply) => drop(reply.send(Err(error))),
            Self::Observation { first, .. } => {
                if let Some(first) = first {
                    let _ = first.send(Err(error)).is_ok();
                }
            }
        }
    }

    fn succeed(self, response: Response) {
        if let Self::Response(reply) = self {
            // whoever has stopped waiting does not need to know
            let _ = reply.send(Ok(response));
        }
    }
}

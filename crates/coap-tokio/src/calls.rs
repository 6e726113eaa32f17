//! Requests of peers on their way through the handler.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use coap::{Code, RequestId, Response};
use dtls::SessionId;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::{Handler, Incoming, Limits, Session};

/// An answer of the handler, with the session and epoch that it belongs to.
pub(crate) struct Answer {
    pub(crate) session: SessionId,
    pub(crate) epoch: u16,
    pub(crate) request: RequestId,
    pub(crate) response: Response,
    /// The handler accepted the registration.
    pub(crate) observed: bool,
}

/// Starts the handler for requests, a bounded number at a time.
pub(crate) struct Calls<H> {
    pub(crate) handler: Arc<H>,
    tracker: TaskTracker,
    answers: mpsc::Sender<Answer>,
    limits: Limits,
    draining: bool,
}

impl<H> Calls<H> {
    /// Calls of a handler, and where its answers come out.
    pub(crate) fn new(
        handler: Arc<H>,
        tracker: TaskTracker,
        limits: Limits,
    ) -> (Self, mpsc::Receiver<Answer>) {
        let (answers, receiver) = mpsc::channel(limits.max_concurrent_requests.max(1));
        let calls = Self {
            handler,
            tracker,
            answers,
            limits,
            draining: false,
        };
        (calls, receiver)
    }

    /// Starts no more requests.
    pub(crate) const fn drain(&mut self) {
        self.draining = true;
    }

    /// Whether no request is being handled and no answer waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.answers.capacity() == self.answers.max_capacity()
    }

    /// Starts the handler; `false` if it may not be started now.
    ///
    /// The place for the answer is reserved before the handler runs, so that every request is answered.
    pub(crate) fn start<X>(
        &self,
        session: Session<X>,
        request: RequestId,
        incoming: Incoming<X>,
        piggyback: bool,
    ) -> bool
    where
        H: Handler<X>,
        X: Send + Sync + 'static,
    {
        if self.draining {
            return false;
        }
        let Ok(permit) = self.answers.clone().try_reserve_owned() else {
            return false;
        };
        let slot = Slot {
            permit: Some(permit),
            session: session.id(),
            epoch: session.epoch(),
            request,
            accepted: incoming
                .registration
                .as_ref()
                .map(|registration| Arc::clone(&registration.accepted)),
        };
        let limit = if piggyback {
            self.limits.piggyback_timeout
        } else {
            self.limits.request_timeout
        };
        let handler = Arc::clone(&self.handler);
        self.tracker.spawn(async move {
            let response = timeout(limit, handler.request(session, incoming)).await;
            slot.answer(response.unwrap_or_else(|_| busy()));
        });
        true
    }
}

/// The answer to a request that cannot be handled now.
pub(crate) fn busy() -> Response {
    Response::retry_later(Code::SERVICE_UNAVAILABLE, RETRY_AFTER)
}

const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The place of an answer; a handler that panics leaves 5.00 in it.
struct Slot {
    permit: Option<mpsc::OwnedPermit<Answer>>,
    session: SessionId,
    epoch: u16,
    request: RequestId,
    accepted: Option<Arc<AtomicBool>>,
}

impl Slot {
    fn answer(mut self, response: Response) {
        self.put(response);
    }

    fn put(&mut self, response: Response) {
        let Some(permit) = self.permit.take() else {
            return;
        };
        let accepted = self.accepted.as_ref();
        permit.send(Answer {
            session: self.session,
            epoch: self.epoch,
            request: self.request,
            response,
            observed: accepted.is_some_and(|accepted| accepted.load(Ordering::Acquire)),
        });
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.put(Response::new(Code::INTERNAL_SERVER_ERROR));
    }
}

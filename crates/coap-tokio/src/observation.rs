//! Observations, of peers and of ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use coap::{Reliability, RequestId, Response};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::command::{Command, First};
use crate::session::CancelGuard;
use crate::{ObservationOver, Session};

/// The wish of a peer to observe a resource.
pub struct Registration<X> {
    pub(crate) session: Session<X>,
    pub(crate) request: RequestId,
    pub(crate) accepted: Arc<AtomicBool>,
    pub(crate) over: CancellationToken,
}

impl<X> Registration<X> {
    /// Grants the observation, if the answer to the request is a success.
    ///
    /// The handle can be used at once; what is sent by it leaves after the answer.
    pub fn accept(self) -> Observation<X> {
        self.accepted.store(true, Ordering::Release);
        Observation {
            session: self.session,
            request: self.request,
            over: self.over,
        }
    }
}

/// An observation that a peer holds with us. Clones are the same observation.
pub struct Observation<X> {
    session: Session<X>,
    request: RequestId,
    over: CancellationToken,
}

impl<X> Clone for Observation<X> {
    fn clone(&self) -> Self {
        Self {
            session: self.session.clone(),
            request: self.request,
            over: self.over.clone(),
        }
    }
}

impl<X> Observation<X> {
    /// The session that registered; notifications leave in no other.
    pub fn session(&self) -> &Session<X> {
        &self.session
    }

    /// Sends the peer a new representation; an error code ends the observation.
    ///
    /// Only the newest matters: while one is not acknowledged, later ones replace each other (RFC 7641 4.5.2).
    ///
    /// # Errors
    ///
    /// [`ObservationOver`] if it is known to be over; nothing is sent then.
    pub async fn notify(
        &self,
        response: Response,
        reliability: Reliability,
    ) -> Result<(), ObservationOver> {
        if self.is_over() {
            return Err(ObservationOver);
        }
        let command = Command::Notify {
            session: self.session.id(),
            request: self.request,
            response,
            reliability,
        };
        let sent = self.session.commands.send(command).await;
        sent.map_err(|_| ObservationOver)
    }

    /// Whether the observation is over: cancelled, rejected, not acknowledged, not granted, or its session gone.
    pub fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }

    /// Waits for the end of the observation.
    pub async fn ended(&self) {
        self.over.cancelled().await;
    }
}

/// An observation of ours; dropping it cancels it at the peer.
pub struct Observing<X> {
    first: First,
    notifications: watch::Receiver<Option<Response>>,
    guard: Option<CancelGuard<X>>,
}

impl<X> Observing<X> {
    pub(crate) fn new(
        first: First,
        notifications: watch::Receiver<Option<Response>>,
        guard: CancelGuard<X>,
    ) -> Self {
        let guard = if first.granted {
            Some(guard)
        } else {
            guard.finish();
            None
        };
        Self {
            first,
            notifications,
            guard,
        }
    }

    /// The response to the registration.
    pub const fn first(&self) -> &Response {
        &self.first.response
    }

    /// Whether the peer granted the observation; without, no notification follows.
    pub const fn is_granted(&self) -> bool {
        self.first.granted
    }

    /// Waits for the newest notification that was not taken yet; older ones are passed over.
    ///
    /// `None` when the observation is over. An error code comes as the last notification.
    pub async fn next(&mut self) -> Option<Response> {
        if self.notifications.changed().await.is_err() {
            if let Some(guard) = self.guard.take() {
                guard.finish();
            }
            return None;
        }
        self.notifications.borrow_and_update().clone()
    }
}

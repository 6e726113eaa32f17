//! Handles of sessions.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use coap::{Reliability, Request, Response};
use dtls::{CipherSuite, CloseReason, Established, SessionId};
use tokio::sync::{Notify, oneshot, watch};

use crate::command::{Command, Commands, Reply, Ticket};
use crate::{ExchangeError, Observing};

/// One DTLS session with one peer. Clones are the same session.
///
/// A session id is never used again, so a handle reaches this session or none. It has no `Debug`: identities and
/// addresses do not belong into logs.
pub struct Session<X> {
    pub(crate) facts: Arc<Facts<X>>,
    pub(crate) commands: Commands<X>,
}

/// What is known of a session.
pub(crate) struct Facts<X> {
    pub(crate) id: SessionId,
    pub(crate) epoch: u16,
    peer: SocketAddr,
    identity: Box<[u8]>,
    suite: CipherSuite,
    server_name: Option<String>,
    context: X,
    /// Set when the session is over.
    reason: OnceLock<CloseReason>,
    over: Notify,
}

impl<X> Facts<X> {
    pub(crate) fn new(established: Established, context: X) -> Self {
        Self {
            id: established.session,
            epoch: established.epoch,
            peer: established.peer.remote(),
            identity: established.identity.into(),
            suite: established.suite,
            server_name: established.server_name,
            context,
            reason: OnceLock::new(),
            over: Notify::new(),
        }
    }

    pub(crate) const fn context(&self) -> &X {
        &self.context
    }

    /// Notes the end of the session; the first reason stays.
    pub(crate) fn end(&self, reason: CloseReason) {
        self.reason.get_or_init(|| reason);
        self.over.notify_waiters();
    }
}

impl<X> Clone for Session<X> {
    fn clone(&self) -> Self {
        Self {
            facts: Arc::clone(&self.facts),
            commands: self.commands.clone(),
        }
    }
}

impl<X> Session<X> {
    /// The id of the session; never used again for another.
    pub fn id(&self) -> SessionId {
        self.facts.id
    }

    /// The epoch that protects its data.
    pub fn epoch(&self) -> u16 {
        self.facts.epoch
    }

    /// What the key lookup learned about the peer.
    pub fn context(&self) -> &X {
        self.facts.context()
    }

    /// The PSK identity that the peer proved to hold the key of.
    pub fn identity(&self) -> &[u8] {
        &self.facts.identity
    }

    /// The suite in use.
    pub fn suite(&self) -> CipherSuite {
        self.facts.suite
    }

    /// The host name of the server name indication.
    pub fn server_name(&self) -> Option<&str> {
        self.facts.server_name.as_deref()
    }

    /// Where the peer is.
    pub fn peer(&self) -> SocketAddr {
        self.facts.peer
    }

    /// Whether the session is over.
    pub fn is_over(&self) -> bool {
        self.facts.reason.get().is_some()
    }

    /// Waits for the end of the session, and tells why.
    pub async fn closed(&self) -> CloseReason {
        loop {
            // listens from here on, so that an end between the two lines is heard
            let over = self.facts.over.notified();
            if let Some(reason) = self.facts.reason.get() {
                return *reason;
            }
            over.await;
        }
    }
}

impl<X: Send + Sync + 'static> Session<X> {
    /// Sends a confirmable request to the peer and waits for the whole response.
    ///
    /// Requests of one session leave one after the other (NSTART 1). The wait ends by itself, at the latest 93 s after
    /// the last message of the peer; dropping the future gives the request up.
    ///
    /// # Errors
    ///
    /// [`ExchangeError`] if there is no response. An error code of the peer is a response.
    pub async fn request(&self, request: Request) -> Result<Response, ExchangeError> {
        self.request_with(request, Reliability::Confirmable).await
    }

    /// As [`request`](Self::request), confirmable or not.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub async fn request_with(
        &self,
        request: Request,
        reliability: Reliability,
    ) -> Result<Response, ExchangeError> {
        let (reply, response) = oneshot::channel();
        let guard = self
            .begin(request, reliability, Reply::Response(reply))
            .await?;
        let outcome = response.await.map_err(|_| ExchangeError::Closed);
        guard.finish();
        outcome?
    }

    /// Observes a resource of the peer, and waits for the first response.
    ///
    /// # Errors
    ///
    /// [`ExchangeError`] if there is no response. An error code of the peer is a response.
    pub async fn observe(&self, request: Request) -> Result<Observing<X>, ExchangeError> {
        let (first, response) = oneshot::channel();
        let (news, notifications) = watch::channel(None);
        let reply = Reply::Observation {
            first: Some(first),
            news,
        };
        let guard = self.begin(request, Reliability::Confirmable, reply).await?;
        let first = response.await.map_err(|_| ExchangeError::Closed)??;
        Ok(Observing::new(first, notifications, guard))
    }

    /// Ends the session with close_notify.
    pub async fn close(&self) {
        // no driver, no session
        let _ = self.commands.send(Command::Close(self.id())).await;
    }

    /// Ends the session because the peer lost its rights.
    pub async fn revoke(&self) {
        // no driver, no session
        let _ = self.commands.send(Command::Revoke(self.id())).await;
    }

    async fn begin(
        &self,
        request: Request,
        reliability: Reliability,
        reply: Reply,
    ) -> Result<CancelGuard<X>, ExchangeError> {
        let ticket = Ticket(NEXT_TICKET.fetch_add(1, Ordering::Relaxed));
        let command = Command::Exchange {
            session: self.id(),
            ticket,
            request,
            reliability,
            reply,
        };
        let sent = self.commands.send(command).await;
        sent.map_err(|_| ExchangeError::Closed)?;
        Ok(CancelGuard {
            session: self.clone(),
            ticket: Some(ticket),
        })
    }
}

/// Cancels an exchange when it is dropped.
pub(crate) struct CancelGuard<X> {
    session: Session<X>,
    ticket: Option<Ticket>,
}

impl<X> CancelGuard<X> {
    /// The exchange has ended by itself.
    pub(crate) fn finish(mut self) {
        self.ticket = None;
    }
}

impl<X> Drop for CancelGuard<X> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let session = self.session.id();
            let command = Command::Cancel { session, ticket };
            // without room the exchange runs to its end, and finds nobody waiting
            let _ = self.session.commands.try_send(command);
        }
    }
}

static NEXT_TICKET: AtomicU64 = AtomicU64::new(0);

//! What answers the requests of peers.

use std::future::Future;

use coap::{Code, Request, Response};
use dtls::CloseReason;

use crate::{Registration, Session};

/// Answers the requests of peers.
///
/// `async fn request` implements it. Requests run concurrently, each in a task of its own.
pub trait Handler<X>: Send + Sync + 'static {
    /// Answers one request. The answer leaves in the session and epoch of the request, or not at all.
    ///
    /// Runs at most once for each request, however often the network repeats it. Dropped, and answered by 5.03, after
    /// [`Limits::request_timeout`](crate::Limits::request_timeout).
    fn request(
        &self,
        session: Session<X>,
        incoming: Incoming<X>,
    ) -> impl Future<Output = Response> + Send;

    /// Whether the answer must ride on the acknowledgement of this request.
    ///
    /// Such a request is given [`Limits::piggyback_timeout`](crate::Limits::piggyback_timeout) and then answered by
    /// 5.03 with Max-Age. Others are acknowledged ahead of their answer if that takes longer than 2 s.
    fn requires_piggyback(&self, request: &Request) -> bool {
        let _ = request;
        false
    }

    /// Hears that a session is established. Runs between datagrams: it must not take long.
    fn established(&self, session: &Session<X>) {
        let _ = session;
    }

    /// Hears that a session is over. Runs between datagrams: it must not take long.
    fn closed(&self, session: &Session<X>, reason: CloseReason) {
        let _ = (session, reason);
    }
}

/// A request of a peer.
pub struct Incoming<X> {
    /// The request with its whole body.
    pub request: Request,
    /// There if the peer wants to observe the resource; [accepting](Registration::accept) it grants the observation,
    /// provided that the answer is a success.
    pub registration: Option<Registration<X>>,
}

/// Answers every request by 4.04, for clients that serve nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServesNothing;

impl<X: Send + Sync + 'static> Handler<X> for ServesNothing {
    async fn request(&self, _: Session<X>, _: Incoming<X>) -> Response {
        Response::new(Code::NOT_FOUND)
    }
}

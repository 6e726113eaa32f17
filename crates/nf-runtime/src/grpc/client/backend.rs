//! One replica: its connection, and when to leave it alone.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use http_body_util::BodyExt as _;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use nf_api::NetworkFunction;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tonic::Status;
use tonic::body::Body;
use tracing::debug;

use crate::lifecycle::Lifecycle;
use crate::tls::TlsIdentity;

/// One replica of a function.
pub(super) struct Backend {
    address: SocketAddr,
    identity: TlsIdentity,
    callee: NetworkFunction,
    lifecycle: Lifecycle,
    connection: Mutex<Connection>,
    failures: Mutex<Failures>,
}

#[derive(Default)]
enum Connection {
    #[default]
    None,
    Opening {
        since: Instant,
        opening: Opening,
    },
    Open(SendRequest<Body>),
}

/// What all who wait for the same connection wait for.
type Opening = Shared<BoxFuture<'static, Result<SendRequest<Body>, Arc<io::Error>>>>;

#[derive(Default)]
struct Failures {
    in_a_row: u32,
    rests_until: Option<Instant>,
}

/// A call that was not answered.
pub(super) enum Failure {
    /// The replica has not seen it; it may go to another one.
    Unsent {
        /// The call.
        request: Box<Request<Body>>,
        /// Why.
        status: Status,
        /// The connection is still being opened.
        is_slow: bool,
    },
    /// The replica may have seen it.
    Sent(Status),
}

impl Backend {
    pub(super) fn new(
        address: SocketAddr,
        identity: TlsIdentity,
        callee: NetworkFunction,
        lifecycle: Lifecycle,
    ) -> Self {
        Self {
            address,
            identity,
            callee,
            lifecycle,
            connection: Mutex::default(),
            failures: Mutex::default(),
        }
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it failed a moment ago, or takes its time to answer.
    pub(super) fn is_resting(&self) -> bool {
        let takes_its_time = match &*self.connection() {
            Connection::Opening { since, .. } => since.elapsed() >= HASTE,
            Connection::None | Connection::Open(_) => false,
        };
        takes_its_time
            || self
                .failures()
                .rests_until
                .is_some_and(|until| Instant::now() < until)
    }

    /// Sends one call, over a new connection where there is none. In haste it does not wait long for one.
    pub(super) async fn send(
        self: &Arc<Self>,
        request: Request<Body>,
        in_haste: bool,
    ) -> Result<Response<Body>, Failure> {
        match self.send_once(request, in_haste).await {
            // The connection had aged just then; a new one knows nothing of that.
            Err(Failure::Unsent {
                request,
                is_slow: false,
                ..
            }) if !self.is_resting() => self.send_once(*request, in_haste).await,
            outcome => outcome,
        }
    }

    async fn send_once(
        self: &Arc<Self>,
        request: Request<Body>,
        in_haste: bool,
    ) -> Result<Response<Body>, Failure> {
        let unsent = |request, error, is_slow| Failure::Unsent {
            request: Box::new(request),
            status: unavailable(error),
            is_slow,
        };
        let connected = match in_haste {
            true => timeout(HASTE, self.connected()).await,
            false => Ok(self.connected().await),
        };
        let mut sender = match connected {
            Ok(Ok(sender)) => sender,
            Ok(Err(error)) => return Err(unsent(request, error, false)),
            Err(_) => {
                let error = Arc::new(io::Error::from(io::ErrorKind::TimedOut));
                return Err(unsent(request, error, true));
            }
        };
        let request = self.addressed(request);
        match sender.try_send_request(request).await {
            Ok(response) => {
                *self.failures() = Failures::default();
                Ok(response.map(|body| Body::new(body.map_err(unavailable))))
            }
            Err(mut refused) => Err(match refused.take_message() {
                Some(request) => unsent(
                    request,
                    Arc::new(io::Error::other(refused.into_error())),
                    false,
                ),
                None => Failure::Sent(unavailable(refused.into_error())),
            }),
        }
    }

    /// The open connection, or a new one; callers that come meanwhile wait for the same, and it is opened even if
    /// none of them waits any more.
    async fn connected(self: &Arc<Self>) -> Result<SendRequest<Body>, Arc<io::Error>> {
        let opening = {
            let mut connection = self.connection();
            match &*connection {
                Connection::Open(open) if !open.is_closed() => return Ok(open.clone()),
                Connection::Opening { opening, .. } => opening.clone(),
                Connection::Open(_) | Connection::None => {
                    let opening = Arc::clone(self).opened().boxed().shared();
                    self.lifecycle.spawn_to_the_end(opening.clone().map(drop));
                    *connection = Connection::Opening {
                        since: Instant::now(),
                        opening: opening.clone(),
                    };
                    opening
                }
            }
        };
        opening.await
    }

    async fn opened(self: Arc<Self>) -> Result<SendRequest<Body>, Arc<io::Error>> {
        let opened = match timeout(CONNECT_LIMIT, self.open()).await {
            Ok(opened) => opened,
            Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut)),
        };
        match opened {
            Ok(sender) => {
                *self.connection() = Connection::Open(sender.clone());
                Ok(sender)
            }
            Err(error) => {
                debug!(address = %self.address, error = %error, "replica not reached");
                self.rest();
                *self.connection() = Connection::None;
                Err(Arc::new(error))
            }
        }
    }

    async fn open(&self) -> io::Result<SendRequest<Body>> {
        let tcp = TcpStream::connect(self.address).await?;
        tcp.set_nodelay(true)?;
        let config = self
            .identity
            .client_config(self.callee)
            .map_err(io::Error::other)?;
        let tls = TlsConnector::from(config)
            .connect(ServerName::from(self.address.ip()), tcp)
            .await?;
        let handshake = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .handshake(TokioIo::new(tls));
        let (sender, connection) = handshake.await.map_err(io::Error::other)?;
        let address = self.address;
        self.lifecycle.spawn_to_the_end(async move {
            if let Err(error) = connection.await {
                debug!(address = %address, error = %error, "connection broke");
            }
        });
        Ok(sender)
    }

    /// HTTP/2 wants a scheme and an authority; the callee uses neither.
    fn addressed(&self, request: Request<Body>) -> Request<Body> {
        let (mut parts, body) = request.into_parts();
        let mut uri = parts.uri.into_parts();
        uri.scheme = Some(Scheme::HTTPS);
        uri.authority = Authority::try_from(self.address.to_string()).ok();
        uri.path_and_query
            .get_or_insert_with(|| PathAndQuery::from_static("/"));
        parts.uri = Uri::from_parts(uri).unwrap_or_default();
        parts.extensions.clear();
        Request::from_parts(parts, body)
    }

    /// Leaves the replica alone, twice as long after each failure in a row.
    fn rest(&self) {
        let mut failures = self.failures();
        let doubled = FIRST_REST.saturating_mul(1 << failures.in_a_row.min(6));
        failures.in_a_row = failures.in_a_row.saturating_add(1);
        failures.rests_until = Some(Instant::now() + doubled.min(LONGEST_REST));
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn failures(&self) -> MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What breaks in the transport is a callee that is not available, whatever HTTP/2 calls it.
fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> Status {
    let mut status = Status::unavailable("the callee is not available");
    status.set_source(Arc::new(error));
    status
}

const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// How long a call waits for one replica's connection while others may have one.
pub(super) const HASTE: Duration = Duration::from_millis(300);
const FIRST_REST: Duration = Duration::from_millis(100);
const LONGEST_REST: Duration = Duration::from_secs(5);
/// A host that is gone says nothing: so soon is that noticed, and its calls and streams go elsewhere.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(3);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(3);

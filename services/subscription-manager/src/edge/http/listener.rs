//! Accepts https connections and serves them until the process stops.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use nf_runtime::lifecycle::Lifecycle;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tracing::{debug, warn};

use super::portal::Portal;

/// Serves the portal; ends when the process stops.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    portal: Portal,
    lifecycle: Lifecycle,
) {
    let acceptor = TlsAcceptor::from(tls);
    let portal = Arc::new(portal);
    let free = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let token = lifecycle.token();
    let accepted = async || {
        let place = Arc::clone(&free).acquire_owned().await.ok()?;
        Some((listener.accept().await, place))
    };
    while let Some(Some((accepted, place))) = token.run_until_cancelled(accepted()).await {
        let (tcp, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Mostly a lack of file descriptors, which ends when connections do.
                warn!(error = %error, "connection not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (acceptor, portal, lifecycle_of_connection) =
            (acceptor.clone(), Arc::clone(&portal), lifecycle.clone());
        lifecycle.spawn("portal connection", async move {
            serve_connection(tcp, peer, &acceptor, portal, &lifecycle_of_connection).await;
            drop(place);
        });
    }
}

async fn serve_connection(
    tcp: TcpStream,
    peer: SocketAddr,
    acceptor: &TlsAcceptor,
    portal: Arc<Portal>,
    lifecycle: &Lifecycle,
) {
    // Only latency suffers without it.
    let _ = tcp.set_nodelay(true);
    let stream = match timeout(HANDSHAKE_LIMIT, acceptor.accept(tcp)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return debug!(error = %error, "portal handshake failed"),
        Err(_) => return debug!("portal handshake took too long"),
    };
    serve_stream(stream, peer, portal, lifecycle).await;
}

/// Serves what came through the handshake: until its end, its age, or [`IDLE_LIMIT`] without a request. Without the
/// last, whoever keeps sockets open without a word keeps everybody else out.
pub(crate) async fn serve_stream<S>(
    stream: S,
    peer: SocketAddr,
    portal: Arc<Portal>,
    lifecycle: &Lifecycle,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let requests = Arc::new(Requests::default());
    let counted = Arc::clone(&requests);
    let service = service_fn(move |request| {
        let (portal, place) = (Arc::clone(&portal), Request::begin(&counted));
        async move {
            let answer = portal.answer(request, peer).await;
            drop(place);
            Ok::<_, Infallible>(answer)
        }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_LIMIT)
        .max_buf_size(MAX_HEADER_OCTETS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE)
        .max_concurrent_streams(MAX_STREAMS);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let token = lifecycle.token();
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = token.cancelled() => {
            connection.as_mut().graceful_shutdown();
            timeout(GRACE, connection).await.unwrap_or(Ok(()))
        }
        () = tokio::time::sleep(CONNECTION_AGE) => {
            connection.as_mut().graceful_shutdown();
            timeout(GRACE, connection).await.unwrap_or(Ok(()))
        }
        () = requests.idle() => {
            connection.as_mut().graceful_shutdown();
            timeout(GRACE, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        debug!(error = %error, "portal connection broke");
    }
}

/// The requests of a connection that are being answered.
#[derive(Default)]
struct Requests {
    open: AtomicUsize,
    changed: Notify,
}

impl Requests {
    /// Ends when there was no request for [`IDLE_LIMIT`].
    async fn idle(&self) {
        loop {
            // One change is remembered, so that none is missed between the look and the wait.
            let changed = self.changed.notified();
            if self.open.load(Ordering::Acquire) > 0 {
                changed.await;
            } else if timeout(IDLE_LIMIT, changed).await.is_err() {
                return;
            }
        }
    }
}

/// One of them; over when it is dropped, however it ends.
struct Request(Arc<Requests>);

impl Request {
    fn begin(requests: &Arc<Requests>) -> Self {
        requests.open.fetch_add(1, Ordering::AcqRel);
        requests.changed.notify_one();
        Self(Arc::clone(requests))
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
        self.0.changed.notify_one();
    }
}

const MAX_CONNECTIONS: usize = 1024;
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
const HEADER_LIMIT: Duration = Duration::from_secs(10);
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// As long as HTTP/1.1 waits for the head of a request, before the first one too and in HTTP/2.
const IDLE_LIMIT: Duration = HEADER_LIMIT;
const CONNECTION_AGE: Duration = Duration::from_secs(600);
const GRACE: Duration = Duration::from_secs(2);
const MAX_STREAMS: u32 = 32;
const MAX_HEADER_OCTETS: usize = 16 * 1024;

//! Accepts connections, proves their callers and serves them until they age or the process stops.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use nf_api::Caller;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use tonic::service::Routes;
use tracing::{debug, warn};

use super::services::with_common_services;
use super::{Access, Stack};
use crate::random::Random;
use crate::runtime::Runtime;
use crate::tls::{TlsIdentity, peer_of};

/// Serves network functions and operators over mutual TLS until the process stops; returns when the
/// last connection has ended.
pub async fn serve(
    listener: TcpListener,
    routes: Routes,
    identity: &TlsIdentity,
    runtime: &Runtime,
) {
    let routes = with_common_services(routes, runtime).await;
    let stack = Stack::new(routes, Access::Functions, runtime);
    accept(listener, stack, Some(identity.clone()), runtime).await;
}

/// Serves devices on the radio interface, `berth.access_gateway.v1`, without TLS: who they are is for
/// the protocols inside to prove. No other interface is reachable here.
pub async fn serve_radio(listener: TcpListener, routes: Routes, runtime: &Runtime) {
    accept(
        listener,
        Stack::new(routes, Access::Radio, runtime),
        None,
        runtime,
    )
    .await;
}

async fn accept(
    listener: TcpListener,
    stack: Stack,
    identity: Option<TlsIdentity>,
    runtime: &Runtime,
) {
    let connections = TaskTracker::new();
    let free = Arc::new(Semaphore::new(runtime.grpc.max_connections));
    let token = runtime.lifecycle.token();
    let accepted = async || {
        let place = Arc::clone(&free).acquire_owned().await.ok()?;
        Some((listener.accept().await, place))
    };
    while let Some(Some((accepted, place))) = token.run_until_cancelled(accepted()).await {
        let tcp = match accepted {
            Ok((tcp, _)) => tcp,
            Err(error) => {
                // Mostly a lack of file descriptors, which ends when connections do.
                warn!(error = %error, "connection not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (stack, identity, runtime) = (stack.clone(), identity.clone(), runtime.clone());
        connections.spawn(async move {
            match established(tcp, identity.as_ref()).await {
                Ok((Io::Tls(stream), caller)) => {
                    serve_connection(*stream, stack, caller, &runtime).await
                }
                Ok((Io::Plain(stream), caller)) => {
                    serve_connection(stream, stack, caller, &runtime).await
                }
                Err(error) => debug!(error = %error, "connection refused"),
            }
            drop(place);
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

enum Io {
    Tls(Box<tokio_rustls::server::TlsStream<TcpStream>>),
    Plain(TcpStream),
}

async fn established(
    tcp: TcpStream,
    identity: Option<&TlsIdentity>,
) -> io::Result<(Io, Option<Caller>)> {
    tcp.set_nodelay(true)?;
    let Some(identity) = identity else {
        return Ok((Io::Plain(tcp), None));
    };
    let handshake = TlsAcceptor::from(identity.server_config()).accept(tcp);
    let stream = timeout(HANDSHAKE_LIMIT, handshake).await??;
    let caller = peer_of(
        stream.get_ref().1.peer_certificates(),
        identity.trust_domain(),
    );
    Ok((Io::Tls(Box::new(stream)), caller))
}

async fn serve_connection<S>(stream: S, stack: Stack, caller: Option<Caller>, runtime: &Runtime)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: http::Request<Incoming>| {
        let (stack, caller) = (stack.clone(), caller.clone());
        async move { Ok::<_, Infallible>(stack.answer(request.map(Body::new), caller).await) }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .max_header_list_size(MAX_HEADER_LIST_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);

    let limits = &runtime.grpc;
    let token = runtime.lifecycle.token();
    let age = aged(limits.max_connection_age, &runtime.random);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = tokio::time::sleep(age) => None,
        () = token.cancelled() => None,
    };
    let ended = match ended {
        Some(ended) => Ok(ended),
        None => {
            connection.as_mut().graceful_shutdown();
            timeout(limits.connection_age_grace, connection).await
        }
    };
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(error = %error, "connection broke"),
        Err(_) => debug!("connection cut off after its grace"),
    }
}

/// The age, give or take a tenth, so that connections opened together do not end together.
fn aged(age: Duration, random: &Random) -> Duration {
    let tenth = age / 10;
    let spread = u64::try_from(tenth.as_millis())
        .unwrap_or(u64::MAX)
        .saturating_mul(2);
    age.saturating_sub(tenth)
        .saturating_add(Duration::from_millis(random.up_to(spread)))
}

const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_CONCURRENT_STREAMS: u32 = 1024;
const MAX_HEADER_LIST_BYTES: u32 = 16 * 1024;

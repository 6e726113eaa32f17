//! The client of a device: one socket, one session.

mod config;
mod driver;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use coap::{Request, Response};
use dtls::{CloseReason, Out, PeerAddress, SessionId};
use tokio::sync::{mpsc, oneshot};

use crate::calls::Calls;
use crate::clock::{Monotonic, dtls_instant};
use crate::command::{COMMANDS, Command};
use crate::crypto::random;
use crate::parameters::fitting;
use crate::stats::Counters;
use crate::{
    AwsLc, ConnectError, ExchangeError, Handler, Observing, Session, Stats, Tasks, socket,
};
use driver::Driver;

pub use config::ClientConfig;

/// A session of a device with its server.
///
/// The session is closed when the token of its tasks is cancelled, or when the last clone and every other handle of
/// the session is gone.
#[derive(Clone)]
pub struct Client {
    session: Session<()>,
    local: SocketAddr,
    counters: Arc<Counters>,
}

impl Client {
    /// Connects, and serves requests of the server by `handler`; [`ServesNothing`](crate::ServesNothing) refuses them.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if there is no session in the end. An unknown identity and a wrong key look the same.
    pub async fn connect<H: Handler<()>>(
        config: ClientConfig,
        handler: Arc<H>,
        tasks: &Tasks,
    ) -> Result<Self, ConnectError> {
        let any = match config.server {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let socket = socket::bind(config.local.unwrap_or(any), RECEIVE_BUFFER).await;
        let socket = socket.map_err(ConnectError::Socket)?;
        let local = socket.local_addr().map_err(ConnectError::Socket)?;
        let clock = Monotonic::start();
        let mut out = Out::new();
        let engine = dtls::Client::connect(
            config.dtls().map_err(ConnectError::Key)?,
            AwsLc,
            ONLY_SESSION,
            PeerAddress::new(0, config.server),
            dtls_instant(clock.now()),
            &mut random,
            &mut out,
        )
        .map_err(ConnectError::Configuration)?;
        let (commands, queue) = mpsc::channel::<Command<()>>(COMMANDS);
        let (calls, answers) = Calls::new(handler, tasks.tracker.clone(), config.limits);
        let (ready, established) = oneshot::channel();
        let counters = Arc::new(Counters::default());
        let driver = Driver {
            socket,
            clock,
            engine,
            server: config.server,
            expected_hint: config.expected_hint,
            parameters: fitting(&config.coap, config.max_datagram),
            calls,
            commands: commands.downgrade(),
            counters: Arc::clone(&counters),
            binding: None,
            ready: Some(ready),
            arrived: out,
            leaving: Out::new(),
        };
        tasks
            .tracker
            .spawn(driver.run(queue, answers, tasks.token.clone()));
        let session = established.await.unwrap_or(Err(ConnectError::Cancelled))?;
        Ok(Self {
            session,
            local,
            counters,
        })
    }

    /// The session with the server.
    pub const fn session(&self) -> &Session<()> {
        &self.session
    }

    /// The address of the client's socket.
    pub const fn local_address(&self) -> SocketAddr {
        self.local
    }

    /// Sends a confirmable request and waits for the whole response.
    ///
    /// # Errors
    ///
    /// [`ExchangeError`] if there is no response. An error code of the server is a response.
    pub async fn request(&self, request: Request) -> Result<Response, ExchangeError> {
        self.session.request(request).await
    }

    /// Observes a resource of the server, and waits for the first response.
    ///
    /// # Errors
    ///
    /// [`ExchangeError`] if there is no response. An error code of the server is a response.
    pub async fn observe(&self, request: Request) -> Result<Observing<()>, ExchangeError> {
        self.session.observe(request).await
    }

    /// Ends the session with close_notify, and waits for it to be done.
    pub async fn close(&self) {
        self.session.close().await;
        self.session.closed().await;
    }

    /// Waits for the end of the session, and tells why.
    pub async fn closed(&self) -> CloseReason {
        self.session.closed().await
    }

    /// The counts.
    pub fn stats(&self) -> Stats {
        self.counters.snapshot()
    }
}

/// A client has one session; its handle is worth nothing to another driver.
const ONLY_SESSION: SessionId = match SessionId::new(1) {
    Some(id) => id,
    None => unreachable!(),
};

/// Octets of the socket's receive buffer to ask for: a few bodies.
const RECEIVE_BUFFER: usize = 256 * 1024;

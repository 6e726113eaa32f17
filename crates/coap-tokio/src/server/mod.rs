//! The server: one socket, many sessions.

mod config;
mod driver;
mod engine;
mod handshakes;
mod timers;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use crate::calls::Calls;
use crate::clock::{Monotonic, dtls_instant};
use crate::command::{COMMANDS, Command, Commands};
use crate::crypto::random;
use crate::parameters::fitting;
use crate::stats::Counters;
use crate::{AwsLc, BindError, Handler, KeyLookup, Stats, Tasks, socket};
use driver::Driver;
use handshakes::Handshakes;
use timers::Timers;

pub use config::ServerConfig;

/// A running server. Clones are the same server; it runs until its token is cancelled, whether or not a handle is left.
pub struct Server<X> {
    address: SocketAddr,
    counters: Arc<Counters>,
    commands: Commands<X>,
}

impl<X> Clone for Server<X> {
    fn clone(&self) -> Self {
        Self {
            address: self.address,
            counters: Arc::clone(&self.counters),
            commands: self.commands.clone(),
        }
    }
}

impl<X: Send + Sync + 'static> Server<X> {
    /// Binds the socket and starts to serve.
    ///
    /// When the token of `tasks` is cancelled, the server [retires](Self::retire), waits for the handlers for
    /// [`ServerConfig::drain`], closes what is left and ends.
    ///
    /// # Errors
    ///
    /// [`BindError`] if the socket cannot be bound or the configuration cannot work.
    pub async fn bind<K, H>(
        config: ServerConfig,
        keys: Arc<K>,
        handler: Arc<H>,
        tasks: &Tasks,
    ) -> Result<Self, BindError>
    where
        K: KeyLookup<Context = X>,
        H: Handler<X>,
    {
        let socket = socket::bind(config.listen, config.receive_buffer).await;
        Self::serve(
            socket.map_err(BindError::Socket)?,
            config,
            keys,
            handler,
            tasks,
        )
    }

    /// Starts to serve on a socket that is bound already; [`ServerConfig::listen`] is not used.
    ///
    /// # Errors
    ///
    /// [`BindError`] if the socket has no address or the configuration cannot work.
    pub fn serve<K, H>(
        socket: UdpSocket,
        config: ServerConfig,
        keys: Arc<K>,
        handler: Arc<H>,
        tasks: &Tasks,
    ) -> Result<Self, BindError>
    where
        K: KeyLookup<Context = X>,
        H: Handler<X>,
    {
        let address = socket.local_addr().map_err(BindError::Socket)?;
        let clock = Monotonic::start();
        let engine = dtls::Server::new(
            config.dtls.clone(),
            AwsLc,
            dtls_instant(clock.now()),
            &mut random,
        )
        .map_err(BindError::Configuration)?;
        let (commands, queue) = mpsc::channel::<Command<X>>(COMMANDS);
        let (calls, answers) = Calls::new(handler, tasks.tracker.clone(), config.limits);
        let counters = Arc::new(Counters::default());
        let driver = Driver {
            socket,
            clock,
            engine,
            parameters: fitting(&config.coap, config.dtls.max_datagram),
            keys,
            calls,
            tracker: tasks.tracker.clone(),
            commands: commands.clone(),
            counters: Arc::clone(&counters),
            wall_clock: config.wall_clock,
            lookup_timeout: config.lookup_timeout,
            sessions: Default::default(),
            handshakes: Handshakes::new(config.lookup_timeout),
            timers: Timers::default(),
            retired: false,
            touched: Vec::new(),
            arrived: dtls::Out::new(),
            leaving: dtls::Out::new(),
        };
        let run = driver.run(queue, answers, tasks.token.clone(), config.drain);
        tasks.tracker.spawn(run);
        Ok(Self {
            address,
            counters,
            commands,
        })
    }

    /// The address of the socket, with the port that the system chose if 0 was asked for.
    pub const fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// The counts.
    pub fn stats(&self) -> Stats {
        self.counters.snapshot()
    }

    /// Sends all peers elsewhere, without waiting for it to be done, and for good: hellos are dropped, requests are
    /// refused by 5.03, and each session ends by close_notify as soon as what it has asked already is answered.
    ///
    /// For a server among several, before it ends: its peers connect again at once, at another one.
    pub async fn retire(&self) {
        // without a driver there are no sessions
        let _ = self.commands.send(Command::Retire).await;
    }

    /// Revokes every session whose context `picks` picks, without waiting for it to be done.
    ///
    /// Handshakes end as well: those whose context is picked, and those whose lookup was under way and turns out to
    /// be picked. A lookup that starts later counts as knowing of the revocation.
    /// `picks` runs between datagrams, once for each session: it must not take long.
    pub async fn revoke_where(&self, picks: impl Fn(&X) -> bool + Send + 'static) {
        // without a driver there are no sessions
        let command = Command::RevokeWhere(Box::new(picks));
        let _ = self.commands.send(command).await;
    }
}

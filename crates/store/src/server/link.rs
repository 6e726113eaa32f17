//! A connection that is made anew when it breaks, and whenever the primary moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Cmd, Pipeline, RedisError, RedisFuture, RedisResult, Value};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connect::connect;
use super::primary::Primary;
use super::sentinels::Place;
use crate::observe::{Observation, Observer};
use crate::open::OpenError;

/// The call during which the connection breaks fails; later ones wait a moment for the new one. Cheap to clone.
#[derive(Clone)]
pub(super) struct Link {
    state: watch::Receiver<State>,
    signal: Arc<Signal>,
}

struct State {
    /// Grows with each connection.
    generation: u64,
    connection: Result<MultiplexedConnection, String>,
}

/// Which connections are known to be of no use.
#[derive(Default)]
struct Signal {
    lost: AtomicU64,
    told: Notify,
}

/// How long a call waits for a server that is away.
const PATIENCE: Duration = Duration::from_secs(1);
/// The first and the longest wait between two attempts to connect.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LAST_PAUSE: Duration = Duration::from_millis(200);

/// What a link needs from the store.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) primary: &'a Arc<Primary>,
    pub(super) tasks: &'a TaskTracker,
    pub(super) cancel: &'a CancellationToken,
}

impl Link {
    /// Connects once, and stays connected until the store is closed. `respond` limits each call.
    pub(super) async fn open(
        around: Around<'_>,
        respond: Duration,
        observer: Option<Arc<dyn Observer>>,
    ) -> Result<Self, OpenError> {
        let signal = Arc::<Signal>::default();
        let mut keeper = Keeper {
            primary: around.primary.clone(),
            respond,
            signal: signal.clone(),
            generation: 0,
            place: None,
            observer,
        };
        let connection = keeper.connect().await?;
        let (sender, state) = watch::channel(State {
            generation: keeper.generation,
            connection: Ok(connection),
        });
        keeper.observe(true);
        let cancel = around.cancel.clone();
        around.tasks.spawn(async move {
            cancel.run_until_cancelled(keeper.keep(sender)).await;
        });
        Ok(Self { state, signal })
    }

    /// The connection of the moment.
    async fn ready(&mut self) -> RedisResult<(u64, MultiplexedConnection)> {
        if let Some(ready) = self.signal.usable(&self.state.borrow()) {
            return Ok(ready);
        }
        let signal = &self.signal;
        let is_ready = |state: &State| signal.usable(state).is_some();
        let waited = timeout(PATIENCE, self.state.wait_for(is_ready)).await;
        if let Ok(Ok(state)) = &waited
            && let Some(ready) = signal.usable(state)
        {
            return Ok(ready);
        }
        drop(waited);
        Err(away(&self.state.borrow()))
    }
}

/// Nothing was sent, as when nobody listens.
fn away(state: &State) -> RedisError {
    let why = match &state.connection {
        Ok(_) => "connection lost",
        Err(why) => why,
    };
    std::io::Error::new(std::io::ErrorKind::ConnectionRefused, why.to_owned()).into()
}

impl Signal {
    fn usable(&self, state: &State) -> Option<(u64, MultiplexedConnection)> {
        let connection = state.connection.as_ref().ok()?;
        let is_lost = self.lost.load(Ordering::Acquire) >= state.generation;
        (!is_lost).then(|| (state.generation, connection.clone()))
    }

    fn lose(&self, generation: u64) {
        self.lost.fetch_max(generation, Ordering::AcqRel);
        self.told.notify_one();
    }

    async fn lost(&self, generation: u64) {
        while self.lost.load(Ordering::Acquire) < generation {
            self.told.notified().await;
        }
    }

    /// Gives a connection up that broke, that does not answer, or whose server is no primary any more.
    fn judge(&self, generation: u64, answer: Result<&[Value], &RedisError>) {
        let is_of_no_use = match answer {
            Ok(values) => values.iter().any(|value| match value {
                Value::ServerError(error) => NO_PRIMARY.contains(&error.code()),
                _ => false,
            }),
            Err(error) => {
                error.is_io_error()
                    || error.is_unrecoverable_error()
                    || error.code().is_some_and(|code| NO_PRIMARY.contains(&code))
            }
        };
        if is_of_no_use {
            self.lose(generation);
        }
    }
}

/// What a server answers that became a replica.
const NO_PRIMARY: [&str; 2] = ["READONLY", "MASTERDOWN"];

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let (generation, mut connection) = self.ready().await?;
            let answer = connection.send_packed_command(command).await;
            let seen = answer.as_ref().map(std::slice::from_ref);
            self.signal.judge(generation, seen);
            answer
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let (generation, mut connection) = self.ready().await?;
            let answers = connection
                .send_packed_commands(pipeline, offset, count)
                .await;
            let seen = answers.as_ref().map(Vec::as_slice);
            self.signal.judge(generation, seen);
            answers
        })
    }

    fn get_db(&self) -> i64 {
        match &self.state.borrow().connection {
            Ok(connection) => connection.get_db(),
            Err(_) => 0,
        }
    }
}

/// Makes the connections of one link, one after the other.
struct Keeper {
    primary: Arc<Primary>,
    respond: Duration,
    signal: Arc<Signal>,
    generation: u64,
    /// Where the server of the connection is, if Sentinels named it.
    place: Option<Place>,
    observer: Option<Arc<dyn Observer>>,
}

impl Keeper {
    async fn keep(mut self, state: watch::Sender<State>) {
        let mut places = self.primary.places();
        loop {
            while *places.borrow_and_update() == self.place {
                tokio::select! {
                    () = self.signal.lost(self.generation) => break,
                    // The sender lives as long as the primary does.
                    _moved = places.changed() => {}
                }
            }
            self.signal.lose(self.generation);
            self.observe(false);
            let mut pause = FIRST_PAUSE;
            loop {
                let connected = self.connect().await;
                let is_connected = connected.is_ok();
                state.send_replace(State {
                    generation: self.generation,
                    connection: connected.map_err(|error| self.log(&error)),
                });
                if is_connected {
                    break;
                }
                sleep(pause).await;
                pause = LAST_PAUSE.min(pause * 2);
            }
            self.observe(true);
        }
    }

    async fn connect(&mut self) -> Result<MultiplexedConnection, OpenError> {
        self.generation += 1;
        let (client, place) = self.primary.find().await?;
        self.place = place;
        let (signal, generation) = (self.signal.clone(), self.generation);
        connect(&client, self.respond, move || signal.lose(generation)).await
    }

    /// The text of an error, for those who wait.
    fn log(&self, error: &OpenError) -> String {
        tracing::debug!(error = %error, "the store server is still away");
        error.to_string()
    }

    fn observe(&self, connected: bool) {
        let Some(observer) = &self.observer else {
            return;
        };
        match connected {
            true if self.generation > 1 => tracing::info!("the store server is back"),
            true => {}
            false => tracing::warn!("the connection to the store server is lost"),
        }
        observer.observe(Observation::Connected(connected));
    }
}

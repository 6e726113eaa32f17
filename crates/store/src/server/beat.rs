//! Shows that a server still leads its replicas: a number that is written and received by all of them.
//!
//! A primary that was cut off cannot get a beat confirmed any more. Each confirmed read fetches the last beat
//! from the very server that answers it, and is refused unless a beat at most that old was confirmed within
//! [`FRESH`].

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::failed;
use super::link::{Around, Link};
use crate::error::Error;
use crate::observe::{Observation, Observer};

/// How old a confirmed beat may be.
const FRESH: Duration = Duration::from_secs(3);
/// How often the heart beats.
const EVERY: Duration = Duration::from_millis(700);
/// How long the server keeps a beat that is not renewed.
const KEPT: Duration = Duration::from_secs(60);

/// What is waited for.
#[derive(Clone, Copy)]
pub(super) struct Wait {
    pub(super) replicas: u16,
    pub(super) timeout: Duration,
}

impl Wait {
    pub(super) fn command(self) -> redis::Cmd {
        let mut command = redis::cmd("WAIT");
        command.arg(self.replicas);
        // 0 would mean to wait for ever.
        command.arg(
            u64::try_from(self.timeout.as_millis())
                .unwrap_or(u64::MAX)
                .max(1),
        );
        command
    }
}

/// The heart of one function.
pub(super) struct Heart {
    pub(super) key: String,
    connection: Link,
    wait: Wait,
    observer: Arc<dyn Observer>,
    /// Serialises beats, so that their numbers grow in the server.
    last: tokio::sync::Mutex<u64>,
    /// Confirmed beats and when they were begun, the newest last.
    confirmed: Mutex<VecDeque<(u64, Instant)>>,
    /// Set by the first beat.
    started: OnceCell<()>,
}

impl Heart {
    pub(super) async fn new(
        around: Around<'_>,
        function: &str,
        wait: Wait,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, Error> {
        let respond = wait.timeout + super::connect::RESPOND;
        let connection =
            Link::open(around, respond, None)
                .await
                .map_err(|error| Error::Unavailable {
                    reason: "the server cannot be reached",
                    source: Some(Box::new(error)),
                })?;
        let mut id = [0; 8];
        aws_lc_rs::rand::fill(&mut id).map_err(|_| Error::Unavailable {
            reason: "the machine gives no random numbers",
            source: None,
        })?;
        Ok(Self {
            key: format!("{function}:{{#}}:beat:{:016x}", u64::from_be_bytes(id)),
            connection,
            wait,
            observer,
            last: tokio::sync::Mutex::new(0),
            confirmed: Mutex::default(),
            started: OnceCell::new(),
        })
    }

    /// Beats once, and then until cancelled.
    pub(super) async fn start(self: &Arc<Self>, tasks: &TaskTracker, cancel: &CancellationToken) {
        self.started
            .get_or_init(|| async {
                self.beat_and_log().await;
                let (heart, cancel) = (self.clone(), cancel.clone());
                tasks.spawn(async move {
                    let beating = async {
                        loop {
                            tokio::time::sleep(EVERY).await;
                            heart.beat_and_log().await;
                        }
                    };
                    cancel.run_until_cancelled(beating).await;
                });
            })
            .await;
    }

    async fn beat_and_log(&self) {
        if let Err(error) = self.beat().await {
            tracing::debug!(error = %error, "heartbeat of the store was not confirmed");
        }
    }

    /// Writes a number and waits until the replicas have it, and with it everything that was written before.
    pub(super) async fn beat(&self) -> Result<(), Error> {
        let begun = Instant::now();
        let mut last = self.last.lock().await;
        *last += 1;
        let mut pipeline = redis::pipe();
        pipeline
            .cmd("SET")
            .arg(&self.key)
            .arg(*last)
            .arg("PX")
            .arg(u64::try_from(KEPT.as_millis()).unwrap_or(u64::MAX))
            .ignore();
        pipeline.add_command(self.wait.command());
        let (reached,): (u64,) = pipeline
            .query_async(&mut self.connection.clone())
            .await
            .map_err(|error| failed(error, "the server does not confirm"))?;
        self.observer.observe(Observation::Wait {
            wanted: self.wait.replicas.into(),
            confirmed: usize::try_from(reached).unwrap_or(usize::MAX),
        });
        if reached < u64::from(self.wait.replicas) {
            return Err(Error::OutcomeUnknown {
                reason: "not all replicas confirmed in time",
                source: None,
            });
        }
        let mut confirmed = self
            .confirmed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        confirmed.push_back((*last, begun));
        while confirmed.len() > 16 {
            confirmed.pop_front();
        }
        Ok(())
    }

    /// Judges the beat that a server gave with its answer.
    pub(super) fn check(&self, found: Option<u64>) -> Result<(), Error> {
        let found = found.unwrap_or_default();
        let confirmed = self
            .confirmed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let fresh = confirmed
            .iter()
            .rev()
            .take_while(|(_, begun)| begun.elapsed() <= FRESH)
            .any(|(beat, _)| *beat <= found);
        if fresh {
            Ok(())
        } else {
            Err(Error::NotConfirmed)
        }
    }
}

//! Writes that wait for replicas: many in one pipeline, with one wait behind them on the same connection.
//!
//! `WAIT` speaks of the writes of its connection and blocks it, so the write and its wait travel together,
//! and several connections share the work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use redis::{Cmd, ErrorKind, RedisResult, Script, ServerErrorKind, Value};
use tokio::sync::{mpsc, oneshot};

use super::beat::Wait;
use super::connect::RESPOND;
use super::layout::Kinds;
use super::link::{Around, Link};
use super::{CLOSED, failed};
use crate::error::Error;
use crate::observe::{Observation, Observer};
use crate::open::OpenError;
use crate::transaction::Committed;

/// How many connections wait at the same time.
const LANES: usize = 4;
/// Most transactions in one pipeline.
const BATCH: usize = 64;
/// Most transactions that wait for one lane; further callers wait for room.
const QUEUE: usize = 1024;

/// A transaction on its way to the server.
struct Job {
    command: Cmd,
    kinds: Kinds,
    reply: oneshot::Sender<Result<Committed, Error>>,
}

impl Job {
    fn answer(self, result: Result<Committed, Error>) {
        // A caller that went away does not want the answer.
        let _gone = self.reply.send(result);
    }
}

/// The connections for writes that wait.
pub(super) struct Lanes {
    queues: Vec<mpsc::Sender<Job>>,
    next: AtomicUsize,
}

impl Lanes {
    pub(super) async fn open(
        around: Around<'_>,
        script: &Arc<Script>,
        wait: Wait,
        observer: &Arc<dyn Observer>,
    ) -> Result<Self, OpenError> {
        let mut queues = Vec::with_capacity(LANES);
        for _ in 0..LANES {
            let (queue, jobs) = mpsc::channel(QUEUE);
            let lane = Lane {
                connection: Link::open(around, wait.timeout + RESPOND, None).await?,
                script: script.clone(),
                wait,
                observer: observer.clone(),
                jobs,
            };
            let cancel = around.cancel.clone();
            around.tasks.spawn(async move {
                cancel.run_until_cancelled(lane.run()).await;
            });
            queues.push(queue);
        }
        Ok(Self {
            queues,
            next: AtomicUsize::new(0),
        })
    }

    pub(super) async fn commit(&self, command: Cmd, kinds: Kinds) -> Result<Committed, Error> {
        let (reply, answer) = oneshot::channel();
        let job = Job {
            command,
            kinds,
            reply,
        };
        let next = self.next.fetch_add(1, Ordering::Relaxed) % LANES;
        let queue = self.queues.get(next).ok_or(CLOSED)?;
        queue.send(job).await.map_err(|_| CLOSED)?;
        // A lane that ends drops what it had begun to write.
        answer.await.map_err(|_| Error::OutcomeUnknown {
            reason: "the store was closed meanwhile",
            source: None,
        })?
    }
}

struct Lane {
    connection: Link,
    script: Arc<Script>,
    wait: Wait,
    observer: Arc<dyn Observer>,
    jobs: mpsc::Receiver<Job>,
}

impl Lane {
    async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        while self.jobs.recv_many(&mut batch, BATCH).await > 0 {
            let started = Instant::now();
            let transactions = batch.len();
            self.commit(&mut batch).await;
            self.observe(transactions, started.elapsed());
        }
    }

    fn observe(&self, transactions: usize, elapsed: Duration) {
        self.observer.observe(Observation::Batch {
            transactions,
            elapsed,
        });
    }

    async fn commit(&mut self, batch: &mut Vec<Job>) {
        let sent = self.send(batch).await;
        let unknown = answer_all(batch, sent, self.wait);
        if unknown.is_empty() {
            return;
        }
        // A server that was started anew has no script. What was not found did not run, and only that is sent
        // again.
        *batch = unknown;
        let sent = match self.script.load_async(&mut self.connection).await {
            Ok(_) => self.send(batch).await,
            Err(error) => Err(error),
        };
        for job in answer_all(batch, sent, self.wait) {
            job.answer(Err(Error::Unavailable {
                reason: "the server does not keep the script",
                source: None,
            }));
        }
    }

    /// The answer to each transaction, and how many replicas have them all.
    async fn send(&mut self, batch: &[Job]) -> RedisResult<(Vec<RedisResult<Value>>, u64)> {
        let mut pipeline = redis::pipe();
        pipeline.ignore_errors();
        for job in batch {
            pipeline.add_command(job.command.clone());
        }
        pipeline.add_command(self.wait.command());
        let mut answers: Vec<RedisResult<Value>> =
            pipeline.query_async(&mut self.connection).await?;
        let confirmed = match answers.pop() {
            Some(Ok(Value::Int(confirmed))) => u64::try_from(confirmed).unwrap_or_default(),
            _ => 0,
        };
        self.observer.observe(Observation::Wait {
            wanted: self.wait.replicas.into(),
            confirmed: usize::try_from(confirmed).unwrap_or(usize::MAX),
        });
        Ok((answers, confirmed))
    }
}

/// Answers a batch, apart from the transactions whose script the server does not have.
fn answer_all(
    batch: &mut Vec<Job>,
    sent: RedisResult<(Vec<RedisResult<Value>>, u64)>,
    wait: Wait,
) -> Vec<Job> {
    let mut unknown = Vec::new();
    match sent {
        Ok((answers, confirmed)) => {
            let safe = confirmed >= u64::from(wait.replicas);
            for (job, answer) in batch.drain(..).zip(answers) {
                match answer {
                    Err(error) if error.kind() == NO_SCRIPT => unknown.push(job),
                    Err(error) => job.answer(Err(failed(error, "the server did not answer"))),
                    Ok(answer) => {
                        let outcome = job.kinds.outcome(&answer);
                        job.answer(if safe {
                            outcome
                        } else {
                            outcome.and(Err(SHORT))
                        });
                    }
                }
            }
        }
        Err(error) => {
            for job in batch.drain(..) {
                let error = failed(error.clone(), "the server did not answer");
                job.answer(Err(error));
            }
        }
    }
    unknown
}

const NO_SCRIPT: ErrorKind = ErrorKind::Server(ServerErrorKind::NoScript);

const SHORT: Error = Error::OutcomeUnknown {
    reason: "not all replicas confirmed in time",
    source: None,
};

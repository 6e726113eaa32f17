//! The outbox: what a transaction owes to another tag or function is written with it, and applied afterwards.
//!
//! Messages of one tag are applied in the order in which they were written, each at least once. A message may
//! come again, also after later ones of the same tag if a process was stopped for long, so receivers compare
//! epochs or [`Outgoing::sequence`].

mod agenda;
mod runners;
mod work;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, TraceFlags};
use prost::Message;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use self::agenda::Agenda;
use self::runners::Runner;
pub(crate) use self::work::{KNOWN, KNOWN_REFUSED};
use self::work::{Row, Worker};
use crate::backend::Shape;
use crate::error::Error;
use crate::key::Tag;
use crate::record::Record;
use crate::store::Store;
use crate::transaction::Transaction;
use crate::value::Version;

impl Transaction {
    /// Sends a message when this transaction is applied, and not otherwise. Key material in it is sealed.
    pub fn send<M: Message>(&mut self, topic: &'static str, message: &M) {
        let row = Row {
            topic: topic.to_owned(),
            payload: message.encode_to_vec(),
            traceparent: traceparent(),
        };
        self.append(&row, None);
    }
}

/// A message on its way.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The tag of the transaction that sent it.
    pub tag: Tag,
    /// The topic it was sent under.
    pub topic: String,
    /// The encoded message.
    pub payload: Vec<u8>,
    /// The trace that the message was sent in, as W3C Trace Context 3.2 writes it; empty where there is none.
    pub traceparent: String,
    /// Grows with each transaction of the tag that sends.
    pub sequence: Version,
    /// Grows with each process that applies messages of the tag.
    pub token: Version,
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Outgoing({}, {:?})", self.topic, self.tag)
    }
}

/// The trace that the running code belongs to.
fn traceparent() -> String {
    Context::map_current(|context| {
        let span = context.span();
        let span = span.span_context();
        if !span.is_valid() {
            return String::new();
        }
        let flags = span.trace_flags() & TraceFlags::SAMPLED;
        format!("00-{}-{}-{flags:02x}", span.trace_id(), span.span_id())
    })
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It took effect, now or before.
    Done,
    /// It did not; it is tried again, later messages of the tag after it.
    Retry,
    /// It never will. It is put aside for 30 days with the reason, which must hold no secret, and later
    /// messages go on.
    Refused(String),
}

/// Applies messages.
#[async_trait]
pub trait Applier: Send + Sync + 'static {
    /// Applies one message. Must be idempotent, must end by itself within seconds, and must tell whether
    /// trying again is of use.
    async fn apply(&self, message: &Outgoing) -> Applied;
}

/// Whether messages of a tag remain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// All were applied.
    Empty,
    /// Some remain; [`Outbox::run`] goes on with them.
    Pending,
}

/// Applies the messages that a function's transactions send. Cheap to clone.
///
/// Nothing is applied unless [`run`](Self::run) runs.
#[derive(Clone)]
pub struct Outbox {
    worker: Worker,
    wake: mpsc::Sender<Wake>,
    woken: Arc<Mutex<Option<mpsc::Receiver<Wake>>>>,
    look_every: Duration,
}

/// A tag has something to send.
struct Wake {
    tag: Tag,
    /// Told when everything that was there at the time of waking was tried.
    answer: Option<oneshot::Sender<Drained>>,
}

/// Tags worked on at the same time.
const WORKERS: usize = 64;
/// Wakes that may wait; what does not fit is found by looking for what was left.
const QUEUE: usize = 4096;

impl Outbox {
    /// An outbox that looks for messages that another process left behind: every two minutes, and as soon as one
    /// of the processes that apply messages of the function is gone.
    #[must_use]
    pub fn new(store: Store, applier: Arc<dyn Applier>) -> Self {
        Self::looking_every(store, applier, Duration::from_secs(120))
    }

    /// As [`new`](Self::new), with another interval. Looking walks all keys of the function.
    #[must_use]
    pub fn looking_every(store: Store, applier: Arc<dyn Applier>, interval: Duration) -> Self {
        let (wake, woken) = mpsc::channel(QUEUE);
        Self {
            worker: Worker::new(store, applier),
            wake,
            woken: Arc::new(Mutex::new(Some(woken))),
            look_every: interval,
        }
    }

    /// Has the messages of a tag applied and waits for it, for at most `within`; they are applied later
    /// otherwise. Called after a transaction that sent something.
    pub async fn drain(&self, tag: &Tag, within: Duration) -> Drained {
        let (answer, drained) = oneshot::channel();
        let wake = Wake {
            tag: tag.clone(),
            answer: Some(answer),
        };
        let asked = async {
            // Both fail only when the outbox does not run any more.
            self.wake.send(wake).await.ok()?;
            drained.await.ok()
        };
        timeout(within, asked)
            .await
            .ok()
            .flatten()
            .unwrap_or(Drained::Pending)
    }

    /// Has the messages of a tag applied, without waiting.
    pub fn nudge(&self, tag: &Tag) {
        // When there is no room, they are found later.
        let _found_later = self.wake.try_send(Wake {
            tag: tag.clone(),
            answer: None,
        });
    }

    /// Applies messages until cancelled, those that a process left behind included; then ends what it is at.
    /// To be called once; a second call ends at once.
    pub async fn run(&self, cancel: CancellationToken) {
        let woken = self
            .woken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(woken) = woken else { return };
        let mut working = JoinSet::new();
        let mut runner = Runner::new(self.worker.store().clone());
        let gone = Notify::new();
        let served = async {
            tokio::select! {
                () = self.serve(woken, &gone, &mut working) => {}
                () = runner.run(&gone) => {}
            }
        };
        cancel.run_until_cancelled(served).await;
        while working.join_next().await.is_some() {}
        runner.leave().await;
    }

    async fn serve(
        &self,
        mut woken: mpsc::Receiver<Wake>,
        gone: &Notify,
        working: &mut JoinSet<(Tag, Drained)>,
    ) {
        let mut agenda = Agenda::default();
        let mut look_at = Instant::now();
        loop {
            if Instant::now() >= look_at {
                if let Err(error) = self.look_for_left(&mut agenda).await {
                    tracing::warn!(error = %error, "outbox cannot look for messages left behind");
                }
                look_at = Instant::now() + self.look_every;
            }
            while working.len() < WORKERS
                && let Some(tag) = agenda.begin(Instant::now())
            {
                let worker = self.worker.clone();
                working.spawn(async move {
                    let drained = worker.work_on(&tag).await.unwrap_or_else(|error| {
                        tracing::warn!(error = %error, "outbox cannot read or write its messages");
                        Drained::Pending
                    });
                    (tag, drained)
                });
            }
            let wake_at = match agenda.first_due() {
                Some(due) if working.len() < WORKERS => due.min(look_at),
                _ => look_at,
            };
            tokio::select! {
                wake = woken.recv() => match wake {
                    Some(wake) => agenda.wake(wake.tag, wake.answer, Instant::now()),
                    None => return,
                },
                Some(Ok((tag, drained))) = working.join_next() => {
                    agenda.end(tag, drained, Instant::now());
                }
                () = gone.notified() => look_at = Instant::now(),
                () = sleep_until(wake_at) => {}
            }
        }
    }

    async fn look_for_left(&self, agenda: &mut Agenda) -> Result<(), Error> {
        let store = self.worker.store();
        let mut from = None;
        loop {
            let page = store.tags(Row::KIND, Shape::Named, from.as_ref()).await?;
            for tag in page.tags {
                agenda.find(tag, Instant::now());
            }
            from = page.next;
            if from.is_none() {
                return Ok(());
            }
            tokio::task::yield_now().await;
        }
    }
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Outbox({:?})", self.worker.store())
    }
}

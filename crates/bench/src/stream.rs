//! Many questions over one bidirectional stream; answers come in any order.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

/// Questions that wait to be written.
const QUEUE: usize = 1024;

type Waiting<A> = Arc<Mutex<HashMap<u64, oneshot::Sender<A>>>>;

/// The asking end of a stream. `Q` and `A` carry a correlation number.
pub(crate) struct Asking<Q, A> {
    questions: mpsc::Sender<Q>,
    waiting: Waiting<A>,
    next: AtomicU64,
    // The reading task ends with the stream or with this value.
    _reading: JoinSet<()>,
}

/// The stream of questions, to be given to the call.
pub(crate) fn questions<Q>() -> (mpsc::Sender<Q>, ReceiverStream<Q>) {
    let (questions, receiver) = mpsc::channel(QUEUE);
    (questions, ReceiverStream::new(receiver))
}

impl<Q, A: Send + 'static> Asking<Q, A> {
    /// Puts answers to their questions.
    pub(crate) fn new(
        questions: mpsc::Sender<Q>,
        mut answers: Streaming<A>,
        correlation: fn(&A) -> u64,
    ) -> Self {
        let waiting = Waiting::<A>::default();
        let asked = Arc::clone(&waiting);
        let mut reading = JoinSet::new();
        reading.spawn(async move {
            while let Some(Ok(answer)) = answers.next().await {
                let asker = asked
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(&correlation(&answer));
                // One who has gone does not want to know.
                let _ = asker.map(|asker| asker.send(answer));
            }
            // Whoever still waits learns that the stream is over.
            asked.lock().unwrap_or_else(PoisonError::into_inner).clear();
        });
        Self {
            questions,
            waiting,
            next: AtomicU64::new(1),
            _reading: reading,
        }
    }

    /// Asks the question that `make` makes for a correlation number.
    pub(crate) async fn ask(&self, make: impl FnOnce(u64) -> Q) -> Result<A> {
        let correlation = self.next.fetch_add(1, Ordering::Relaxed);
        let (asker, answer) = oneshot::channel();
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(correlation, asker);
        self.questions
            .send(make(correlation))
            .await
            .ok()
            .context("the stream is over")?;
        answer.await.context("the stream is over")
    }
}

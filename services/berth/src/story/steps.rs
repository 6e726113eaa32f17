//! Steps of a story: each timed, tried again if allowed, and told.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use nf_runtime::telemetry::current_trace_id;
use tokio::sync::Notify;
use tokio::time::sleep;
use tracing::{Instrument as _, info_span};

/// How long one attempt may take: a peer that hangs costs no more.
const ATTEMPT: Duration = Duration::from_secs(15);
/// How long a person or a device waits before trying again what failed; a peer that is replaced comes back meanwhile.
const PAUSE: Duration = Duration::from_secs(2);

/// Who watches a story.
pub(crate) trait Witness: Send {
    /// A step begins; one that fails is shown under this name.
    fn begun(&mut self, step: &'static str);

    /// A step is done.
    fn done(&mut self, done: &Done<'_>) -> Result<()>;

    /// An attempt failed, and the step is tried again.
    fn tried(&mut self, step: &'static str, attempt: u32, error: &anyhow::Error) -> Result<()>;
}

/// A step that is done.
pub(crate) struct Done<'a> {
    pub(crate) step: &'static str,
    pub(crate) took: Duration,
    pub(crate) attempts: u32,
    pub(crate) detail: &'a str,
    /// The trace of its last attempt.
    pub(crate) trace_id: Option<&'a str>,
}

/// The steps of one story.
pub(crate) struct Steps<'a> {
    witness: &'a mut dyn Witness,
    retries: u32,
    retried: BTreeSet<&'static str>,
    /// The step that runs, and how often it was tried.
    current: (&'static str, u32),
}

impl<'a> Steps<'a> {
    /// Steps of which each is tried `retries` times more before the story fails.
    pub(crate) fn new(witness: &'a mut dyn Witness, retries: u32) -> Self {
        Self {
            witness,
            retries,
            retried: BTreeSet::new(),
            current: ("", 0),
        }
    }

    /// How many steps were tried more than once.
    pub(crate) fn retried(&self) -> usize {
        self.retried.len()
    }

    /// The step that runs or ran last, and how often it was tried.
    pub(crate) const fn current(&self) -> (&'static str, u32) {
        self.current
    }

    /// Does one step: `attempt` gets the number of the attempt, and answers a result and what to tell of it.
    pub(crate) async fn step<T>(
        &mut self,
        step: &'static str,
        mut attempt: impl AsyncFnMut(u32) -> Result<(T, String)>,
    ) -> Result<T> {
        let begun = Instant::now();
        self.begin(step);
        loop {
            let number = self.next_attempt();
            match traced(step, &Notify::new(), Box::pin(attempt(number))).await {
                (Ok((result, detail)), trace_id) => {
                    self.done(begun.elapsed(), step, &detail, trace_id.as_deref())?;
                    return Ok(result);
                }
                (Err(error), _) => self.failed(step, number, error).await?,
            }
        }
    }

    /// A step begins.
    pub(super) fn begin(&mut self, step: &'static str) {
        self.current = (step, 0);
        self.witness.begun(step);
    }

    /// Another attempt at the step that runs begins; answers its number.
    pub(super) const fn next_attempt(&mut self) -> u32 {
        self.current.1 += 1;
        self.current.1
    }

    /// The attempt with this number failed: hands the error back if it was the last one, and waits otherwise.
    pub(super) async fn failed(
        &mut self,
        step: &'static str,
        attempts: u32,
        error: anyhow::Error,
    ) -> Result<()> {
        self.current = (step, attempts);
        if attempts > self.retries {
            return Err(error);
        }
        self.retried.insert(step);
        self.witness.tried(step, attempts, &error)?;
        sleep(PAUSE).await;
        Ok(())
    }

    /// The step that runs is done.
    pub(super) fn done(
        &mut self,
        took: Duration,
        step: &'static str,
        detail: &str,
        trace_id: Option<&str>,
    ) -> Result<()> {
        self.witness.done(&Done {
            step,
            took,
            attempts: self.current.1.max(1),
            detail,
            trace_id,
        })
    }
}

/// Makes one attempt, within its time and in a trace of its own. An attempt at several steps says when it goes on to the
/// next one, and has its time for each.
pub(super) async fn traced<T>(
    step: &'static str,
    went_on: &Notify,
    attempt: impl Future<Output = Result<T>>,
) -> (Result<T>, Option<String>) {
    let mut trace_id = None;
    let attempt = async {
        trace_id = current_trace_id();
        let mut attempt = std::pin::pin!(attempt);
        loop {
            tokio::select! {
                outcome = &mut attempt => return outcome,
                () = went_on.notified() => {}
                () = sleep(ATTEMPT) => bail!("not done within {ATTEMPT:?}"),
            }
        }
    };
    let span = info_span!(parent: None, "story.step", story.step = step);
    let outcome = attempt.instrument(span).await;
    (outcome, trace_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Told {
        done: Vec<(&'static str, u32)>,
        tried: Vec<(&'static str, u32)>,
    }

    impl Witness for Told {
        fn begun(&mut self, _: &'static str) {}

        fn done(&mut self, done: &Done<'_>) -> Result<()> {
            self.done.push((done.step, done.attempts));
            Ok(())
        }

        fn tried(&mut self, step: &'static str, attempt: u32, _: &anyhow::Error) -> Result<()> {
            self.tried.push((step, attempt));
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_is_tried_again_as_often_as_allowed() {
        let mut told = Told::default();
        let begun = tokio::time::Instant::now();
        let mut steps = Steps::new(&mut told, 1);
        let second = async |attempt| {
            anyhow::ensure!(attempt == 2, "the first fails");
            Ok((attempt, String::new()))
        };
        assert_eq!(steps.step("aka", second).await.unwrap(), 2);
        let never = async |_| Err::<((), String), _>(anyhow::anyhow!("never"));
        let error = steps.step("register", never).await.unwrap_err();
        assert_eq!(error.to_string(), "never");
        assert_eq!(steps.current(), ("register", 2));
        assert_eq!(steps.retried(), 2);
        assert_eq!(begun.elapsed(), PAUSE * 2);
        assert_eq!(told.done, [("aka", 2)]);
        assert_eq!(told.tried, [("aka", 1), ("register", 1)]);
    }
    #[tokio::test(start_paused = true)]
    async fn a_peer_that_hangs_costs_the_time_of_one_step() {
        let begun = tokio::time::Instant::now();
        let went_on = Notify::new();
        let hangs_at_the_second = async {
            sleep(ATTEMPT / 2).await;
            went_on.notify_one();
            std::future::pending::<Result<()>>().await
        };
        let (outcome, _) = traced("owa", &went_on, hangs_at_the_second).await;
        assert!(outcome.is_err());
        assert_eq!(begun.elapsed(), ATTEMPT / 2 + ATTEMPT);
    }
}

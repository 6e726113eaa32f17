//! Tasks and shutdown: readiness off, settle, cancel, drain, then leave.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info};

use crate::readiness::Readiness;
use crate::telemetry::Telemetry;

/// SIGTERM and SIGINT, which from now on end a process in order and not where it stands. To be installed before
/// anybody is told that the process is ready.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// # Errors
    /// The handlers cannot be installed.
    pub fn install() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next one and answers its name.
    pub async fn requested(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// How a process stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShutdownConfig {
    /// Time between "not ready" and the end of listening, in which load balancers take note
    /// (default `"3s"`). Too short, and new connections are refused during a rolling update.
    #[serde(with = "humantime_serde")]
    pub settle: Duration,
    /// Time for calls and tasks to end by themselves (default `"20s"`). What still runs then is cut
    /// off. Settle and grace together stay below the termination grace period of the pod.
    #[serde(with = "humantime_serde")]
    pub grace: Duration,
}

impl Default for ShutdownConfig {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(3),
            grace: Duration::from_secs(20),
        }
    }
}

/// The life of a process: everything spawned goes through here, so that shutdown can wait for it.
#[derive(Clone, Debug)]
pub struct Lifecycle(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: ShutdownConfig,
    token: CancellationToken,
    end: CancellationToken,
    tracker: TaskTracker,
    readiness: Readiness,
    failed: mpsc::UnboundedSender<anyhow::Error>,
    failures: Mutex<mpsc::UnboundedReceiver<anyhow::Error>>,
}

/// Why and how a process ended.
#[derive(Debug)]
pub enum Stopped {
    /// It was asked to, and everything ended in time.
    Clean,
    /// It was asked to, and the grace period ran out with this many tasks still running.
    Overdue {
        /// Tasks that were cut off.
        tasks: usize,
    },
    /// A task that the process cannot do without failed.
    Failed(anyhow::Error),
}

impl Stopped {
    /// 0 when clean, 1 otherwise.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Clean => ExitCode::SUCCESS,
            Self::Overdue { .. } | Self::Failed(_) => ExitCode::FAILURE,
        }
    }
}

impl Lifecycle {
    /// The life of a process that has just begun.
    pub fn new(config: ShutdownConfig) -> Self {
        let (failed, failures) = mpsc::unbounded_channel();
        Self(Arc::new(Inner {
            config,
            token: CancellationToken::new(),
            end: CancellationToken::new(),
            tracker: TaskTracker::new(),
            readiness: Readiness::new(),
            failed,
            failures: Mutex::new(failures),
        }))
    }

    /// Cancelled when work has to end: listeners close, loops leave.
    pub fn token(&self) -> CancellationToken {
        self.0.token.clone()
    }

    /// Knows all tasks that shutdown waits for.
    pub fn tracker(&self) -> TaskTracker {
        self.0.tracker.clone()
    }

    /// Whether the process takes traffic.
    pub fn readiness(&self) -> Readiness {
        self.0.readiness.clone()
    }

    /// Runs a task that shutdown waits for. It has to end soon after [`Lifecycle::token`] is
    /// cancelled. A panic ends the task alone and is logged.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let guarded = AssertUnwindSafe(task).catch_unwind().map(move |outcome| {
            if let Err(panic) = outcome {
                error!(task = name, panic = panic_text(&*panic), "task panicked");
            }
        });
        self.0.tracker.spawn(guarded);
    }

    /// Runs a task that the process cannot do without: an error or a panic takes the process down.
    pub fn spawn_critical(
        &self,
        name: &'static str,
        task: impl Future<Output = Result<(), anyhow::Error>> + Send + 'static,
    ) {
        let failed = self.0.failed.clone();
        let guarded = AssertUnwindSafe(task).catch_unwind().map(move |outcome| {
            let outcome = outcome
                .unwrap_or_else(|panic| Err(anyhow::anyhow!("panic: {}", panic_text(&*panic))));
            if let Err(error) = outcome {
                // The receiver lives as long as any clone of the lifecycle; without one nobody is
                // left to take down.
                let _ = failed.send(error.context(format!("task {name} failed")));
            }
        });
        self.0.tracker.spawn(guarded);
    }

    /// Runs a task that outlives the drain, because draining tasks still need it, and is cut off
    /// after it.
    pub(crate) fn spawn_to_the_end(&self, task: impl Future<Output = ()> + Send + 'static) {
        let end = self.0.end.clone();
        #[expect(
            clippy::disallowed_methods,
            reason = "bound to the end token; the drain must not wait for it"
        )]
        tokio::spawn(async move {
            end.run_until_cancelled(task).await;
        });
    }

    /// Waits for a signal or the failure of a critical task, shuts down in order and flushes telemetry.
    pub async fn run_until_signal(&self, mut signals: Signals, telemetry: Telemetry) -> Stopped {
        let asked = async {
            let signal = signals.requested().await;
            info!(signal, "shutdown requested");
        };
        let stopped = self.run_until(asked).await;
        telemetry.shutdown().await;
        stopped
    }

    /// Waits for `asked` or the failure of a critical task, then shuts down in order.
    pub async fn run_until(&self, asked: impl Future<Output = ()>) -> Stopped {
        let mut failures = self.0.failures.lock().await;
        let failure = tokio::select! {
            biased;
            Some(failure) = failures.recv() => Some(failure),
            () = asked => None,
        };
        drop(failures);
        match failure {
            Some(failure) => {
                error!(
                    error = format!("{failure:#}"),
                    "shutting down after a failure"
                );
                self.drain(Duration::ZERO).await;
                Stopped::Failed(failure)
            }
            None => self.shutdown().await,
        }
    }

    /// Shuts down in order: readiness off, settle time, cancel, drain until the grace period ends.
    pub async fn shutdown(&self) -> Stopped {
        self.drain(self.0.config.settle).await
    }

    async fn drain(&self, settle: Duration) -> Stopped {
        let Inner {
            config,
            token,
            end,
            tracker,
            readiness,
            ..
        } = &*self.0;
        readiness.withdraw();
        tokio::time::sleep(settle).await;
        token.cancel();
        tracker.close();
        let outcome = match tokio::time::timeout(config.grace, tracker.wait()).await {
            Ok(()) => Stopped::Clean,
            Err(_) => {
                let tasks = tracker.len();
                error!(tasks, "grace period ended before all tasks did");
                Stopped::Overdue { tasks }
            }
        };
        end.cancel();
        outcome
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let literal = panic.downcast_ref::<&'static str>().copied();
    literal
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

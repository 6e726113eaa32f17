//! Signals while something is registered that has to be removed.

use std::io;
use std::time::Duration;

use nf_runtime::Runtime;
use nf_runtime::lifecycle::Signals;
use tokio::sync::watch;
use tokio::time::sleep;

/// How long a story may go on after a signal that lets it come to its end.
const LAST_STORY: Duration = Duration::from_secs(40);

/// How many signals have come.
pub(crate) struct Stop(watch::Receiver<u32>);

impl Stop {
    /// Listens from now on.
    pub(crate) fn listen(runtime: &Runtime) -> io::Result<Self> {
        let mut signals = Signals::install()?;
        let (sender, receiver) = watch::channel(0);
        let token = runtime.lifecycle.token();
        runtime.lifecycle.spawn("signals", async move {
            while token
                .run_until_cancelled(signals.requested())
                .await
                .is_some()
            {
                sender.send_modify(|count| *count += 1);
            }
        });
        Ok(Self(receiver))
    }

    /// Whether a signal has come.
    pub(super) fn is_asked(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Returns when the story that runs has to be broken off: at the first signal, or, where it may come to its end, at
    /// the second or when it takes too long.
    pub(super) async fn breaks_off(&mut self, may_end: bool) {
        self.count(1).await;
        if may_end {
            tokio::select! {
                () = self.count(2) => {}
                () = sleep(LAST_STORY) => {}
            }
        }
    }

    async fn count(&mut self, least: u32) {
        if self.0.wait_for(|count| *count >= least).await.is_err() {
            // Nobody listens any more: no signal will come.
            std::future::pending::<()>().await;
        }
    }
}

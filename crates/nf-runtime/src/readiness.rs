//! When a process takes traffic.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

/// Whether this process takes traffic: after every latch is released and until shutdown begins.
///
/// Latches stand for what the process cannot work without: its store, its certificates, its
/// listeners. Peers never hold one, or one restart would take the cluster down in a circle.
#[derive(Clone)]
pub struct Readiness {
    state: Arc<watch::Sender<State>>,
}

#[derive(Default)]
struct State {
    next: u64,
    held: BTreeMap<u64, &'static str>,
    withdrawn: bool,
}

impl State {
    fn is_ready(&self) -> bool {
        self.held.is_empty() && !self.withdrawn
    }
}

/// One condition that readiness waits for. Dropping it without [`Latch::release`] keeps the process
/// unready for ever: what it stood for did not happen.
#[derive(Debug)]
#[must_use = "the process is not ready before the latch is released"]
pub struct Latch {
    number: u64,
    readiness: Readiness,
}

impl Readiness {
    pub(crate) fn new() -> Self {
        Self {
            state: Arc::new(watch::Sender::new(State::default())),
        }
    }

    /// Adds a condition; `name` is shown by `/readyz` while it is not met.
    pub fn latch(&self, name: &'static str) -> Latch {
        let mut number = 0;
        self.state.send_modify(|state| {
            number = state.next;
            state.next = number.wrapping_add(1);
            state.held.insert(number, name);
        });
        Latch {
            number,
            readiness: self.clone(),
        }
    }

    /// Whether traffic is taken now.
    pub fn is_ready(&self) -> bool {
        self.state.borrow().is_ready()
    }

    /// Names of the conditions that are not met, in the order in which they were added.
    pub fn waiting_for(&self) -> Vec<&'static str> {
        let state = self.state.borrow();
        let shutdown = state.withdrawn.then_some("shutdown");
        state.held.values().copied().chain(shutdown).collect()
    }

    /// Ends when readiness differs from `known`, and answers the new value.
    pub async fn changed_from(&self, known: bool) -> bool {
        // The sender lives in self, so waiting cannot fail.
        let _ = self
            .state
            .subscribe()
            .wait_for(|state| state.is_ready() != known)
            .await;
        !known
    }

    /// Ends when shutdown begins: the process takes no more traffic, but goes on working for the settle time.
    pub async fn withdrawn(&self) {
        // The sender lives in self, so waiting cannot fail.
        let _ = self
            .state
            .subscribe()
            .wait_for(|state| state.withdrawn)
            .await;
    }

    /// Takes no traffic any more; cannot be taken back.
    pub(crate) fn withdraw(&self) {
        self.state.send_modify(|state| state.withdrawn = true);
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readiness")
            .field("waiting_for", &self.waiting_for())
            .finish()
    }
}

impl Latch {
    /// States that the condition is met.
    pub fn release(self) {
        self.readiness.state.send_modify(|state| {
            state.held.remove(&self.number);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_latches_have_to_be_released() {
        let readiness = Readiness::new();
        let (store, listener) = (readiness.latch("store"), readiness.latch("listener"));
        assert_eq!(readiness.waiting_for(), ["store", "listener"]);
        listener.release();
        assert!(!readiness.is_ready());
        store.release();
        assert!(readiness.is_ready());
    }

    #[test]
    fn a_dropped_latch_never_opens() {
        let readiness = Readiness::new();
        drop(readiness.latch("store"));
        assert!(!readiness.is_ready());
    }

    #[tokio::test]
    async fn shutdown_ends_readiness_for_good() {
        let readiness = Readiness::new();
        assert!(readiness.is_ready());
        readiness.withdraw();
        assert!(!readiness.changed_from(true).await);
        readiness.latch("late").release();
        assert_eq!(readiness.waiting_for(), ["shutdown"]);
    }
}

//! How much strangers may cost.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nf_runtime::clock::Clock;

/// A token bucket that fills at a steady rate and holds the tokens of one second.
#[derive(Clone, Debug)]
pub struct Budget {
    per_second: f64,
    clock: Clock,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    tokens: f64,
    at: Duration,
}

impl Budget {
    /// A full bucket.
    pub fn new(per_second: u32, clock: Clock) -> Self {
        let per_second = f64::from(per_second);
        let state = State {
            tokens: per_second,
            at: clock.monotonic(),
        };
        Self {
            per_second,
            clock,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Takes one token, if there is one.
    pub fn take(&self) -> bool {
        let now = self.clock.monotonic();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = now.saturating_sub(state.at);
        state.at = now;
        state.tokens =
            (state.tokens + elapsed.as_secs_f64() * self.per_second).min(self.per_second);
        if state.tokens < 1.0 {
            return false;
        }
        state.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_rate_and_no_more() {
        let clock = Clock::manual(0);
        let budget = Budget::new(2, clock.clone());
        assert!(budget.take() && budget.take() && !budget.take());
        clock.advance(Duration::from_millis(500));
        assert!(budget.take() && !budget.take());
        clock.advance(Duration::from_secs(60));
        assert!(budget.take() && budget.take() && !budget.take());
    }
}

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

/// How a device's certificate is found; each way has a budget of its own, so that strangers who name URLs
/// do not starve devices that are known or bring their chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquaintance {
    /// Its certificate was validated here before.
    Known,
    /// Its chain travels in Start.
    Inline,
    /// Its certificate has to be fetched.
    Stranger,
}

/// Challenges that may be given, by how well the device is known.
#[derive(Clone, Debug)]
pub struct ChallengeBudgets {
    known: Budget,
    inline: Budget,
    stranger: Budget,
}

impl ChallengeBudgets {
    /// Full buckets of the same rate.
    pub fn new(per_second: u32, clock: &Clock) -> Self {
        let budget = || Budget::new(per_second, clock.clone());
        Self {
            known: budget(),
            inline: budget(),
            stranger: budget(),
        }
    }

    /// Takes one Challenge for a device, if there is one.
    pub fn take(&self, device: Acquaintance) -> bool {
        match device {
            Acquaintance::Known => self.known.take(),
            Acquaintance::Inline => self.inline.take(),
            Acquaintance::Stranger => self.stranger.take(),
        }
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

    #[test]
    fn strangers_do_not_use_up_what_known_devices_need() {
        let budgets = ChallengeBudgets::new(1, &Clock::manual(0));
        assert!(budgets.take(Acquaintance::Stranger) && !budgets.take(Acquaintance::Stranger));
        assert!(budgets.take(Acquaintance::Inline) && !budgets.take(Acquaintance::Inline));
        assert!(budgets.take(Acquaintance::Known));
    }
}

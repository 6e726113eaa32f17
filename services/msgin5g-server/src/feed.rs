//! How far a feed of another function can be trusted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nf_runtime::clock::Clock;
use nf_runtime::feed::TRUST;

/// When a feed was last heard, and how often what it vouches for has changed.
pub(crate) struct Feed {
    clock: Clock,
    heard: Mutex<Option<Duration>>,
    generation: AtomicU64,
}

impl Feed {
    pub(crate) const fn new(clock: Clock) -> Self {
        Self {
            clock,
            heard: Mutex::new(None),
            generation: AtomicU64::new(0),
        }
    }

    /// Notes a message of the feed.
    pub(crate) fn hear(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.clock.monotonic());
    }

    /// Whether a message came within the last 5 s.
    pub(crate) fn is_trusted(&self) -> bool {
        let heard = *self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.is_some_and(|heard| self.clock.monotonic().saturating_sub(heard) < TRUST)
    }

    /// Counts changes: what was confirmed in an earlier generation has to be confirmed again.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(crate) fn renew(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

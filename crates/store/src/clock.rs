//! The clock that ends lifetimes in the embedded back end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Tells the time. A test brings its own, see [`ManualClock`].
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970-01-01 00:00 UTC; never goes back.
    fn unix_ms(&self) -> u64;
}

/// The machine's clock: wall time at the start, monotonic from there, so that a corrected wall clock ends no
/// lifetime early.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
    start_ms: u64,
}

impl Default for SystemClock {
    fn default() -> Self {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            start: Instant::now(),
            start_ms: millis(since_epoch),
        }
    }
}

impl Clock for SystemClock {
    fn unix_ms(&self) -> u64 {
        self.start_ms.saturating_add(millis(self.start.elapsed()))
    }
}

/// A clock that stands still until it is told to go on.
#[derive(Debug)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// Starts at a time, in milliseconds since 1970.
    #[must_use]
    pub const fn at(unix_ms: u64) -> Self {
        Self(AtomicU64::new(unix_ms))
    }

    /// Goes on by a time.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(millis(by), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn unix_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A lifetime in whole milliseconds that does not end early: rounded up, and one more because it is counted
/// from the last whole millisecond.
pub(crate) fn lifetime_ms(lifetime: Duration) -> u64 {
    millis(lifetime.saturating_add(Duration::from_nanos(1_999_999)))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

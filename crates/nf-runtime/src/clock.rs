//! Time as an argument.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// What a function reads time from. Clones read the same clock.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System { started: Instant },
    Manual(Arc<Manual>),
}

#[derive(Debug)]
struct Manual {
    unix_ms: AtomicU64,
    monotonic_ns: AtomicU64,
}

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Self {
        Self(Source::System {
            started: Instant::now(),
        })
    }

    /// A clock for tests that stands still until [`Clock::advance`].
    pub fn manual(unix_ms: u64) -> Self {
        Self(Source::Manual(Arc::new(Manual {
            unix_ms: AtomicU64::new(unix_ms),
            monotonic_ns: AtomicU64::new(0),
        })))
    }

    /// Moves a manual clock forward by whole milliseconds. The system clock moves by itself only.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(manual) = &self.0 {
            manual
                .unix_ms
                .fetch_add(whole(by.as_millis()), Ordering::AcqRel);
            manual
                .monotonic_ns
                .fetch_add(whole(by.as_nanos()), Ordering::AcqRel);
        }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z; 0 if the machine's clock stands before that.
    pub fn unix_ms(&self) -> u64 {
        match &self.0 {
            Source::System { .. } => SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .map_or(0, |since| whole(since.as_millis())),
            Source::Manual(manual) => manual.unix_ms.load(Ordering::Acquire),
        }
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub fn unix_seconds(&self) -> u64 {
        self.unix_ms() / 1000
    }

    /// Time since the clock was made; never goes back, whatever happens to the calendar.
    pub fn monotonic(&self) -> Duration {
        match &self.0 {
            Source::System { started } => started.elapsed(),
            Source::Manual(manual) => {
                Duration::from_nanos(manual.monotonic_ns.load(Ordering::Acquire))
            }
        }
    }
}

fn whole(count: u128) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = Clock::manual(1_000);
        let seen_elsewhere = clock.clone();
        assert_eq!(clock.monotonic(), Duration::ZERO);
        clock.advance(Duration::from_millis(1_500));
        assert_eq!(seen_elsewhere.unix_ms(), 2_500);
        assert_eq!(seen_elsewhere.unix_seconds(), 2);
        assert_eq!(seen_elsewhere.monotonic(), Duration::from_millis(1_500));
    }

    #[test]
    fn the_system_clock_is_in_this_century() {
        assert!(Clock::system().unix_seconds() > 1_700_000_000);
    }
}

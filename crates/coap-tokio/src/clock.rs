//! Time of a driver.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep_until};

/// Tells the time of day in milliseconds since 1970, for keys that end at a time of day.
#[derive(Clone)]
pub struct WallClock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl WallClock {
    /// A clock that asks `unix_ms`.
    pub fn new(unix_ms: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(unix_ms))
    }

    pub(crate) fn unix_ms(&self) -> u64 {
        (self.0)()
    }
}

/// The clock of the machine.
impl Default for WallClock {
    fn default() -> Self {
        Self::new(|| {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            since.map_or(0, |since| {
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            })
        })
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WallClock").finish_non_exhaustive()
    }
}

/// Monotonic time since the start of a driver, in the forms that the machines want.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Monotonic {
    origin: Instant,
}

impl Monotonic {
    pub(crate) fn start() -> Self {
        Self {
            origin: Instant::now(),
        }
    }

    pub(crate) fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// The moment at which `since_start` has passed.
    pub(crate) fn at(&self, since_start: Duration) -> Instant {
        // a day is far enough ahead for a timer that is set anew after each wake
        let bounded = since_start.min(self.now() + Duration::from_secs(24 * 60 * 60));
        self.origin + bounded
    }
}

/// As the DTLS engine counts; rounded down, so that it is never ahead.
pub(crate) fn dtls_instant(since_start: Duration) -> dtls::Instant {
    dtls::Instant::from_millis(u64::try_from(since_start.as_millis()).unwrap_or(u64::MAX))
}

/// Back from the DTLS engine.
pub(crate) const fn since_start(instant: dtls::Instant) -> Duration {
    Duration::from_millis(instant.as_millis())
}

/// Waits for a moment, or for ever.
pub(crate) async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

//! Message ids of the messages that we start.

use core::time::Duration;

use crate::MessageId;

/// Gives message ids in sequence, and none twice within their lifetime.
///
/// Counted in two periods of one lifetime each: any stretch of one lifetime touches at most both.
/// Source: RFC 7252 4.4.
pub(crate) struct MessageIds {
    next: u16,
    period_start: Duration,
    in_period: u32,
    in_last_period: u32,
}

impl MessageIds {
    pub(crate) const fn new(first: u16) -> Self {
        Self {
            next: first,
            period_start: Duration::ZERO,
            in_period: 0,
            in_last_period: 0,
        }
    }

    /// The next id, or `None` while each has been used within `lifetime`.
    pub(crate) fn allocate(&mut self, now: Duration, lifetime: Duration) -> Option<MessageId> {
        let age = now.saturating_sub(self.period_start);
        if age >= lifetime {
            let adjacent = age < lifetime.saturating_mul(2);
            self.in_last_period = if adjacent { self.in_period } else { 0 };
            self.in_period = 0;
            self.period_start = if adjacent {
                self.period_start.saturating_add(lifetime)
            } else {
                now
            };
        }
        if self.in_period + self.in_last_period > u32::from(u16::MAX) {
            return None;
        }
        self.in_period += 1;
        let id = MessageId(self.next);
        self.next = self.next.wrapping_add(1);
        Some(id)
    }

    /// When ids are available again, should they be used up.
    pub(crate) fn next_period(&self, lifetime: Duration) -> Duration {
        self.period_start.saturating_add(lifetime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    // RFC 7252 4.4
    #[test]
    fn no_message_id_comes_twice_within_its_lifetime() {
        let lifetime = Duration::from_secs(247);
        let mut ids = MessageIds::new(65_000);
        let mut used: HashMap<u16, Duration> = HashMap::new();
        let mut refused = 0;
        for step in 0..400_000u64 {
            let now = Duration::from_millis(step * 2);
            match ids.allocate(now, lifetime) {
                Some(MessageId(id)) => {
                    if let Some(before) = used.insert(id, now) {
                        assert!(now - before >= lifetime, "id {id} after {:?}", now - before);
                    }
                }
                None => refused += 1,
            }
        }
        assert!(refused > 0);
    }
}

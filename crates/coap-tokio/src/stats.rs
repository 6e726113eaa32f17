//! Counts of a server or client.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the start; all only grow, except `sessions`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Established sessions now.
    pub sessions: u64,
    /// Handshakes begun by a hello with a valid cookie.
    pub handshakes_started: u64,
    /// Handshakes that led to a session.
    pub handshakes_completed: u64,
    /// Handshakes that did not.
    pub handshakes_failed: u64,
    /// Hellos without a valid cookie that were answered by HelloVerifyRequest.
    pub hello_verify_requests: u64,
    /// Datagrams received.
    pub datagrams_received: u64,
    /// Datagrams sent.
    pub datagrams_sent: u64,
    /// Datagrams that led to nothing: forged, replayed, malformed, out of place, or a part of a flight that is not
    /// complete yet.
    pub datagrams_ignored: u64,
    /// Datagrams that could not be sent.
    pub send_errors: u64,
    /// Requests of peers, without duplicates.
    pub requests: u64,
    /// Requests refused because too many were being handled.
    pub requests_refused: u64,
    /// Messages of peers that came once more and were not handled again.
    pub duplicates: u64,
    /// CoAP messages of ours sent once more.
    pub retransmissions: u64,
    /// CoAP messages of ours given up unacknowledged.
    pub timeouts: u64,
    /// Application data that was no CoAP message, or one that had to be rejected.
    pub rejected: u64,
    /// Notifications sent.
    pub notifications: u64,
    /// Answers whose session and epoch were over before they were ready.
    pub answers_dropped: u64,
}

/// The same, shared between a driver and its handles.
macro_rules! counters {
    ($($field:ident),* $(,)?) => {
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $field: Counter,)*
        }

        impl Counters {
            pub(crate) fn snapshot(&self) -> Stats {
                Stats { $($field: self.$field.get(),)* }
            }
        }
    };
}

counters! {
    sessions,
    handshakes_started,
    handshakes_completed,
    handshakes_failed,
    hello_verify_requests,
    datagrams_received,
    datagrams_sent,
    datagrams_ignored,
    send_errors,
    requests,
    requests_refused,
    duplicates,
    retransmissions,
    timeouts,
    rejected,
    notifications,
    answers_dropped,
}

impl Counters {
    /// Adds what an endpoint has counted.
    pub(crate) fn add_endpoint(&self, stats: coap::Stats) {
        self.requests.add(stats.requests);
        self.duplicates.add(stats.duplicates);
        self.retransmissions.add(stats.retransmissions);
        self.timeouts.add(stats.timeouts);
        self.rejected.add(stats.rejected);
        self.notifications.add(stats.notifications);
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        if count > 0 {
            self.0.fetch_add(count, Ordering::Relaxed);
        }
    }

    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn set(&self, count: usize) {
        self.0
            .store(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

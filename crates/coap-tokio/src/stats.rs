//! Counts of a server or client.

use std::sync::atomic::{AtomicU64, Ordering};

use dtls::{CloseReason, FailureReason};

/// Counts since the start; all only grow, except `sessions` and `handshakes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Established sessions now.
    pub sessions: u64,
    /// Handshakes under way now.
    pub handshakes: u64,
    /// Handshakes begun by a hello with a valid cookie.
    pub handshakes_started: u64,
    /// Handshakes that led to a session.
    pub handshakes_completed: u64,
    /// Handshakes that did not.
    pub handshakes_failed: u64,
    /// Why they did not.
    pub failures: FailureCounts,
    /// Why sessions ended.
    pub closings: ClosingCounts,
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

/// Counts by reason: what is told to others, and what a driver counts.
macro_rules! reasons {
    ($counts:ident, $shared:ident, $doc:literal, $($field:ident: $help:literal),* $(,)?) => {
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $counts {
            $(#[doc = $help] pub $field: u64,)*
        }

        impl $counts {
            /// Each reason with its count.
            pub const fn by_reason(&self) -> [(&'static str, u64); [$(stringify!($field)),*].len()] {
                [$((stringify!($field), self.$field)),*]
            }
        }

        #[derive(Debug, Default)]
        pub(crate) struct $shared {
            $($field: Counter,)*
        }

        impl $shared {
            fn snapshot(&self) -> $counts {
                $counts { $($field: self.$field.get(),)* }
            }
        }
    };
}

reasons! {
    FailureCounts, Failures, "Failed handshakes by reason.",
    timed_out: "Not complete in time.",
    wrong_key: "The identity is unknown or the key is wrong.",
    key_unavailable: "The key could not be looked up.",
    peer_alert: "The peer gave up with an alert.",
    refused: "The peer broke the protocol or offered nothing acceptable; it was sent an alert.",
    restarted: "The peer began anew.",
    revoked: "The owner ended it.",
    other: "Anything else.",
}

reasons! {
    ClosingCounts, Closings, "Ended sessions by reason.",
    peer_closed: "The peer sent close_notify.",
    peer_alert: "The peer sent a fatal alert.",
    replaced: "A new handshake from the same address succeeded.",
    expired: "The lifetime of the session or of its key ended.",
    revoked: "The peer lost its rights.",
    closed: "The owner closed it.",
    worn_out: "Its keys were used up, or too many records failed to authenticate.",
    other: "Anything else.",
}

impl Failures {
    pub(crate) fn one(&self, reason: FailureReason) {
        let counter = match reason {
            FailureReason::TimedOut => &self.timed_out,
            FailureReason::WrongKey => &self.wrong_key,
            FailureReason::LookupUnavailable => &self.key_unavailable,
            FailureReason::PeerAlert(_) => &self.peer_alert,
            FailureReason::Refused(_) => &self.refused,
            FailureReason::Restarted => &self.restarted,
            FailureReason::Revoked => &self.revoked,
            _ => &self.other,
        };
        counter.one();
    }
}

impl Closings {
    pub(crate) fn one(&self, reason: CloseReason) {
        let counter = match reason {
            CloseReason::PeerClosed => &self.peer_closed,
            CloseReason::PeerAlert(_) => &self.peer_alert,
            CloseReason::Replaced(_) => &self.replaced,
            CloseReason::Expired => &self.expired,
            CloseReason::Revoked => &self.revoked,
            CloseReason::LocalClose => &self.closed,
            CloseReason::KeysExhausted | CloseReason::TooManyForgeries => &self.worn_out,
            _ => &self.other,
        };
        counter.one();
    }
}

/// The same, shared between a driver and its handles.
macro_rules! counters {
    ($($field:ident),* $(,)?) => {
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $field: Counter,)*
            pub(crate) failures: Failures,
            pub(crate) closings: Closings,
        }

        impl Counters {
            pub(crate) fn snapshot(&self) -> Stats {
                Stats {
                    $($field: self.$field.get(),)*
                    failures: self.failures.snapshot(),
                    closings: self.closings.snapshot(),
                }
            }
        }
    };
}

counters! {
    sessions,
    handshakes,
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

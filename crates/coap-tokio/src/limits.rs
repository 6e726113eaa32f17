//! Bounds on the handling of requests.

use std::time::Duration;

/// How many requests of peers are handled at a time, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests handled at a time, all sessions together; more are answered 5.03. Default 1024.
    pub max_concurrent_requests: usize,
    /// The handler's time for a request; then the answer is 5.03. Default 60 s.
    pub request_timeout: Duration,
    /// The handler's time for a request whose answer must ride on the acknowledgement; then the answer is 5.03 with
    /// Max-Age. Default 1.5 s: the peer repeats its request after 2 s at the earliest (RFC 7252 4.8).
    pub piggyback_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_concurrent_requests: 1024,
            request_timeout: Duration::from_secs(60),
            piggyback_timeout: Duration::from_millis(1500),
        }
    }
}

//! Limits of calls.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Limits of calls between network functions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GrpcConfig {
    /// How long a call without streams may take when its caller gives no deadline (default `"5s"`).
    #[serde(with = "humantime_serde")]
    pub default_deadline: Duration,
    /// How long such a call may take, whatever its caller asks for (default `"30s"`).
    #[serde(with = "humantime_serde")]
    pub longest_deadline: Duration,
    /// Calls that one function works on at the same time (default 1024). What comes on top is answered
    /// RESOURCE_EXHAUSTED at once, so that a queue cannot outlive its callers' patience. Open streams do
    /// not count.
    pub max_calls_in_flight: usize,
    /// Connections that one listener holds (default 1024). More wait to be accepted.
    pub max_connections: usize,
    /// How long a connection lives before its client is asked to open a new one, give or take a tenth
    /// (default `"10m"`). Bounds how long a connection outlives the certificate that opened it, and
    /// lets new replicas find load.
    #[serde(with = "humantime_serde")]
    pub max_connection_age: Duration,
    /// How long calls and streams on an aged connection may go on (default `"30s"`).
    #[serde(with = "humantime_serde")]
    pub connection_age_grace: Duration,
    /// How often a peer's host name is resolved again (default `"5s"`); at most a second after one of its
    /// replicas could not be reached.
    #[serde(with = "humantime_serde")]
    pub resolve_interval: Duration,
    /// Whether operators may ask a function for its interface by server reflection (default `false`).
    pub reflection: bool,
}

impl Default for GrpcConfig {
    fn default() -> Self {
        Self {
            default_deadline: Duration::from_secs(5),
            longest_deadline: Duration::from_secs(30),
            max_calls_in_flight: 1024,
            max_connections: 1024,
            max_connection_age: Duration::from_secs(600),
            connection_age_grace: Duration::from_secs(30),
            resolve_interval: Duration::from_secs(5),
            reflection: false,
        }
    }
}

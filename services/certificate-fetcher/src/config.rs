//! Settings.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Settings of the certificate fetcher, section `[certificate_fetcher]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct CertificateFetcherConfig {
    /// Time for name resolution, connection and TLS together. Default: 1 s. Since 0.1.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// Time for everything. Default: 3 s. Since 0.1.
    #[serde(with = "humantime_serde")]
    pub total_timeout: Duration,
    /// Octets that an answer may have. Default: 32 KiB. Since 0.1.
    pub max_octets: usize,
    /// Fetches at a time. Default: 64. Since 0.1.
    pub concurrency: usize,
}

impl Default for CertificateFetcherConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(1),
            total_timeout: Duration::from_secs(3),
            max_octets: 32 * 1024,
            concurrency: 64,
        }
    }
}

//! Settings.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use store::SealerConfig;

/// Settings of the AAnF, section `[aanf]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct AanfConfig {
    /// Key-encryption keys of this function. No default: without one it does not start. Since 0.1.
    pub sealing: SealerConfig,
    /// How long the A-KID of the authentication before the latest one stays known, because device and network do
    /// not change keys in the same instant (TS 33.501 6.2.2). Default: 10 minutes. Since 0.1.
    #[serde(with = "humantime_serde")]
    pub a_kid_grace: Duration,
}

impl Default for AanfConfig {
    fn default() -> Self {
        Self {
            sealing: SealerConfig::default(),
            a_kid_grace: Duration::from_secs(600),
        }
    }
}

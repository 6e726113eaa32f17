//! What `berth check` measures against.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Section `[check]`, read by `berth check --config`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CheckConfig {
    /// Certificates that end within this time are advised to be renewed. Default: 30 days. Since 0.1.
    #[serde(with = "humantime_serde")]
    pub(crate) certificate_advice: Duration,
    /// How far a function's clock may be from that of this command. Default: 5 s. Since 0.1.
    #[serde(with = "humantime_serde")]
    pub(crate) clock_difference: Duration,
    /// A story's laboratory that is older was left behind by a story that was killed; the next story removes it.
    /// Longer than any story takes. Default: 30 minutes. Since 0.1.
    #[serde(with = "humantime_serde")]
    pub(crate) leftover_age: Duration,
}

impl Default for CheckConfig {
    fn default() -> Self {
        Self {
            certificate_advice: Duration::from_secs(30 * 24 * 3_600),
            clock_difference: Duration::from_secs(5),
            leftover_age: Duration::from_secs(30 * 60),
        }
    }
}

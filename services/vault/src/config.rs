//! Settings.

use serde::{Deserialize, Serialize};
use store::SealerConfig;

use crate::operator_keys::OperatorConfig;

/// Settings of the vault, section `[vault]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct VaultConfig {
    /// Key-encryption keys of this function. No default: without one it does not start. To rotate, add a key with
    /// a higher number and restart: new records are sealed with it at once, old ones in the background. Since 0.1.
    pub sealing: SealerConfig,
    /// The operator's keys. No default: without them it does not start. Since 0.1.
    pub operator: OperatorConfig,
    /// How often one credential set may be sealed within one onboarding session. Default: 8. Since 0.1.
    pub seals_per_session: u32,
    /// Set for the first start after the store was restored from a backup or has failed over with loss: sequence
    /// numbers and authentication epochs of all subscribers jump by 1024, so that none is used twice
    /// (TS 33.102 C.3). Each start with it jumps again, harmlessly. Default: false. Since 0.1.
    pub sqn_jump_on_start: bool,
}

impl Default for VaultConfig {
    fn default() -> Self {
        Self {
            sealing: SealerConfig::default(),
            operator: OperatorConfig::default(),
            seals_per_session: 8,
            sqn_jump_on_start: false,
        }
    }
}

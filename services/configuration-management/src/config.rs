//! Settings.

use serde::{Deserialize, Serialize};

/// Settings of the Configuration Management function, section `[configuration_management]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct ConfigurationManagementConfig {
    /// URI of the MSGin5G Server that devices are given, for example `coaps://msgin5g.example:5684/msgin5g`.
    /// Default: empty, which answers requests for a UE configuration with NOT_FOUND. Since 0.1.
    pub msgin5g_server_uri: String,
    /// Octets of payload in one message segment. Default: 2048, the most that TS 23.554 8.5.1 allows. Since 0.1.
    pub segment_size: u32,
}

impl Default for ConfigurationManagementConfig {
    fn default() -> Self {
        Self {
            msgin5g_server_uri: String::new(),
            segment_size: 2048,
        }
    }
}

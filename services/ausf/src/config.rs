//! Settings.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use store::SealerConfig;

/// Settings of the AuSF, section `[ausf]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct AusfConfig {
    /// Key-encryption keys of this function. No default: without one it does not start. Since 0.1.
    pub sealing: SealerConfig,
    /// Name of this function in a Challenge. Default: `ausf`. Since 0.1.
    pub ausf_id: String,
    /// Access gateways and the serving networks that each may claim (TS 33.501 6.1.2). Default: none, so that nobody
    /// can authenticate. Since 0.1.
    pub access_gateways: Vec<AccessGatewayEntry>,
    /// Home networks, to find that of a SUPI. Default: none. Since 0.1.
    pub home_networks: Vec<HomeNetworkEntry>,
    /// Time that a device has to answer a Challenge. Default: 60 s. Since 0.1.
    #[serde(with = "humantime_serde")]
    pub challenge_lifetime: Duration,
    /// Life of an authentication context. Default: 60 s. Since 0.1.
    #[serde(with = "humantime_serde")]
    pub context_lifetime: Duration,
    /// How long a fetched certificate is believed. Default: 24 h. Since 0.1.
    #[serde(with = "humantime_serde")]
    pub certificate_cache: Duration,
    /// Certificates fetched in a second, over all devices that are not known. Default: 50. Since 0.1.
    pub fetches_per_second: u32,
    /// Challenges given in a second: to known devices, to devices that bring their chain and to all others this many each.
    /// Default: 1000. Since 0.1.
    pub challenges_per_second: u32,
    /// How long an answer waits for the AAnF before the registration goes on in the background. Default: 300 ms. Since 0.1.
    #[serde(with = "humantime_serde")]
    pub anchor_key_wait: Duration,
}

impl Default for AusfConfig {
    fn default() -> Self {
        Self {
            sealing: SealerConfig::default(),
            ausf_id: "ausf".to_owned(),
            access_gateways: Vec::new(),
            home_networks: Vec::new(),
            challenge_lifetime: Duration::from_secs(60),
            context_lifetime: Duration::from_secs(60),
            certificate_cache: Duration::from_secs(24 * 3_600),
            fetches_per_second: 50,
            challenges_per_second: 1_000,
            anchor_key_wait: Duration::from_millis(300),
        }
    }
}

/// An access gateway and what it may claim.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessGatewayEntry {
    /// Last part of its identity `nf/access-gateway/<name>`.
    pub name: String,
    /// Serving network names, `5G:mnc…`.
    pub serving_network_names: Vec<String>,
}

/// A home network.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HomeNetworkEntry {
    /// Three digits, quoted.
    pub mcc: String,
    /// Two or three digits, quoted.
    pub mnc: String,
}

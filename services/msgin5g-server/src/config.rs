//! Settings.

use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use dtls::CipherSuite;
use serde::{Deserialize, Serialize};

/// Settings of the MSGin5G Server, section `[msgin5g_server]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct Msgin5gServerConfig {
    /// UDP address for UEs; port 0 lets the system choose. Default: `[::]:5684`. Since 0.1.
    pub listen: SocketAddr,
    /// FQDNs of this application function, its own first; a server name indication counts only if it is one of them. They
    /// enter K_AF, so UEs must know the same. Default: none, without one it does not start. Since 0.1.
    pub af_fqdns: Vec<String>,
    /// The MSGin5G service identifier, compared without case. Default: `MSGin5G`. Since 0.1.
    pub service_identifier: String,
    /// Suites of DTLS in order of preference. Default: `ccm8`, `gcm`. Since 0.1.
    pub suites: Vec<Suite>,
    /// Longest life of a registration, given also to a UE that asks for none. Default: 24 h. Since 0.1.
    #[serde(with = "humantime_serde")]
    pub registration_lifetime: Duration,
    /// How long a message waits for an absent recipient if its sender states no end. Default: 24 h. Since 0.1.
    #[serde(with = "humantime_serde")]
    pub storage_default: Duration,
    /// The longest that a sender may ask for. Default: 7 days. Since 0.1.
    #[serde(with = "humantime_serde")]
    pub storage_longest: Duration,
    /// Messages and reports that wait for one recipient at a time; more are refused. Default: 100, at most 1000. Since
    /// 0.1.
    pub max_stored_messages: usize,
    /// How long the identity behind a request may take to be checked before it is answered 5.03. REG and DEREG are
    /// answered in the acknowledgement, which a UE waits 2 s for. Default: 1.5 s. Since 0.1.
    #[serde(with = "humantime_serde")]
    pub association_timeout: Duration,
    /// How often expired messages are looked for; it is also done whenever a queue is read. Default: 10 min. Since 0.1.
    #[serde(with = "humantime_serde")]
    pub expiry_sweep: Duration,
}

impl Default for Msgin5gServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv6Addr::UNSPECIFIED, 5684)),
            af_fqdns: Vec::new(),
            service_identifier: "MSGin5G".to_owned(),
            suites: vec![Suite::Ccm8, Suite::Gcm],
            registration_lifetime: Duration::from_secs(24 * 3600),
            storage_default: Duration::from_secs(24 * 3600),
            storage_longest: Duration::from_secs(7 * 24 * 3600),
            max_stored_messages: 100,
            association_timeout: Duration::from_millis(1500),
            expiry_sweep: Duration::from_secs(600),
        }
    }
}

/// A suite of DTLS 1.2 with a pre-shared key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suite {
    /// `TLS_PSK_WITH_AES_128_CCM_8`, C0A8.
    Ccm8,
    /// `TLS_PSK_WITH_AES_128_GCM_SHA256`, 00A8.
    Gcm,
}

impl From<Suite> for CipherSuite {
    fn from(suite: Suite) -> Self {
        match suite {
            Suite::Ccm8 => Self::PskAes128Ccm8,
            Suite::Gcm => Self::PskAes128GcmSha256,
        }
    }
}

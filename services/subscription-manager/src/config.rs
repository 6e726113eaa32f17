//! Settings.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use store::SealerConfig;

/// Settings of the subscription manager, section `[subscription_manager]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct SubscriptionManagerConfig {
    /// Key-encryption keys of this function. No default: without one it does not start. Since 0.1.
    pub sealing: SealerConfig,
    /// Address of the portal (https). Default: `127.0.0.1:0`, any free port. Since 0.1.
    pub portal_listen: SocketAddr,
    /// Certificate chain of the portal (PEM). Browsers and phones must trust it, or they ignore the
    /// captive-portal API. Default: `/etc/berth/public/tls.crt`. Since 0.1.
    pub portal_certificate: PathBuf,
    /// Private key of that certificate (PEM). Default: `/etc/berth/public/tls.key`. Since 0.1.
    pub portal_key: PathBuf,
    /// URL of the portal as devices and people reach it, without a slash at the end. Default: empty, which is
    /// `https://localhost` and the port that is listened on. Since 0.1.
    pub portal_url: String,
    /// Address of the provisioning server (CoAP over DTLS). Default: `127.0.0.1:0`, any free port. Since 0.1.
    pub provisioning_listen: SocketAddr,
    /// URI of the provisioning server as devices reach it, for example `coaps://provisioning.example:5684`.
    /// Default: empty, which is the address that is listened on. Since 0.1.
    pub provisioning_uri: String,
    /// `host:port` that devices with a limited session reach besides portal and provisioning server, for example
    /// an identity provider. Default: none. Since 0.1.
    pub allowed_targets: Vec<String>,
    /// Name of the operator as people see it. Default: `Berth`. Since 0.1.
    pub operator_name: String,
    /// The terms that a person accepts at sign-up, plain text. Since 0.1.
    pub terms: String,
    /// Name of the data network that carries limited sessions. Default: `onboarding`. Since 0.1.
    pub dnn: String,
    /// How long a limited session lasts. Default: 15 minutes. Since 0.1.
    #[serde(with = "humantime_serde")]
    pub session_lifetime: Duration,
    /// How many octets a limited session may carry, both ways together. Default: 6 MiB. Since 0.1.
    pub quota_bytes: u64,
    /// How long a link code may be used. Default: 5 minutes. Since 0.1.
    #[serde(with = "humantime_serde")]
    pub link_code_lifetime: Duration,
    /// How long a sealed profile may be installed. Default: 24 hours. Since 0.1.
    #[serde(with = "humantime_serde")]
    pub package_lifetime: Duration,
}

impl Default for SubscriptionManagerConfig {
    fn default() -> Self {
        Self {
            sealing: SealerConfig::default(),
            portal_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            portal_certificate: PathBuf::from("/etc/berth/public/tls.crt"),
            portal_key: PathBuf::from("/etc/berth/public/tls.key"),
            portal_url: String::new(),
            provisioning_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            provisioning_uri: String::new(),
            allowed_targets: Vec::new(),
            operator_name: "Berth".to_owned(),
            terms: "The subscription connects this device. You can end it at any time. The operator keeps what it \
                    needs to run the connection, and nothing else."
                .to_owned(),
            dnn: "onboarding".to_owned(),
            session_lifetime: Duration::from_secs(15 * 60),
            quota_bytes: 6 * 1024 * 1024,
            link_code_lifetime: Duration::from_secs(5 * 60),
            package_lifetime: Duration::from_secs(24 * 3600),
        }
    }
}

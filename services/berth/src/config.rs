//! The one file that configures every role.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use aanf::AanfConfig;
use access_gateway::AccessGatewayConfig;
use ausf::AusfConfig;
use certificate_fetcher::CertificateFetcherConfig;
use configuration_management::ConfigurationManagementConfig;
use msgin5g_server::Msgin5gServerConfig;
use nf_api::NetworkFunction;
use nf_runtime::grpc::GrpcConfig;
use nf_runtime::lifecycle::ShutdownConfig;
use nf_runtime::telemetry::TelemetryConfig;
use nf_runtime::tls::TlsConfig;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use store::StoreConfig;
use subscription_manager::SubscriptionManagerConfig;
use vault::VaultConfig;

use crate::check::CheckConfig;
use crate::lab::LabConfig;

/// Settings: defaults, then one TOML file, then `BERTH__SECTION__KEY`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BerthConfig {
    /// Address of the admin port. Default: none, and then there is no admin port. Since 0.1.
    pub(crate) admin_listen: Option<SocketAddr>,
    /// Address on which each role answers gRPC, by its name with `_`. A role without one does not listen. Since 0.1.
    #[serde(deserialize_with = "by_role")]
    pub(crate) listen: BTreeMap<String, SocketAddr>,
    /// Where the other roles are, by name with `_`: `host:port`, several with commas between. Since 0.1.
    #[serde(deserialize_with = "by_role")]
    pub(crate) peers: BTreeMap<String, String>,
    /// Logs and traces.
    pub(crate) telemetry: TelemetryConfig,
    /// How a process stops.
    pub(crate) shutdown: ShutdownConfig,
    /// Limits of calls.
    pub(crate) grpc: GrpcConfig,
    /// Identity of this process and who is trusted.
    pub(crate) tls: TlsConfig,
    /// Where state is kept.
    pub(crate) store: StoresConfig,
    pub(crate) aanf: AanfConfig,
    pub(crate) access_gateway: AccessGatewayConfig,
    pub(crate) ausf: AusfConfig,
    pub(crate) certificate_fetcher: CertificateFetcherConfig,
    /// What `berth check` measures against.
    pub(crate) check: CheckConfig,
    pub(crate) configuration_management: ConfigurationManagementConfig,
    /// The laboratory of `berth lab` and of `berth check --story`.
    pub(crate) lab: LabConfig,
    pub(crate) msgin5g_server: Msgin5gServerConfig,
    pub(crate) subscription_manager: SubscriptionManagerConfig,
    pub(crate) vault: VaultConfig,
}

/// Three endpoints, so that a backlog of messages never fills the database of credentials. They may be one
/// server in trials.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StoresConfig {
    /// Credentials and operator keys.
    pub(crate) vault: StoreConfig,
    /// Everything else.
    pub(crate) default: StoreConfig,
    /// Messages and registrations.
    pub(crate) messages: StoreConfig,
}

/// Values by the names of roles with `_`; any other name is a spelling mistake.
fn by_role<'de, D, V>(deserializer: D) -> Result<BTreeMap<String, V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    let values = BTreeMap::<String, V>::deserialize(deserializer)?;
    let names = NetworkFunction::ALL.map(|function| function.name().replace('-', "_"));
    match values.keys().find(|name| !names.contains(name)) {
        None => Ok(values),
        Some(name) => Err(D::Error::custom(format_args!(
            "unknown field `{name}`, expected one of {}",
            names.join(", ")
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<BerthConfig, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("berth.toml");
        std::fs::write(&file, text).unwrap();
        nf_runtime::config::load(Some(&file), &[])
            .map_err(|error| nf_runtime::procedure::chain(&error))
    }

    #[test]
    fn listeners_and_peers_have_the_names_of_roles() {
        let good = "[listen]\nmsgin5g_server = \"127.0.0.1:1\"\n[peers]\naanf = \"aanf:1\"\n";
        let config = read(good).unwrap();
        assert_eq!((config.listen.len(), config.peers.len()), (1, 1));
        for (wrong, name, section) in [
            ("[listen]\nausff = \"127.0.0.1:1\"", "ausff", "listen"),
            (
                "[listen]\nmsgin5g-server = \"127.0.0.1:1\"",
                "msgin5g-server",
                "listen",
            ),
            ("[peers]\nvalut = \"vault:1\"", "valut", "peers"),
        ] {
            let said = read(wrong).unwrap_err();
            assert!(said.contains(name) && said.contains(section), "{said}");
        }
    }
}

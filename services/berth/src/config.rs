//! The one file that configures every role.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use aanf::AanfConfig;
use access_gateway::AccessGatewayConfig;
use ausf::AusfConfig;
use certificate_fetcher::CertificateFetcherConfig;
use configuration_management::ConfigurationManagementConfig;
use msgin5g_server::Msgin5gServerConfig;
use nf_runtime::grpc::GrpcConfig;
use nf_runtime::lifecycle::ShutdownConfig;
use nf_runtime::telemetry::TelemetryConfig;
use nf_runtime::tls::TlsConfig;
use serde::{Deserialize, Serialize};
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
    pub(crate) listen: BTreeMap<String, SocketAddr>,
    /// Where the other roles are, by name with `_`: `host:port`, several with commas between. Since 0.1.
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

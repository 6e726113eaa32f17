//! Building each role from its settings and its peers.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use nf_api::{Caller, NetworkFunction};
use nf_runtime::Runtime;
use nf_runtime::grpc::{self, Channel};
use nf_runtime::tls::TlsIdentity;
use store::{Sealer, SealerConfig};
use tonic::service::Routes;

use crate::config::BerthConfig;
use crate::stores::Stores;

/// How a role reaches the others.
pub(crate) trait Peers {
    /// The way from `caller` to `callee`.
    fn channel(&self, caller: &Caller, callee: NetworkFunction) -> Result<Channel>;
}

/// Peers in other processes, over mTLS.
pub(crate) struct RemotePeers<'a> {
    pub(crate) config: &'a BerthConfig,
    pub(crate) identity: &'a TlsIdentity,
    pub(crate) runtime: &'a Runtime,
}

impl Peers for RemotePeers<'_> {
    fn channel(&self, _caller: &Caller, callee: NetworkFunction) -> Result<Channel> {
        let key = callee.name().replace('-', "_");
        let targets = self
            .config
            .peers
            .get(&key)
            .with_context(|| format!("peers.{key} is not set"))?;
        Ok(grpc::connect(targets, self.identity, callee, self.runtime)?)
    }
}

/// Builds a role and answers its gRPC services; the access gateway has none. Its tasks and its other sockets run
/// on the lifecycle.
pub(crate) async fn build(
    function: NetworkFunction,
    config: &BerthConfig,
    stores: &mut Stores<'_>,
    peers: &dyn Peers,
    runtime: &Runtime,
) -> Result<Option<Routes>> {
    let caller = Caller::function(function);
    let peer = |callee| peers.channel(&caller, callee);
    let routes = match function {
        NetworkFunction::Vault => {
            let ports = vault::Ports {
                store: stores.of(function).await?,
                sealer: sealer(&config.vault.sealing)?,
            };
            vault::build(&config.vault, ports, runtime).await?.routes
        }
        NetworkFunction::Aanf => {
            let ports = aanf::Ports {
                store: stores.of(function).await?,
                sealer: sealer(&config.aanf.sealing)?,
            };
            aanf::build(&config.aanf, ports, runtime).routes
        }
        NetworkFunction::ConfigurationManagement => {
            let ports = configuration_management::Ports {
                store: stores.of(function).await?,
            };
            configuration_management::build(config.configuration_management.clone(), ports, runtime)
                .routes
        }
        NetworkFunction::CertificateFetcher => {
            certificate_fetcher::build(config.certificate_fetcher.clone(), runtime).routes
        }
        NetworkFunction::SubscriptionManager => {
            let ports = subscription_manager::Ports {
                store: stores.of(function).await?,
                sealer: sealer(&config.subscription_manager.sealing)?,
                vault: peer(NetworkFunction::Vault)?,
                configuration_management: peer(NetworkFunction::ConfigurationManagement)?,
            };
            subscription_manager::build(config.subscription_manager.clone(), ports, runtime)
                .await?
                .function
                .routes
        }
        NetworkFunction::Ausf => {
            let ports = ausf::Ports {
                store: stores.of(function).await?,
                sealer: sealer(&config.ausf.sealing)?,
                fetcher: Arc::new(ausf::Peers {
                    channel: peer(NetworkFunction::CertificateFetcher)?,
                }),
                subscription_manager: Arc::new(ausf::Peers {
                    channel: peer(NetworkFunction::SubscriptionManager)?,
                }),
                vault: Arc::new(ausf::Peers {
                    channel: peer(NetworkFunction::Vault)?,
                }),
                anchor_keys: Arc::new(ausf::Peers {
                    channel: peer(NetworkFunction::Aanf)?,
                }),
            };
            ausf::build(&config.ausf, ports, runtime)
                .await?
                .function
                .routes
        }
        NetworkFunction::Msgin5gServer => {
            let ports = msgin5g_server::Ports {
                store: stores.of(function).await?,
                application_keys: Arc::new(msgin5g_server::Peers {
                    channel: peer(NetworkFunction::Aanf)?,
                }),
                associations: Arc::new(msgin5g_server::Peers {
                    channel: peer(NetworkFunction::ConfigurationManagement)?,
                }),
            };
            msgin5g_server::build(config.msgin5g_server.clone(), ports, runtime)
                .await?
                .function
                .routes
        }
        NetworkFunction::AccessGateway => {
            let caller = Caller::Function {
                function,
                instance: Some(config.access_gateway.instance.clone()),
            };
            let ports = access_gateway::Ports {
                ausf: peers.channel(&caller, NetworkFunction::Ausf)?,
                subscription_manager: peers
                    .channel(&caller, NetworkFunction::SubscriptionManager)?,
            };
            access_gateway::build(&config.access_gateway, ports, runtime).await?;
            return Ok(None);
        }
    };
    Ok(Some(routes))
}

fn sealer(config: &SealerConfig) -> Result<Sealer> {
    Sealer::open(config).context("key-encryption keys")
}

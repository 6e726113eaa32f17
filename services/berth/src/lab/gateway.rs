//! The laboratory's access gateway, in this process.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use nf_api::NetworkFunction;
use nf_runtime::Runtime;
use nf_runtime::grpc;
use nf_runtime::tls::{TlsConfig, TlsIdentity};

use super::{LabConfig, access_gateway};
use crate::config::BerthConfig;
use crate::operator::Site;

/// The gateway's own identity.
pub(crate) fn identity(lab: &LabConfig, site: &Site) -> Result<TlsIdentity> {
    TlsIdentity::load(&TlsConfig {
        ca: lab.gateway.ca.clone(),
        certificate: lab.gateway.certificate.clone(),
        key: lab.gateway.key.clone(),
        trust_domain: site.tls.trust_domain.clone(),
    })
    .context("the access gateway's identity")
}

/// Starts the gateway under its own identity; answers where devices find it.
pub(crate) async fn start(
    lab: &LabConfig,
    config: &BerthConfig,
    site: &Site,
    runtime: &Runtime,
) -> Result<SocketAddr> {
    let identity = identity(lab, site)?;
    identity.watch(&runtime.lifecycle);
    let channel = |callee: NetworkFunction| {
        let targets = site.peers.get(&callee);
        let targets = targets.with_context(|| format!("{callee} is not known"))?;
        Ok::<_, anyhow::Error>(grpc::connect(targets, &identity, callee, runtime)?)
    };
    let ports = access_gateway::Ports {
        ausf: channel(NetworkFunction::Ausf)?,
        subscription_manager: channel(NetworkFunction::SubscriptionManager)?,
    };
    let settings = access_gateway(lab, &config.access_gateway);
    let built = access_gateway::build(&settings, ports, runtime)
        .await
        .context("the access gateway")?;
    Ok(built.address)
}

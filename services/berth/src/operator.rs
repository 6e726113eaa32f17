//! Calls to the functions of an installation under an operator's identity.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use nf_api::NetworkFunction;
use nf_runtime::Runtime;
use nf_runtime::grpc::{self, Channel};
use nf_runtime::tls::{TlsConfig, TlsIdentity};

use crate::config::BerthConfig;
use crate::endpoints::Endpoints;
use crate::up::{ORDER, key};

/// Where the functions of an installation are, and who asks them.
pub(crate) struct Site {
    /// `host:port` of each function, several with commas between.
    pub(crate) peers: BTreeMap<NetworkFunction, String>,
    /// The operator's identity.
    pub(crate) tls: TlsConfig,
}

impl Site {
    /// The installation of an `endpoints.json`.
    pub(crate) fn of_endpoints(endpoints: &Endpoints) -> Self {
        let peers = [
            (NetworkFunction::Ausf, &endpoints.ausf),
            (NetworkFunction::Vault, &endpoints.vault),
            (NetworkFunction::Aanf, &endpoints.aanf),
            (
                NetworkFunction::ConfigurationManagement,
                &endpoints.configuration_management,
            ),
            (
                NetworkFunction::SubscriptionManager,
                &endpoints.subscription_manager,
            ),
            (NetworkFunction::Msgin5gServer, &endpoints.msgin5g_server),
            (
                NetworkFunction::CertificateFetcher,
                &endpoints.certificate_fetcher,
            ),
        ];
        Self {
            peers: peers
                .into_iter()
                .map(|(function, targets)| (function, targets.clone()))
                .collect(),
            tls: TlsConfig {
                ca: endpoints.ca.clone(),
                certificate: endpoints.admin_cert.clone(),
                key: endpoints.admin_key.clone(),
                trust_domain: endpoints.trust_domain.clone(),
            },
        }
    }

    /// The installation that settings name.
    pub(crate) fn of_config(config: &BerthConfig) -> Result<Self> {
        let peers = ORDER.into_iter().map(|function| {
            let key = key(function);
            let targets = config.peers.get(&key);
            let targets = targets.with_context(|| format!("peers.{key} is not set"))?;
            Ok((function, targets.clone()))
        });
        Ok(Self {
            peers: peers.collect::<Result<_>>()?,
            tls: config.tls.clone(),
        })
    }
}

/// An operator at work.
pub(crate) struct Operator<'a> {
    pub(crate) site: &'a Site,
    pub(crate) identity: TlsIdentity,
    pub(crate) runtime: &'a Runtime,
}

impl<'a> Operator<'a> {
    pub(crate) fn new(site: &'a Site, runtime: &'a Runtime) -> Result<Self> {
        Ok(Self {
            site,
            identity: TlsIdentity::load(&site.tls).context("the operator's identity")?,
            runtime,
        })
    }

    /// The way to all replicas of a function.
    pub(crate) fn channel(&self, callee: NetworkFunction) -> Result<Channel> {
        let targets = self.site.peers.get(&callee);
        let targets = targets.with_context(|| format!("{callee} has no operator's side"))?;
        Ok(grpc::connect(
            targets,
            &self.identity,
            callee,
            self.runtime,
        )?)
    }
}

//! The laboratory: a manufacturer, a plan, a policy and a radio, so that devices can play the whole story.

mod certificate_server;
mod config;
mod gateway;
mod manufacturer;
mod registration;
mod run;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use access_gateway::{AccessGatewayConfig, NetworkConfig};
use anyhow::{Context as _, Result};
use identifiers::{Plmn, ServingNetworkName};
use nf_api::NetworkFunction;
use nf_api::pb::vault::GetOperatorKeysRequest;
use nf_api::pb::vault::vault_service_client::VaultServiceClient;
use nf_runtime::Runtime;
use serde_json::{Value, json};

pub(crate) use self::config::{GatewayIdentity, LabConfig};
pub(crate) use self::gateway::{identity as gateway_identity, start as start_gateway};
use self::manufacturer::LabManufacturer;
pub(crate) use self::registration::{
    Channels, Registration, is_leftover, remove_leftovers, throw_away_name,
};
pub(crate) use self::run::{Options, run};
use crate::data_dir::write_atomically;

/// An opened laboratory.
pub(crate) struct Laboratory {
    config: LabConfig,
    /// Name under which the certificate server is reached.
    host: String,
    manufacturer: LabManufacturer,
    certificate_server: SocketAddr,
}

impl Laboratory {
    /// Opens the laboratory of a folder, making it at the first time, and starts its certificate server, which
    /// certificate URLs name `host`.
    pub(crate) async fn open(config: &LabConfig, host: String, runtime: &Runtime) -> Result<Self> {
        config.validate()?;
        let folder = &config.folder;
        fs::create_dir_all(folder)
            .with_context(|| format!("{} cannot be written", folder.display()))?;
        let portal_ca = fs::read(&config.portal_ca)
            .with_context(|| format!("{} cannot be read", config.portal_ca.display()))?;
        fs::write(folder.join("portal-ca.pem"), portal_ca)?;
        let manufacturer = LabManufacturer::open(folder, &host, config.advertised_address)?;
        let certificate_server =
            certificate_server::serve(config.certificate_listen, &manufacturer, runtime).await?;
        Ok(Self {
            config: config.clone(),
            host,
            manufacturer,
            certificate_server,
        })
    }

    /// The folder that factories and shops of the laboratory use.
    pub(crate) fn folder(&self) -> &Path {
        &self.config.folder
    }

    /// Writes what a factory needs to know: where devices find the gateway, and whose network they are made for.
    pub(crate) async fn publish(&self, access_gateway: &str, channels: Channels<'_>) -> Result<()> {
        let keys = VaultServiceClient::new(channels(NetworkFunction::Vault)?)
            .get_operator_keys(GetOperatorKeysRequest {})
            .await
            .context("the vault does not tell the operator's root certificate")?
            .into_inner();
        fs::write(
            self.folder().join("operator-root.cer"),
            keys.root_certificate,
        )?;
        let lab = json!({
            "access_gateway": access_gateway,
            "certificate_url_prefix": self.url_prefix(),
        });
        write_atomically(&self.folder().join("lab.json"), &format!("{lab:#}\n"))
    }

    /// Makes the folder of a factory that nobody registered, with an authority of its own. Its devices name certificates
    /// by URLs of this prefix, or, without one, by those of the laboratory's manufacturer.
    pub(crate) fn counterfeit(&self, folder: &Path, url_prefix: Option<&str>) -> Result<()> {
        LabManufacturer::open(folder, &self.host, self.config.advertised_address)?;
        for same in ["portal-ca.pem", "operator-root.cer"] {
            fs::copy(self.folder().join(same), folder.join(same))?;
        }
        let mut lab: Value = serde_json::from_slice(&fs::read(self.folder().join("lab.json"))?)?;
        if let Some(url_prefix) = url_prefix {
            lab["certificate_url_prefix"] = url_prefix.into();
        }
        write_atomically(&folder.join("lab.json"), &format!("{lab:#}\n"))
    }

    fn url_prefix(&self) -> String {
        manufacturer::url_prefix(&self.host, self.certificate_server.port())
    }
}

/// The serving network name of the laboratory's network.
pub(crate) fn serving_network_name(config: &LabConfig) -> Result<String> {
    let plmn = Plmn::new(&config.mcc, &config.mnc).context("lab.mcc and lab.mnc")?;
    Ok(ServingNetworkName::from_plmn(&plmn).as_str().to_owned())
}

/// The settings of the laboratory's access gateway. Ports and limits stay as they are set.
pub(crate) fn access_gateway(
    config: &LabConfig,
    gateway: &AccessGatewayConfig,
) -> AccessGatewayConfig {
    AccessGatewayConfig {
        listen: config.n1_listen.to_string(),
        instance: config.name.clone(),
        networks: vec![NetworkConfig {
            network_id: config.name.clone(),
            mcc: config.mcc.clone(),
            mnc: config.mnc.clone(),
            nid: None,
            name: "Berth Laboratory".to_owned(),
            onboarding: true,
        }],
        relay_ip: config.advertised_address,
        ..gateway.clone()
    }
}

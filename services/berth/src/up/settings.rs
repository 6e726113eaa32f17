//! What a data folder decides: addresses, keys, files.

use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::Result;
use ausf::{AccessGatewayEntry, HomeNetworkEntry};
use nf_api::{Caller, NetworkFunction};
use nf_runtime::pki::LabAuthority;
use store::{KeyFile, Sealer, SealerConfig, StoreConfig};

use super::{ORDER, identity, key, operator};
use crate::config::BerthConfig;
use crate::data_dir::DataDir;
use crate::lab::{self, GatewayIdentity, LabConfig};

/// FQDN of the MSGin5G Server as application function, unless the settings name another one.
const AF_FQDN: &str = "msgin5g.berth.test";

/// Fills in what the folder decides. A store that the settings name stays.
pub(super) fn fill(
    config: &mut BerthConfig,
    data: &mut DataDir,
    authority: &LabAuthority,
    lab: bool,
) -> Result<()> {
    for function in ORDER {
        config
            .listen
            .insert(key(function), data.tcp(function.name())?);
    }
    // What watches this machine has to know the port beforehand.
    if !config.admin_listen.is_some_and(|it| it.ip().is_loopback()) {
        config.admin_listen = Some(data.tcp("admin")?);
    }

    let stores = data.folder("store")?;
    for (name, store) in [
        ("vault", &mut config.store.vault),
        ("default", &mut config.store.default),
        ("messages", &mut config.store.messages),
    ] {
        if *store == StoreConfig::default() {
            *store = StoreConfig::redb(stores.join(format!("{name}.redb")));
        }
    }

    let keys = data.folder("keys")?;
    config.vault.sealing = sealing(&keys, NetworkFunction::Vault)?;
    config.ausf.sealing = sealing(&keys, NetworkFunction::Ausf)?;
    config.aanf.sealing = sealing(&keys, NetworkFunction::Aanf)?;
    config.subscription_manager.sealing = sealing(&keys, NetworkFunction::SubscriptionManager)?;
    if config.vault.operator == vault::OperatorConfig::default() {
        config.vault.operator = operator::keys(&data.folder("operator")?)?;
    }

    let portal = authority.issue_server(&["localhost"], &[Ipv4Addr::LOCALHOST.into()])?;
    let (certificate, key_file) = authority.write("portal", &portal)?;
    let subscription_manager = &mut config.subscription_manager;
    subscription_manager.portal_certificate = certificate;
    subscription_manager.portal_key = key_file;
    subscription_manager.portal_listen = data.tcp("portal")?;
    subscription_manager.provisioning_listen = data.udp("provisioning")?;
    subscription_manager.portal_url = format!(
        "https://localhost:{}",
        subscription_manager.portal_listen.port()
    );

    config.msgin5g_server.listen = data.udp("coaps")?;
    if config.msgin5g_server.af_fqdns.is_empty() {
        config.msgin5g_server.af_fqdns = vec![AF_FQDN.to_owned()];
    }
    if config
        .configuration_management
        .msgin5g_server_uri
        .is_empty()
    {
        config.configuration_management.msgin5g_server_uri =
            format!("coaps://{}/msgin5g", config.msgin5g_server.listen);
    }
    if lab {
        laboratory(config, data, authority)?;
    }
    Ok(())
}

/// What a laboratory in the folder means for the functions.
fn laboratory(
    config: &mut BerthConfig,
    data: &mut DataDir,
    authority: &LabAuthority,
) -> Result<()> {
    let set = LabConfig::default();
    let identity = identity(
        authority,
        &Caller::Function {
            function: NetworkFunction::AccessGateway,
            instance: Some(set.name.clone()),
        },
    )?;
    config.lab = LabConfig {
        n1_listen: data.tcp("access-gateway")?,
        certificate_listen: data.tcp("certificate-server")?,
        folder: data.folder("lab")?,
        gateway: GatewayIdentity {
            ca: identity.ca,
            certificate: identity.certificate,
            key: identity.key,
        },
        portal_ca: authority.certificate_path(),
        msgin5g_server_uri: format!("coaps://{}/msgin5g", config.msgin5g_server.listen),
        msgin5g_af_fqdn: config
            .msgin5g_server
            .af_fqdns
            .first()
            .cloned()
            .unwrap_or_default(),
        ..set
    };
    config.ausf.access_gateways = vec![AccessGatewayEntry {
        name: config.lab.name.clone(),
        serving_network_names: vec![lab::serving_network_name(&config.lab)?],
    }];
    config.ausf.home_networks = vec![HomeNetworkEntry {
        mcc: config.lab.mcc.clone(),
        mnc: config.lab.mnc.clone(),
    }];
    config.access_gateway = lab::access_gateway(&config.lab, &config.access_gateway);
    Ok(())
}

/// The key-encryption key of a function, made at the first start.
fn sealing(folder: &Path, function: NetworkFunction) -> Result<SealerConfig> {
    let file = folder.join(format!("{function}.kek"));
    Sealer::create_key_file(&file)?;
    Ok(SealerConfig {
        keys: vec![KeyFile { id: 1, file }],
        seal_with: None,
    })
}

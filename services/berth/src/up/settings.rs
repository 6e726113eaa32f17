//! What a data folder decides: addresses, keys, files.

use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Result, bail};
use ausf::{AccessGatewayEntry, HomeNetworkEntry};
use nf_api::{Caller, NetworkFunction};
use nf_runtime::pki::LabAuthority;
use store::{BackendKind, KeyFile, Sealer, SealerConfig, StoreConfig};

use super::{ORDER, identity, key, operator};
use crate::config::BerthConfig;
use crate::data_dir::DataDir;
use crate::lab::{self, GatewayIdentity, LabConfig};
use crate::stores::store_of;

/// FQDN of the MSGin5G Server as application function, unless the settings name another one.
const AF_FQDN: &str = "msgin5g.berth.test";

/// Name of the portal's certificate in the folder of certificates.
const PORTAL: &str = "portal";

/// Whether an earlier start of the folder came so far that its keys were made, and perhaps used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Started {
    Never,
    Before,
}

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

    // Written after all keys.
    let started = match authority
        .certificate_path()
        .with_file_name(format!("{PORTAL}.crt"))
        .exists()
    {
        true => Started::Before,
        false => Started::Never,
    };
    let keys = data.folder("keys")?;
    let sealing = |function| {
        sealing(
            &keys,
            function,
            store_of(function, &config.store).1,
            started,
        )
    };
    config.vault.sealing = sealing(NetworkFunction::Vault)?;
    config.ausf.sealing = sealing(NetworkFunction::Ausf)?;
    config.aanf.sealing = sealing(NetworkFunction::Aanf)?;
    config.subscription_manager.sealing = sealing(NetworkFunction::SubscriptionManager)?;
    if config.vault.operator == vault::OperatorConfig::default() {
        config.vault.operator = operator::keys(&data.folder("operator")?, started)?;
    }

    let portal = authority.issue_server(&["localhost"], &[Ipv4Addr::LOCALHOST.into()])?;
    let (certificate, key_file) = authority.write(PORTAL, &portal)?;
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

/// The key-encryption key of a function, made at the first start. One that is lost is not replaced: what it has sealed
/// in the store would never open again.
fn sealing(
    folder: &Path,
    function: NetworkFunction,
    store: &StoreConfig,
    started: Started,
) -> Result<SealerConfig> {
    let file = folder.join(format!("{function}.kek"));
    let is_used = match store.backend {
        BackendKind::Memory => false,
        BackendKind::Redb => store.path.as_deref().is_some_and(Path::exists),
        BackendKind::Redis => started == Started::Before,
    };
    if is_used && !file.exists() {
        bail!(
            "{} is lost, which seals what {function} has stored: restore it from your copy",
            file.display()
        );
    }
    Sealer::create_key_file(&file)?;
    Ok(SealerConfig {
        keys: vec![KeyFile { id: 1, file }],
        seal_with: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_has_sealed_something_is_not_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("default.redb");
        let (embedded, server) = (StoreConfig::redb(&file), StoreConfig::redis("redis://a"));
        let key = |store, started| sealing(folder.path(), NetworkFunction::Aanf, store, started);
        let kek = folder.path().join("aanf.kek");
        let lose = || std::fs::remove_file(&kek).unwrap();

        // A start that was cut off before anything was stored.
        key(&embedded, Started::Before).unwrap();
        lose();
        key(&server, Started::Never).unwrap();
        std::fs::write(&file, "").unwrap();
        key(&embedded, Started::Before).unwrap();
        lose();
        for store in [&embedded, &server] {
            let lost = key(store, Started::Before).unwrap_err().to_string();
            assert!(
                lost.contains("aanf.kek is lost") && lost.contains("restore"),
                "{lost}"
            );
            assert!(!kek.exists());
        }
    }
}

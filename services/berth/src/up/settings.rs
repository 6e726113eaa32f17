//! What a data folder decides: addresses, keys, files.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

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

/// Whose key-encryption key is made last, after those of all others and the operator's keys.
const LAST_KEY: NetworkFunction = NetworkFunction::SubscriptionManager;

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

    let keys = data.folder("keys")?;
    let started = started(authority, &keys, &config.store.vault);
    if config.vault.operator == vault::OperatorConfig::default() {
        config.vault.operator = operator::keys(&data.folder("operator")?, started)?;
    }
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
    config.subscription_manager.sealing = sealing(LAST_KEY)?;

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

/// Asks what is made after all other keys, in three places: those that are lost may have taken one along.
fn started(authority: &LabAuthority, keys: &Path, vault: &StoreConfig) -> Started {
    let portal = authority
        .certificate_path()
        .with_file_name(format!("{PORTAL}.crt"));
    match portal.exists() || has_file(vault) || key_file(keys, LAST_KEY).exists() {
        true => Started::Before,
        false => Started::Never,
    }
}

/// Whether the database is a file that is there.
fn has_file(store: &StoreConfig) -> bool {
    store.backend == BackendKind::Redb && store.path.as_deref().is_some_and(Path::exists)
}

fn key_file(folder: &Path, function: NetworkFunction) -> PathBuf {
    folder.join(format!("{function}.kek"))
}

/// The key-encryption key of a function, made at the first start. One that is lost is not replaced: what it has sealed
/// in the store would never open again.
fn sealing(
    folder: &Path,
    function: NetworkFunction,
    store: &StoreConfig,
    started: Started,
) -> Result<SealerConfig> {
    let file = key_file(folder, function);
    let is_used = match store.backend {
        BackendKind::Memory => false,
        BackendKind::Redb => has_file(store),
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

    /// A start with these databases, as far as it makes keys.
    fn start(folder: &Path, store: &StoreConfig) -> Result<BerthConfig> {
        let mut data = DataDir::open(folder)?;
        let authority = crate::up::authority(&data)?;
        let mut config = BerthConfig::default();
        config.store.vault = store.clone();
        config.store.default = store.clone();
        fill(&mut config, &mut data, &authority, false)?;
        Ok(config)
    }

    #[test]
    fn operator_keys_that_are_lost_with_the_certificates_are_not_made_anew() {
        for store in [StoreConfig::redis("redis://a"), StoreConfig::default()] {
            let folder = tempfile::tempdir().unwrap();
            let lose = |name| std::fs::remove_dir_all(folder.path().join(name)).unwrap();
            let vault = start(folder.path(), &store).unwrap().store.vault;
            if let Some(database) = vault.path {
                std::fs::write(database, "").unwrap();
                lose("keys");
            }
            lose("pki");
            lose("operator");
            let lost = start(folder.path(), &store).unwrap_err().to_string();
            assert!(
                lost.contains("operator's keys are lost") && lost.contains("[vault.operator]"),
                "{lost}"
            );
            assert!(!folder.path().join("operator/keys").exists());
        }
    }

    #[test]
    fn a_first_start_that_was_cut_off_between_keys_may_begin_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = StoreConfig::redis("redis://a");
        start(folder.path(), &store).unwrap();
        std::fs::remove_dir_all(folder.path().join("pki")).unwrap();
        for function in [NetworkFunction::Aanf, LAST_KEY] {
            std::fs::remove_file(key_file(&folder.path().join("keys"), function)).unwrap();
        }
        start(folder.path(), &store).unwrap();
    }

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

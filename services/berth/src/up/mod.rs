//! `berth up`: every role in one process, for laboratories and small sites.

mod operator;
mod processes;
mod settings;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use nf_api::{Caller, NetworkFunction};
use nf_runtime::grpc::{self, Channel};
use nf_runtime::lifecycle::Signals;
use nf_runtime::pki::LabAuthority;
use nf_runtime::tls::{TlsConfig, TlsIdentity};
use nf_runtime::{Runtime, config};
use store::Database;
use tokio::net::TcpListener;
use tonic::service::Routes;

use self::processes::Processes;
use crate::command_line::UpOptions;
use crate::config::BerthConfig;
use crate::data_dir::{DataDir, write_atomically};
use crate::endpoints::Endpoints;
use crate::lab::{Channels, Laboratory, Registration};
use crate::roles::{self, Peers};
use crate::run_role::serve_admin;
use crate::self_description;
use crate::stores::Stores;

/// Trust domain of an installation that makes its own certificates.
const TRUST_DOMAIN: &str = "berth.internal";

/// The operator identity under which a laboratory sets itself up.
const LAB_OPERATOR: &str = "laboratory";

/// Name of the laboratory's certificate server.
const LAB_HOST: &str = "localhost";

/// Roles in an order in which each finds its peers.
pub(crate) const ORDER: [NetworkFunction; 7] = [
    NetworkFunction::Vault,
    NetworkFunction::Aanf,
    NetworkFunction::ConfigurationManagement,
    NetworkFunction::CertificateFetcher,
    NetworkFunction::SubscriptionManager,
    NetworkFunction::Ausf,
    NetworkFunction::Msgin5gServer,
];

/// A running installation.
pub(crate) struct Installation {
    pub(crate) endpoints: Endpoints,
    pub(crate) endpoints_file: PathBuf,
    running: Running,
    _data: DataDir,
}

impl Installation {
    /// Closes what the functions used, after the lifecycle has stopped.
    pub(crate) async fn close(self) {
        let _ = std::fs::remove_file(&self.endpoints_file);
        match self.running {
            Running::Here(databases) => {
                for database in databases {
                    database.close().await;
                }
            }
            Running::Processes(processes) => processes.stop().await,
        }
    }
}

/// Where the functions run.
enum Running {
    /// In this process, with these databases.
    Here(Vec<Database>),
    /// In processes of their own.
    Processes(Processes),
}

/// Reads the settings that apply before anything runs.
pub(crate) fn load_settings(file: Option<&Path>) -> Result<BerthConfig> {
    let mut config = config::load::<BerthConfig>(file, &[])?;
    // One machine, one operator: who holds the operator identity may look at the interface.
    config.grpc.reflection = true;
    Ok(config)
}

/// Starts everything and writes `endpoints.json` when everything answers. Who finds it may send the signals that this
/// answers with it.
pub(crate) async fn start(
    options: &UpOptions,
    mut config: BerthConfig,
    runtime: &Runtime,
) -> Result<(Installation, Signals)> {
    let starting = runtime.lifecycle.readiness().latch("start");
    let mut data = DataDir::open(&options.data)?;
    let authority = authority(&data)?;
    settings::fill(&mut config, &mut data, &authority, options.lab)?;
    let lab = match options.lab {
        true => Some(Laboratory::open(&config.lab, LAB_HOST.to_owned(), runtime).await?),
        false => None,
    };
    let (running, admin_urls) = match options.processes {
        true => {
            let processes = Processes::start(&config, &mut data, &authority, options.lab).await?;
            if let Some(lab) = &lab {
                let channels = |callee| operator_channel(&config, &authority, callee, runtime);
                register(lab, &config, &channels).await?;
            }
            let admin_urls = processes.admin_urls();
            (Running::Processes(processes), admin_urls)
        }
        false => {
            let databases = start_here(&config, &authority, lab.as_ref(), runtime).await?;
            let admin_url = config
                .admin_listen
                .map(|address| format!("http://{address}"));
            (Running::Here(databases), admin_url.into_iter().collect())
        }
    };

    let endpoints = endpoints(&config, admin_urls, &authority, lab.as_ref())?;
    let signals = Signals::install()?;
    starting.release();
    let endpoints_file = data.join("endpoints.json");
    write_atomically(
        &endpoints_file,
        &format!("{}\n", serde_json::to_string_pretty(&endpoints)?),
    )?;
    let installation = Installation {
        endpoints,
        endpoints_file,
        running,
        _data: data,
    };
    Ok((installation, signals))
}

/// Every function in this process.
async fn start_here(
    config: &BerthConfig,
    authority: &LabAuthority,
    lab: Option<&Laboratory>,
    runtime: &Runtime,
) -> Result<Vec<Database>> {
    if let Some(address) = config.admin_listen {
        serve_admin(address, "berth", runtime).await?;
    }
    let mut stores = Stores::new(&config.store, &runtime.metrics);
    let mut peers = LocalPeers {
        routes: BTreeMap::new(),
        runtime,
    };
    for function in ORDER {
        let routes = roles::build(function, config, &mut stores, &peers, runtime)
            .await
            .with_context(|| format!("{function} does not start"))?;
        if let Some(routes) = routes {
            peers.routes.insert(function, routes.clone());
            serve(function, config, routes, authority, runtime).await?;
        }
    }
    if let Some(lab) = lab {
        roles::build(
            NetworkFunction::AccessGateway,
            config,
            &mut stores,
            &peers,
            runtime,
        )
        .await?;
        let operator = Caller::Operator {
            name: LAB_OPERATOR.to_owned(),
        };
        register(lab, config, &|callee| peers.channel(&operator, callee)).await?;
    }
    let portal = config.subscription_manager.portal_certificate.clone();
    runtime.about.certificate("portal", portal);
    self_description::stores(&runtime.about, &config.store, stores.opened());
    Ok(stores.into_databases())
}

/// Makes the laboratory known, to the functions and to factories.
async fn register(lab: &Laboratory, config: &BerthConfig, channels: Channels<'_>) -> Result<()> {
    let name = &config.lab.name;
    Registration::new(lab, "Laboratory manufacturer", name, true)
        .put(channels)
        .await?;
    let access_gateway = format!("http://{}", config.access_gateway.listen);
    lab.publish(&access_gateway, channels).await
}

fn operator_channel(
    config: &BerthConfig,
    authority: &LabAuthority,
    callee: NetworkFunction,
    runtime: &Runtime,
) -> Result<Channel> {
    let operator = Caller::Operator {
        name: LAB_OPERATOR.to_owned(),
    };
    let identity = TlsIdentity::load(&identity(authority, &operator)?)?;
    let address = config
        .listen
        .get(&key(callee))
        .context("every role listens")?;
    Ok(grpc::connect(
        &address.to_string(),
        &identity,
        callee,
        runtime,
    )?)
}

/// Peers in the same process; identities and authorization apply as on a socket.
struct LocalPeers<'a> {
    routes: BTreeMap<NetworkFunction, Routes>,
    runtime: &'a Runtime,
}

impl Peers for LocalPeers<'_> {
    fn channel(&self, caller: &Caller, callee: NetworkFunction) -> Result<Channel> {
        let routes = self
            .routes
            .get(&callee)
            .with_context(|| format!("{callee} does not run"))?;
        Ok(grpc::in_process(
            routes.clone(),
            caller.clone(),
            self.runtime,
        ))
    }
}

async fn serve(
    function: NetworkFunction,
    config: &BerthConfig,
    routes: Routes,
    authority: &LabAuthority,
    runtime: &Runtime,
) -> Result<()> {
    let address = config
        .listen
        .get(&key(function))
        .context("every role listens")?;
    let identity = TlsIdentity::load(&identity(authority, &Caller::function(function))?)?;
    let in_use = identity.clone();
    runtime
        .metrics
        .certificate("identity", move || in_use.end());
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("{address} of {function} is in use"))?;
    let runtime = runtime.clone();
    runtime.lifecycle.clone().spawn("grpc", async move {
        grpc::serve(listener, routes, &identity, &runtime).await
    });
    Ok(())
}

/// The installation's own authority, made at the first start.
fn authority(data: &DataDir) -> Result<LabAuthority> {
    let folder = data.folder("pki")?;
    if folder.join("ca.crt").exists() {
        return LabAuthority::load(&folder).context("the certificate authority of the data folder");
    }
    Ok(LabAuthority::create(&folder, TRUST_DOMAIN)?)
}

/// Certificate and key of an identity on this machine.
pub(crate) fn identity(authority: &LabAuthority, caller: &Caller) -> Result<TlsConfig> {
    Ok(authority.install(caller, &["localhost"], &[Ipv4Addr::LOCALHOST.into()])?)
}

/// The name of a role in settings.
pub(crate) fn key(function: NetworkFunction) -> String {
    function.name().replace('-', "_")
}

fn endpoints(
    config: &BerthConfig,
    admin_urls: Vec<String>,
    authority: &LabAuthority,
    lab: Option<&Laboratory>,
) -> Result<Endpoints> {
    let grpc = |function| {
        let address = config
            .listen
            .get(&key(function))
            .context("every role listens")?;
        Ok::<_, anyhow::Error>(address.to_string())
    };
    let operator = identity(
        authority,
        &Caller::Operator {
            name: "admin".to_owned(),
        },
    )?;
    Ok(Endpoints {
        ausf: grpc(NetworkFunction::Ausf)?,
        vault: grpc(NetworkFunction::Vault)?,
        aanf: grpc(NetworkFunction::Aanf)?,
        configuration_management: grpc(NetworkFunction::ConfigurationManagement)?,
        subscription_manager: grpc(NetworkFunction::SubscriptionManager)?,
        msgin5g_server: grpc(NetworkFunction::Msgin5gServer)?,
        certificate_fetcher: grpc(NetworkFunction::CertificateFetcher)?,
        access_gateway: lab.map(|_| format!("http://{}", config.access_gateway.listen)),
        portal_url: config.subscription_manager.portal_url.clone(),
        coaps_uri: format!("coaps://{}/msgin5g", config.msgin5g_server.listen),
        msgin5g_af_fqdn: config
            .msgin5g_server
            .af_fqdns
            .first()
            .cloned()
            .unwrap_or_default(),
        admin_urls,
        ca: authority.certificate_path(),
        admin_cert: operator.certificate,
        admin_key: operator.key,
        trust_domain: authority.trust_domain().to_owned(),
        lab_dir: lab.map(|lab| lab.folder().to_owned()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

//! `berth <function>`: one role as a process of its own.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use nf_api::NetworkFunction;
use nf_runtime::admin::{self, Admin};
use nf_runtime::lifecycle::Signals;
use nf_runtime::tls::TlsIdentity;
use nf_runtime::{Runtime, config, grpc, telemetry};
use tokio::net::TcpListener;

use crate::command_line::FunctionOptions;
use crate::config::BerthConfig;
use crate::roles::{self, RemotePeers};
use crate::self_description;
use crate::stores::Stores;

/// Runs until a signal, or only looks at the settings.
pub(crate) async fn run(function: NetworkFunction, options: &FunctionOptions) -> Result<ExitCode> {
    let config = config::load::<BerthConfig>(options.config.as_deref(), &[])?;
    if options.print_config {
        std::io::stdout().write_all(config::print(&config)?.as_bytes())?;
    }
    if options.print_config || options.check_config {
        return Ok(ExitCode::SUCCESS);
    }
    if options.with_parent {
        // The parent may be gone before it could stop us: then nobody else will.
        #[cfg(target_os = "linux")]
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))?;
    }
    let telemetry = telemetry::init(&config.telemetry, function.name())?;
    let runtime = Runtime::new(config.shutdown.clone(), config.grpc.clone());
    let starting = runtime.lifecycle.readiness().latch("start");

    if let Some(address) = config.admin_listen {
        serve_admin(address, function.name(), &runtime).await?;
    }
    let identity = TlsIdentity::load(&config.tls)?;
    if let Some(why) = identity.misfit(function, SystemTime::now()) {
        // No reason to end: the files are read again when they change.
        tracing::warn!(
            certificate = %config.tls.certificate.display(),
            why,
            "no other function will accept this identity"
        );
    }
    identity.watch(&runtime.lifecycle);
    let own = config.tls.certificate.clone();
    runtime.about.certificate("identity", own);
    if function == NetworkFunction::SubscriptionManager {
        let portal = config.subscription_manager.portal_certificate.clone();
        runtime.about.certificate("portal", portal);
    }
    let in_use = identity.clone();
    runtime
        .metrics
        .certificate("identity", move || in_use.end());
    let mut stores = Stores::new(&config.store, &runtime.metrics);
    let peers = RemotePeers {
        config: &config,
        identity: &identity,
        runtime: &runtime,
    };
    if let Some(routes) = roles::build(function, &config, &mut stores, &peers, &runtime).await? {
        let key = function.name().replace('-', "_");
        let address = config
            .listen
            .get(&key)
            .with_context(|| format!("listen.{key} is not set"))?;
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("{address} cannot be listened on"))?;
        let serving = (identity.clone(), runtime.clone());
        runtime.lifecycle.spawn("grpc", async move {
            grpc::serve(listener, routes, &serving.0, &serving.1).await
        });
    }
    tracing::info!(
        function = function.name(),
        version = env!("CARGO_PKG_VERSION"),
        "ready"
    );
    self_description::stores(&runtime.about, &config.store, stores.opened());
    let signals = Signals::install()?;
    starting.release();
    let databases = stores.into_databases();
    let stopped = runtime.lifecycle.run_until_signal(signals, telemetry).await;
    for database in databases {
        database.close().await;
    }
    Ok(stopped.exit_code())
}

/// Opens the admin port of a process.
pub(crate) async fn serve_admin(
    address: std::net::SocketAddr,
    name: &'static str,
    runtime: &Runtime,
) -> Result<()> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("{address} cannot be listened on"))?;
    let admin = Admin {
        name,
        version: env!("CARGO_PKG_VERSION"),
        readiness: runtime.lifecycle.readiness(),
        metrics: runtime.metrics.clone(),
    };
    let lifecycle = runtime.lifecycle.clone();
    runtime.lifecycle.spawn_critical("admin", async move {
        Ok(admin::serve(listener, admin, &lifecycle).await?)
    });
    Ok(())
}

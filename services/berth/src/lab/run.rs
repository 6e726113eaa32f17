//! `berth lab`: a laboratory beside an installation, until it is asked to stop.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use nf_runtime::lifecycle::Signals;
use nf_runtime::{Runtime, config, telemetry};
use tokio::time::timeout;

use super::{Laboratory, Registration, start_gateway};
use crate::config::BerthConfig;
use crate::operator::{Operator, Site};
use crate::run_role::serve_admin;
use crate::say;

/// How long it may take until manufacturer, plan and policy are gone.
const REMOVAL: Duration = Duration::from_secs(15);

#[derive(Args)]
pub(crate) struct Options {
    /// Settings, TOML: [peers], [tls] of an operator, [lab].
    #[arg(long)]
    config: PathBuf,
}

/// Runs until a signal.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    // From here on a signal is waited for: what is registered has to be removed.
    let mut signals = Signals::install()?;
    let config = config::load::<BerthConfig>(Some(&options.config), &[])?;
    let telemetry = telemetry::init(&config.telemetry, "lab")?;
    let runtime = Runtime::new(config.shutdown.clone(), config.grpc.clone());
    let starting = runtime.lifecycle.readiness().latch("start");
    if let Some(address) = config.admin_listen {
        serve_admin(address, "lab", &runtime).await?;
    }
    let site = Site::of_config(&config)?;
    // The operator's calls outlive everything else: the last of them remove what is registered.
    let office = Runtime::new(config.shutdown.clone(), config.grpc.clone());
    let operator = Operator::new(&site, &office)?;
    operator.identity.watch(&office.lifecycle);
    let channels = |callee| operator.channel(callee);

    let lab = &config.lab;
    let host = format!("{}.lab.berth.test", lab.name);
    let laboratory = Laboratory::open(lab, host, &runtime).await?;
    let manufacturer = format!("Laboratory manufacturer {}", lab.name);
    let mut registration = Registration::new(&laboratory, &manufacturer, &lab.plan_id(), true);
    // A call that a signal breaks off may still take effect after its removal, so none of these is.
    let put = registration.put(&channels).await;
    let begin = async {
        put?;
        let n1 = start_gateway(lab, &config, &site, &runtime).await?;
        let reached = std::net::SocketAddr::new(lab.advertised_address, n1.port());
        laboratory
            .publish(&format!("http://{reached}"), &channels)
            .await?;
        starting.release();
        say(&format!("ready: {}", laboratory.folder().display()));
        Ok::<_, anyhow::Error>(())
    };
    let stopped = async {
        signals.requested().await;
    };
    let mut stopped = std::pin::pin!(stopped);
    let begun = tokio::select! {
        begun = begin => Some(begun),
        () = stopped.as_mut() => None,
    };
    let code = match begun {
        Some(Ok(())) => runtime.lifecycle.run_until(stopped).await.exit_code(),
        Some(Err(_)) | None => {
            let _ = runtime.lifecycle.shutdown().await;
            ExitCode::SUCCESS
        }
    };
    let removed = match timeout(REMOVAL, registration.remove(&channels)).await {
        Ok(removed) => removed,
        Err(_) => Err(anyhow::anyhow!("the functions do not answer")),
    };
    let _ = office.lifecycle.shutdown().await;
    telemetry.shutdown().await;
    begun.transpose()?;
    removed.context("something of the laboratory stays registered")?;
    Ok(code)
}

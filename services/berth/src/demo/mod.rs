//! `berth demo`: two devices, from a factory certificate to a delivered message, on real sockets.

mod story;
mod timeline;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;
use nf_runtime::{Runtime, telemetry};
use tokio::signal::unix::{SignalKind, signal};

use self::timeline::Timeline;
use crate::command_line::UpOptions;
use crate::endpoints::Endpoints;
use crate::up;

const INTERRUPTED: &str = "interrupted; the folder can be used again";

#[derive(Args)]
pub(crate) struct Options {
    /// Folder of keys, state and addresses of the laboratory that is started.
    #[arg(long, default_value = ".berth")]
    data: PathBuf,
    /// Plays against an installation that runs already, by its endpoints.json.
    #[arg(long)]
    target: Option<PathBuf>,
    /// One JSON object a step on standard output.
    #[arg(long)]
    json: bool,
}

/// Plays the story; exit code 0 only if each step did what it says.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let mut timeline = Timeline::new(options.json);
    let played = match &options.target {
        Some(target) => against(target, &mut timeline).await,
        None => with_own_laboratory(&options, &mut timeline).await,
    };
    match played {
        Ok(endpoints_file) => {
            timeline.farewell(&endpoints_file);
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            timeline.failed(&error);
            Ok(ExitCode::FAILURE)
        }
    }
}

async fn against(target: &std::path::Path, timeline: &mut Timeline) -> Result<PathBuf> {
    timeline.begin("start");
    let endpoints = Endpoints::read(target)?;
    let answering = crate::check::functions(&endpoints).await?;
    timeline.done(&format!(
        "{answering} functions of {} answer",
        target.display()
    ))?;
    let devices = target
        .parent()
        .context("endpoints.json lies in a folder")?
        .join("devices");
    story::play(&endpoints, &devices, timeline).await?;
    Ok(target.to_owned())
}

async fn with_own_laboratory(options: &Options, timeline: &mut Timeline) -> Result<PathBuf> {
    timeline.begin("start");
    // From here on a signal is waited for: without, it would end the process where it stands.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut config = up::load_settings(None)?;
    config.telemetry.log_filter = "warn".to_owned();
    config.telemetry.log_format = telemetry::LogFormat::Text;
    // Nobody balances traffic towards a demo: it may stop at once.
    config.shutdown.settle = std::time::Duration::ZERO;
    let telemetry = telemetry::init(&config.telemetry, "berth")?;
    let runtime = Runtime::new(config.shutdown.clone(), config.grpc.clone());
    let up_options = UpOptions {
        data: options.data.clone(),
        lab: true,
        config: None,
        processes: false,
    };
    let installation = up::start(&up_options, config, &runtime).await?;
    let answering = crate::check::functions(&installation.endpoints).await?;
    timeline.done(&format!(
        "{answering} functions in one process, state in {}",
        options.data.display()
    ))?;

    let endpoints_file = installation.endpoints_file.clone();
    let devices = options.data.join("devices");
    let played = tokio::select! {
        played = story::play(&installation.endpoints, &devices, timeline) => played,
        _ = interrupt.recv() => Err(anyhow::anyhow!(INTERRUPTED)),
        _ = terminate.recv() => Err(anyhow::anyhow!(INTERRUPTED)),
    };
    let _ = runtime.lifecycle.shutdown().await;
    installation.close().await;
    telemetry.shutdown().await;
    played.map(|()| endpoints_file)
}

//! `berth demo`: two devices, from a factory certificate to a delivered message, on real sockets.

mod timeline;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use nf_runtime::grpc::GrpcConfig;
use nf_runtime::lifecycle::{ShutdownConfig, Signals};
use nf_runtime::{Runtime, telemetry};
use ue::SignUp;

use self::timeline::Timeline;
use crate::command_line::UpOptions;
use crate::endpoints::Endpoints;
use crate::operator::{Operator, Site};
use crate::story::{self, Stage, Steps};
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

async fn against(target: &Path, timeline: &mut Timeline) -> Result<PathBuf> {
    timeline.begin("start");
    let endpoints = Endpoints::read(target)?;
    let count = answering(&endpoints).await?;
    timeline.finished(&format!("{count} functions of {} answer", target.display()))?;
    let devices = target
        .parent()
        .context("endpoints.json lies in a folder")?
        .join("devices");
    play(&endpoints, &devices, timeline).await?;
    Ok(target.to_owned())
}

async fn with_own_laboratory(options: &Options, timeline: &mut Timeline) -> Result<PathBuf> {
    timeline.begin("start");
    // From here on a signal is waited for: without, it would end the process where it stands.
    let mut signals = Signals::install()?;
    let mut config = up::load_settings(None)?;
    config.telemetry.log_filter = "warn".to_owned();
    config.telemetry.log_format = telemetry::LogFormat::Text;
    // Nobody balances traffic towards a demo: it may stop at once.
    config.shutdown.settle = Duration::ZERO;
    let telemetry = telemetry::init(&config.telemetry, "berth")?;
    let runtime = Runtime::new(config.shutdown.clone(), config.grpc.clone());
    let up_options = UpOptions {
        data: options.data.clone(),
        lab: true,
        config: None,
        processes: false,
    };
    let (installation, _) = up::start(&up_options, config, &runtime).await?;
    let count = answering(&installation.endpoints).await?;
    timeline.finished(&format!(
        "{count} functions in one process, state in {}",
        options.data.display()
    ))?;

    let endpoints_file = installation.endpoints_file.clone();
    let devices = options.data.join("devices");
    let played = tokio::select! {
        played = play(&installation.endpoints, &devices, timeline) => played,
        _ = signals.requested() => Err(anyhow::anyhow!(INTERRUPTED)),
    };
    let _ = runtime.lifecycle.shutdown().await;
    installation.close().await;
    telemetry.shutdown().await;
    played.map(|()| endpoints_file)
}

/// Steps 2 to 10, with two new devices in a folder of their own.
async fn play(endpoints: &Endpoints, devices: &Path, timeline: &mut Timeline) -> Result<()> {
    let lab = endpoints
        .lab_dir
        .as_deref()
        .context("the installation has no laboratory: start it with --lab")?;
    let devices = next_run(devices)?;
    let stage = Stage {
        lab,
        devices: &devices,
        sign_up: [SignUp::Automatic, SignUp::Automatic],
        af_fqdn: &endpoints.msgin5g_af_fqdn,
    };
    story::play(&stage, &mut Steps::new(timeline, 0)).await
}

/// How many functions answer; the error names the first that does not.
async fn answering(endpoints: &Endpoints) -> Result<usize> {
    let shutdown = ShutdownConfig {
        settle: Duration::ZERO,
        ..ShutdownConfig::default()
    };
    let runtime = Runtime::new(shutdown, GrpcConfig::default());
    let site = Site::of_endpoints(endpoints);
    let count = crate::check::serving(&Operator::new(&site, &runtime)?).await?;
    let _ = runtime.lifecycle.shutdown().await;
    Ok(count)
}

/// A new folder for this run; devices of earlier runs stay where they are.
fn next_run(folder: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let run = (1_u32..)
        .map(|number| folder.join(format!("run-{number}")))
        .find(|path| !path.exists());
    let run = run.context("too many runs in this folder")?;
    std::fs::create_dir(&run)?;
    Ok(run)
}

//! `berth check`: whether a running installation is as it should be, and whether a device gets through it.

mod certificates;
mod config;
mod counts;
pub(crate) mod finding;
mod handshake;
mod laboratory;
mod refusals;
mod replicas;
mod stop;
mod story;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use clap::Args;
use nf_runtime::about::{Finding, Verdict};
use nf_runtime::lifecycle::ShutdownConfig;
use nf_runtime::telemetry::{LogFormat, Telemetry};
use nf_runtime::{Runtime, telemetry};

pub(crate) use self::config::CheckConfig;
pub(crate) use self::replicas::serving;
use self::stop::Stop;
use self::story::{StoryOptions, Tale};
use crate::config::BerthConfig;
use crate::endpoints::Endpoints;
use crate::operator::{Operator, Site};

#[derive(Args)]
pub(crate) struct Options {
    /// endpoints.json of an installation that `berth up` runs.
    #[arg(long, default_value = ".berth/endpoints.json")]
    target: PathBuf,
    /// Settings, TOML: [peers] and [tls] of an operator; [check]; for a story [lab] too.
    #[arg(long, conflicts_with = "target")]
    config: Option<PathBuf>,
    /// One JSON object a finding, a step and a story on standard output.
    #[arg(long)]
    json: bool,
    /// Tries what an installation has to refuse, with a throw-away manufacturer, plan and policy: strangers, foreign
    /// identities, wrong keys and codes. What is let in, or refused for another reason, is bad. A run of its own, because
    /// its laboratory has the addresses that a story's has.
    #[arg(long, requires = "config", conflicts_with = "story")]
    refusals: bool,
    #[command(flatten)]
    story: StoryOptions,
}

/// Looks at everything; exit code 0 if nothing is bad and every story came to its end.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let (config, site) = match &options.config {
        Some(file) => {
            let config = nf_runtime::config::load::<BerthConfig>(Some(file), &[])?;
            let site = Site::of_config(&config)?;
            (config, site)
        }
        None => {
            let endpoints = Endpoints::read(&options.target)?;
            (BerthConfig::default(), Site::of_endpoints(&endpoints))
        }
    };
    let telemetry = tell(&config, options.json)?;
    let shutdown = ShutdownConfig {
        settle: Duration::ZERO,
        ..config.shutdown.clone()
    };
    let runtime = Runtime::new(shutdown, config.grpc.clone());
    let operator = Operator::new(&site, &runtime)?;
    let mut stop = match options.story.story || options.refusals {
        // From here on a signal is waited for: what is registered has to be removed.
        true => Some(Stop::listen(&runtime)?),
        false => None,
    };

    let findings = look(&operator, &config.check).await;
    for finding in &findings {
        finding::print(finding, options.json)?;
    }
    let bad = findings
        .iter()
        .any(|finding| finding.verdict == Verdict::Bad);
    let held = match &mut stop {
        Some(stop) if options.refusals => {
            refusals::try_all(&config, &operator, options.json, stop).await
        }
        _ => Ok(true),
    };
    let told = match stop {
        Some(stop) if options.story.story => {
            let tale = Tale {
                options: &options.story,
                json: options.json,
                config: &config,
                operator: &operator,
            };
            tale.tell(stop).await
        }
        _ => Ok(true),
    };
    let _ = runtime.lifecycle.shutdown().await;
    telemetry.shutdown().await;
    Ok(if held? && told? && !bad {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Everything that can be seen without a device.
pub(crate) async fn look(operator: &Operator<'_>, config: &CheckConfig) -> Vec<Finding> {
    let tls = &operator.site.tls;
    let mut findings = Vec::new();
    let now = SystemTime::now();
    for file in [&tls.ca, &tls.certificate] {
        findings.push(certificates::in_file(file, config.certificate_advice, now));
    }
    findings.extend(certificates::believed(&tls.certificate, &tls.ca, now));
    findings.extend(replicas::look(operator, config).await);
    findings.extend(counts::look(operator).await);
    findings
}

/// Traces as the settings say. Standard output is for what is found: programs read nothing else there.
fn tell(config: &BerthConfig, json: bool) -> Result<Telemetry> {
    let mut settings = config.telemetry.clone();
    settings.log_format = LogFormat::Text;
    settings.log_filter = if json { "off" } else { "warn" }.to_owned();
    Ok(telemetry::init(&settings, "check")?)
}

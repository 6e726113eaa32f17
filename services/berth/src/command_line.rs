//! Commands and their options.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use nf_api::NetworkFunction;
use nf_runtime::{Runtime, telemetry};

use crate::say;
use crate::up;

/// Berth gives a bare IoT device an identity on a 5G network, keeps it healthy, and carries its messages.
#[derive(Parser)]
#[command(
    name = "berth",
    version,
    after_help = "Exit codes: 0 done, 1 failed (the last line says why), 2 wrong usage."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Runs every function in this process, with its state in one folder.
    Up(UpOptions),
    /// Carries two devices from a factory certificate to a delivered message, and shows each step.
    Demo(crate::demo::Options),
    /// Looks whether a running installation is as it should be, and plays a story in it if asked.
    Check(crate::check::Options),
    /// Runs a laboratory beside an installation: manufacturer, plan, policy and access gateway.
    Lab(crate::lab::Options),
    /// Makes the Secrets of an installation in Kubernetes, where they are missing.
    Bootstrap(crate::bootstrap::Options),
    /// Collects what somebody needs to help from afar, without secrets, into one file.
    SupportBundle(crate::support_bundle::Options),
    /// Looks after what functions have stored.
    Store {
        #[command(subcommand)]
        command: crate::store_check::Command,
    },
    /// Prints docs/reference.md: every setting with its default, every cause.
    #[command(hide = true)]
    Reference {
        /// Prints the JSON schema of the settings instead.
        #[arg(long)]
        schema: bool,
    },
    #[command(flatten)]
    Function(FunctionCommand),
}

/// One function as a process of its own.
#[derive(Subcommand)]
pub(crate) enum FunctionCommand {
    /// AKMA anchor function, as a process of its own.
    Aanf(FunctionOptions),
    /// Radio, AMF and SMF of a laboratory, as a process of its own.
    AccessGateway(FunctionOptions),
    /// Authentication server, as a process of its own.
    Ausf(FunctionOptions),
    /// Fetches device certificates, as a process of its own.
    CertificateFetcher(FunctionOptions),
    /// Associations and UE configuration, as a process of its own.
    ConfigurationManagement(FunctionOptions),
    /// MSGin5G Server, as a process of its own.
    Msgin5gServer(FunctionOptions),
    /// Portal, limited sessions and profiles, as a process of its own.
    SubscriptionManager(FunctionOptions),
    /// Credential vault, as a process of its own.
    Vault(FunctionOptions),
}

impl FunctionCommand {
    /// Which function, and its options.
    pub(crate) fn into_parts(self) -> (NetworkFunction, FunctionOptions) {
        match self {
            Self::Aanf(options) => (NetworkFunction::Aanf, options),
            Self::AccessGateway(options) => (NetworkFunction::AccessGateway, options),
            Self::Ausf(options) => (NetworkFunction::Ausf, options),
            Self::CertificateFetcher(options) => (NetworkFunction::CertificateFetcher, options),
            Self::ConfigurationManagement(options) => {
                (NetworkFunction::ConfigurationManagement, options)
            }
            Self::Msgin5gServer(options) => (NetworkFunction::Msgin5gServer, options),
            Self::SubscriptionManager(options) => (NetworkFunction::SubscriptionManager, options),
            Self::Vault(options) => (NetworkFunction::Vault, options),
        }
    }
}

#[derive(Args)]
pub(crate) struct FunctionOptions {
    /// Settings, TOML.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// Reads the settings, says whether they can be used, and ends.
    #[arg(long)]
    pub(crate) check_config: bool,
    /// Prints the settings as they apply, and ends.
    #[arg(long)]
    pub(crate) print_config: bool,
    /// Ends when the process that started it does.
    #[arg(long, hide = true)]
    pub(crate) with_parent: bool,
}

#[derive(Args)]
pub(crate) struct UpOptions {
    /// Folder of keys, state and addresses.
    #[arg(long, default_value = ".berth")]
    pub(crate) data: PathBuf,
    /// Adds a laboratory: manufacturer, plan, policy and access gateway. Without it nobody is trusted by default.
    #[arg(long)]
    pub(crate) lab: bool,
    /// Settings, TOML.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// Runs each function as a process of its own. The settings must name stores that processes can share.
    #[arg(long)]
    pub(crate) processes: bool,
}

/// Runs until a signal.
pub(crate) async fn up(options: UpOptions) -> Result<ExitCode> {
    let config = up::load_settings(options.config.as_deref())?;
    let telemetry = telemetry::init(&config.telemetry, "berth")?;
    let runtime = Runtime::new(config.shutdown.clone(), config.grpc.clone());
    let (installation, signals) = up::start(&options, config, &runtime).await?;
    say(&format!("ready: {}", installation.endpoints_file.display()));
    let stopped = runtime.lifecycle.run_until_signal(signals, telemetry).await;
    installation.close().await;
    Ok(stopped.exit_code())
}

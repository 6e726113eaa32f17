//! `berth-bench`: how many operations a second, over real sockets, against a server in a process of its own.
//!
//! Every answer is checked; one that is wrong or missing counts as an error and makes the exit code 1. The figure to
//! compare is `per_cpu`, operations per second of CPU time that the server used: client and server share the machine.

mod aka;
mod akma;
mod coap;
mod device;
mod dtls;
mod lab;
mod measure;
mod reg;
mod report;
mod server_process;
mod stream;
mod subscriber;
mod udp_server;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand, ValueEnum};

use report::Report;

/// Measures Berth over real sockets.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// What to measure; everything if not given.
    what: Vec<What>,
    /// How long each measurement takes, after a warm-up of a second.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Operations under way at a time; by default what suits the measurement.
    #[arg(long)]
    concurrency: Option<usize>,
    /// Folder of the `berth` and `berth-bench` that play the server, to compare builds; the folder of this program if
    /// not given.
    #[arg(long)]
    programs: Option<PathBuf>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Role {
    /// The server of `dtls` and `coap`; ends with its standard input.
    #[command(hide = true)]
    Server,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// 5G AKA with fresh SUCIs: StartAka and ConfirmAka.
    Aka,
    /// Application keys from the AAnF.
    Akma,
    /// DTLS handshakes with cookie.
    Dtls,
    /// Confirmable POST and its answer in established sessions.
    Coap,
    /// MSGin5G registration, in new sessions and in established ones.
    Reg,
}

impl What {
    const ALL: [Self; 5] = [Self::Dtls, Self::Coap, Self::Aka, Self::Akma, Self::Reg];

    const fn concurrency(self) -> usize {
        match self {
            Self::Dtls | Self::Coap | Self::Aka | Self::Akma => 64,
            Self::Reg => 32,
        }
    }
}

/// The allocator of static builds of `berth`, for the server that this program plays.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    if let Some(Role::Server) = arguments.role {
        udp_server::run().await?;
        return Ok(ExitCode::SUCCESS);
    }
    let here = std::env::current_exe()?;
    let here = here.parent().context("a program lies in a folder")?;
    let programs = arguments.programs.as_deref().unwrap_or(here);
    let mut report = Report::begin(arguments.json)?;
    let what = if arguments.what.is_empty() {
        What::ALL.to_vec()
    } else {
        arguments.what
    };
    for what in what {
        let load = measure::Load {
            concurrency: arguments
                .concurrency
                .unwrap_or_else(|| what.concurrency())
                .max(1),
            time: Duration::from_secs(arguments.seconds.max(1)),
            programs,
        };
        match what {
            What::Aka => aka::measure(load, &mut report).await?,
            What::Akma => akma::measure(load, &mut report).await?,
            What::Dtls => dtls::measure(load, &mut report).await?,
            What::Coap => coap::measure(load, &mut report).await?,
            What::Reg => reg::measure(load, &mut report).await?,
        }
    }
    Ok(if report.has_errors() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

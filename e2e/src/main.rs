//! End-to-end scenarios of a whole installation. `cargo xtask e2e` builds what they need and starts them.

mod interrupt;
mod metrics;
mod probe;
mod program;
mod provider;
mod report;
mod run;
mod scenario;
mod trace_sink;

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Scenarios of a whole installation, on processes or on a Kubernetes.
#[derive(Parser)]
#[command(name = "berth-e2e", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Installs, plays the scenarios, collects evidence where one fails, and removes everything.
    Run(run::Options),
    /// Tries to reach addresses and prints which it did; runs in a pod.
    Probe(probe::Options),
    /// Receives traces by OTLP and prints them, a span a line; runs in a pod.
    TraceSink {
        /// Address to listen on.
        #[arg(long, default_value = "0.0.0.0:4317")]
        listen: SocketAddr,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Run(options) => interrupt::listen().and_then(|()| run::run(options)),
        Command::Probe(options) => probe::probe(&options),
        Command::TraceSink { listen } => trace_sink::print(listen),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            program::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

//! The project's own tasks: `cargo xtask <task>`.

mod bench;
mod chart;
mod cluster;
mod e2e;
mod fuzz;
mod image;
mod interrupt;
mod lint;
mod run;
mod setup;
mod test;
#[cfg(test)]
mod tiltfile;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// The project's own tasks.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Installs what a fresh machine lacks: Debian packages, Rust targets and tools.
    Setup,
    /// Formatting, clippy with warnings as errors, dependency rules.
    Lint,
    /// Everything that must hold: lint, embedded builds, all tests, the demo in one process and in a cluster.
    Test,
    /// Coverage-guided fuzzing of one decoder with libFuzzer (needs the nightly toolchain).
    Fuzz {
        /// Name of the target; without it the names are listed.
        target: Option<String>,
        /// How long to run.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Operations a second of the release build, over real sockets.
    Bench(bench::Arguments),
    /// Schema, table of values and golden renderings of the chart.
    Chart(chart::Arguments),
    /// Container images of this checkout, with or without an engine.
    Image(image::Arguments),
    /// The demo of the release build.
    Demo {
        /// Passed on to `berth demo`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Each function as its own process with a Redis, and the demo against them.
    Cluster(cluster::Arguments),
    /// The scenarios of a whole installation, on processes or on a Kubernetes.
    E2e(e2e::Arguments),
}

fn main() -> ExitCode {
    let task = Arguments::parse().task;
    match interrupt::listen().and_then(|()| play(task)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            run::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn play(task: Task) -> Result<()> {
    match task {
        Task::Setup => setup::install(),
        Task::Lint => lint::lint(),
        Task::Test => test::test(),
        Task::Fuzz { target, seconds } => fuzz::fuzz(target.as_deref(), seconds),
        Task::Bench(arguments) => bench::bench(&arguments),
        Task::Chart(arguments) => chart::chart(&arguments),
        Task::Image(arguments) => image::image(&arguments),
        Task::Demo { arguments } => {
            run::cargo(["run", "--release", "--package", "berth", "--", "demo"])
                .args(arguments)
                .run()
        }
        Task::Cluster(arguments) => cluster::cluster(&arguments),
        Task::E2e(arguments) => e2e::e2e(&arguments),
    }
}

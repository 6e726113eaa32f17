//! The benchmark: builds the product and what measures it, then lets it measure.

use anyhow::Result;

use crate::run::cargo;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What to measure (aka, akma, dtls, coap, reg; all if none is named), --seconds N, --concurrency N, --json.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn bench(arguments: &Arguments) -> Result<()> {
    cargo([
        "build",
        "--release",
        "--package",
        "berth",
        "--package",
        "berth-bench",
    ])
    .run()?;
    cargo([
        "run",
        "--release",
        "--quiet",
        "--package",
        "berth-bench",
        "--",
    ])
    .args(&arguments.arguments)
    .run()
}

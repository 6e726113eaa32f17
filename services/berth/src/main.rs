//! Every role in one binary, all-in-one mode and the operator's command line.

mod bootstrap;
mod check;
mod command_line;
mod config;
mod data_dir;
mod demo;
mod endpoints;
mod http;
mod kubernetes;
mod lab;
mod operator;
mod reference;
mod roles;
mod run_role;
mod self_description;
mod store_check;
mod stores;
mod story;
mod support_bundle;
mod up;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use nf_runtime::procedure::chain;

use crate::command_line::{Arguments, Command};

/// The allocator of static builds.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            say(&format!("error: {}", chain(error.as_ref())));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Up(options) => command_line::up(options).await,
        Command::Demo(options) => demo::run(options).await,
        Command::Bootstrap(options) => bootstrap::run(options).await,
        Command::Check(options) => check::run(options).await,
        Command::SupportBundle(options) => support_bundle::run(options).await,
        Command::Lab(options) => lab::run(options).await,
        Command::Store { command } => store_check::run(command).await,
        Command::Reference { schema } => reference::print(schema),
        Command::Function(command) => {
            let (function, options) = command.into_parts();
            run_role::run(function, &options).await
        }
    }
}

/// Talks to the person at the terminal; what programs read goes to standard output instead.
fn say(text: &str) {
    // A closed terminal is no reason to stop.
    let _ = writeln!(std::io::stderr(), "{text}");
}

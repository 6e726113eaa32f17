//! The device on the command line: data on stdout, talk on stderr.

mod command;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use ue::Traceparent;

use crate::command::{Arguments, Outcome};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Everything runs on this thread.
    let _trace = arguments.traceparent.as_ref().map(Traceparent::attach);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(command::run(&arguments)),
        Err(error) => Outcome::failed(&error),
    };
    let code = outcome.print(
        arguments.json,
        &mut std::io::stdout(),
        &mut std::io::stderr(),
    );
    // What could not be said cannot be said better.
    let _ = std::io::stdout().flush();
    ExitCode::from(code)
}

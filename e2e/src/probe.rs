//! Looks from inside a pod which addresses it reaches.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

/// How long an answer to a connection may take inside one cluster.
const LIMIT: Duration = Duration::from_secs(2);

#[derive(Args)]
pub(crate) struct Options {
    /// How long policies may take to reach a new pod, in seconds.
    #[arg(long, default_value_t = 5)]
    settle: u64,
    /// Addresses to connect to, by TCP.
    addresses: Vec<SocketAddr>,
}

/// Prints a line for each address: `reached` or `closed`, and the address.
pub(crate) fn probe(options: &Options) -> Result<()> {
    thread::sleep(Duration::from_secs(options.settle));
    let attempts = options.addresses.iter().map(|address| {
        let address = *address;
        let attempt = thread::spawn(move || TcpStream::connect_timeout(&address, LIMIT).is_ok());
        (address, attempt)
    });
    let mut output = std::io::stdout();
    for (address, attempt) in attempts.collect::<Vec<_>>() {
        let verdict = match attempt.join() {
            Ok(true) => "reached",
            _ => "closed",
        };
        writeln!(output, "{verdict} {address}")?;
    }
    Ok(())
}

//! Handshakes: hello, cookie, key lookup, Finished of both sides; then close_notify.

use std::net::SocketAddr;

use ::dtls::{CipherSuite, ClientConfig, Psk};
use anyhow::Result;

use crate::device::Device;
use crate::measure::{Load, Worker, measure as run};
use crate::report::Report;
use crate::server_process::ServerProcess;
use crate::udp_server::{about, identity, key};

pub(crate) async fn measure(load: Load<'_>, report: &mut Report) -> Result<()> {
    let (process, server) = ServerProcess::spawn_udp(load.programs).await?;
    let workers = (0..load.concurrency)
        .map(|number| Handshakes {
            server,
            number,
            step: load.concurrency,
        })
        .collect();
    report.add(&run(about("dtls"), load, workers, &process).await?)
}

struct Handshakes {
    server: SocketAddr,
    number: usize,
    step: usize,
}

impl Worker for Handshakes {
    async fn operate(&mut self) -> Result<()> {
        self.number += self.step;
        connect(self.server, self.number).await?.close().await
    }
}

/// The session of a device of the table.
pub(crate) async fn connect(server: SocketAddr, number: usize) -> Result<Device> {
    let key = Psk::try_from_slice(&key(number))?;
    Device::connect(
        server,
        ClientConfig::new(&identity(number), vec![(CipherSuite::PskAes128Ccm8, key)]),
    )
    .await
}

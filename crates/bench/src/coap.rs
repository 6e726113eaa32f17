//! Requests in many established sessions, one under way in each.

use ::coap::{Code, ContentFormat, Request};
use anyhow::{Context as _, Result, ensure};

use crate::device::Device;
use crate::dtls::connect;
use crate::measure::{Load, Worker, measure as run};
use crate::report::Report;
use crate::server_process::ServerProcess;
use crate::udp_server::about;

/// Sessions that are open.
const SESSIONS: usize = 1_000;
/// Octets of each body, as many as a small reading has.
const BODY: usize = 64;

pub(crate) async fn measure(load: Load<'_>, report: &mut Report) -> Result<()> {
    let (process, server) = ServerProcess::spawn_udp(load.programs).await?;
    let mut workers: Vec<_> = (0..load.concurrency)
        .map(|_| Requests {
            devices: Vec::new(),
            count: 0,
        })
        .collect();
    for number in 0..SESSIONS.max(load.concurrency) {
        let device = connect(server, number)
            .await
            .context("a session is needed")?;
        if let Some(worker) = workers.get_mut(number % load.concurrency) {
            worker.devices.push(device);
        }
    }
    report.add(&run(about("coap"), load, workers, &process).await?)
}

/// Asks with one device after the other.
struct Requests {
    devices: Vec<Device>,
    count: usize,
}

impl Worker for Requests {
    async fn operate(&mut self) -> Result<()> {
        self.count += 1;
        let at = self.count % self.devices.len();
        let device = self
            .devices
            .get_mut(at)
            .context("each worker has a device")?;
        let mut body = self.count.to_be_bytes().to_vec();
        body.resize(BODY, b'.');
        let response = device
            .request(Request::post(
                "/echo",
                ContentFormat::OCTET_STREAM,
                body.clone(),
            ))
            .await?;
        ensure!(
            response.code == Code::CHANGED && response.payload == body,
            "the answer is not an echo"
        );
        Ok(())
    }
}

//! The UDP relay of one session: device to provisioning server and back, to nobody else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::connectivity::Session;

/// Way of one socket of the device.
struct Flow {
    device: SocketAddr,
    upstream: Arc<UdpSocket>,
    used: Instant,
    ended: CancellationToken,
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.ended.cancel();
    }
}

/// Relays until the session ends.
///
/// A device that comes from another socket (it was restarted) gets another source port; of more than
/// [`MAX_FLOWS`], the one that was silent for longest ends.
pub(crate) async fn run(device_side: UdpSocket, server: SocketAddr, session: Arc<Session>) {
    let device_side = Arc::new(device_side);
    let mut flows: Vec<Flow> = Vec::new();
    let mut datagram = vec![0; MAX_DATAGRAM];
    loop {
        let received = tokio::select! {
            () = session.ended.cancelled() => return,
            received = device_side.recv_from(&mut datagram) => received,
        };
        let Ok((length, device)) = received else {
            // What an ICMP message says of one destination ends no relay.
            sleep(ERROR_PAUSE).await;
            continue;
        };
        if !session.is_open() || !session.spend(length) {
            continue;
        }
        let flow = match flows.iter_mut().find(|flow| flow.device == device) {
            Some(flow) => flow,
            None => {
                let Some(flow) = open(device, server, &device_side, &session).await else {
                    continue;
                };
                if flows.len() >= MAX_FLOWS {
                    let oldest =
                        (0..flows.len()).min_by_key(|at| flows.get(*at).map(|flow| flow.used));
                    flows.swap_remove(oldest.unwrap_or_default());
                }
                flows.push(flow);
                let Some(flow) = flows.last_mut() else {
                    continue;
                };
                flow
            }
        };
        flow.used = Instant::now();
        // A datagram that cannot be sent is lost, like any other.
        let _ = flow
            .upstream
            .send(datagram.get(..length).unwrap_or_default())
            .await;
    }
}

/// Binds a source port of the device's block and begins to carry what comes back.
async fn open(
    device: SocketAddr,
    server: SocketAddr,
    device_side: &Arc<UdpSocket>,
    session: &Arc<Session>,
) -> Option<Flow> {
    for port in session.ports.ports() {
        let Ok(upstream) = UdpSocket::bind((session.source_ip(), port)).await else {
            continue;
        };
        if upstream.connect(server).await.is_err() {
            continue;
        }
        let upstream = Arc::new(upstream);
        let ended = session.ended.child_token();
        let back = carry_back(
            Arc::clone(&upstream),
            Arc::clone(device_side),
            device,
            Arc::clone(session),
            ended.clone(),
        );
        session.spawn("limited session flow", back);
        return Some(Flow {
            device,
            upstream,
            used: Instant::now(),
            ended,
        });
    }
    debug!("no source port is free for a flow");
    None
}

async fn carry_back(
    upstream: Arc<UdpSocket>,
    device_side: Arc<UdpSocket>,
    device: SocketAddr,
    session: Arc<Session>,
    ended: CancellationToken,
) {
    let mut datagram = vec![0; MAX_DATAGRAM];
    loop {
        let received = tokio::select! {
            () = ended.cancelled() => return,
            received = upstream.recv(&mut datagram) => received,
        };
        match received {
            Ok(length) if session.is_open() && session.spend(length) => {
                let _ = device_side
                    .send_to(datagram.get(..length).unwrap_or_default(), device)
                    .await;
            }
            Ok(_) => {}
            Err(_) => sleep(ERROR_PAUSE).await,
        }
    }
}

/// Sockets of one device at a time.
const MAX_FLOWS: usize = 4;
/// Longer ones arrive truncated, which DTLS discards.
const MAX_DATAGRAM: usize = 4096;
const ERROR_PAUSE: Duration = Duration::from_millis(10);

//! Plays radio, AMF/SEAF and SMF/UPF towards Berth in laboratories and tests.
//!
//! Towards devices it serves `berth.access_gateway.v1.N1Service` without TLS: devices are strangers, and
//! what they prove, they prove inside. Towards the network it is one of the access gateways that the
//! AuSF knows by their certificate. It
//!
//! - announces its networks, and alone says which serving network a procedure runs in;
//! - carries OWA frames (Berth protocol, OWA version 1);
//! - is the SEAF of 5G AKA: it compares HRES*, and alone receives K_SEAF (TS 33.501 6.1.3.2);
//! - enforces limited connectivity (TS 23.501 5.30.2.10.4): for each session one UDP relay to the
//!   provisioning server and one HTTP CONNECT listener that reaches the allowed targets only, from
//!   source ports that belong to this device alone, until the session expires, is ended, or has used its
//!   quota up.
//!
//! It radiates nothing and encrypts nothing that a radio would: whoever reaches its port is in the cell.

mod aka;
mod config;
mod connect;
mod connectivity;
mod device;
mod exchange;
mod networks;
mod owa;
mod proof_ports;
mod relay;
mod source_ports;
mod watch;

pub use crate::config::{AccessGatewayConfig, NetworkConfig};
pub use crate::networks::NetworksError;

use std::net::SocketAddr;
use std::sync::Arc;

use nf_api::NetworkFunction;
use nf_api::pb::access_gateway::n1_service_server::N1ServiceServer;
use nf_runtime::Runtime;
use nf_runtime::grpc::{Channel, serve_radio};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tonic::service::Routes;
use tracing::info;

use crate::connectivity::Sessions;
use crate::exchange::{Edge, Gateway};
use crate::networks::Networks;
use crate::proof_ports::ProofPorts;
use crate::source_ports::SourcePorts;

/// Ways to the functions that the gateway calls.
#[derive(Clone)]
pub struct Ports {
    /// The AuSF: OWA and 5G AKA.
    pub ausf: Channel,
    /// The subscription manager: ends of limited sessions.
    pub subscription_manager: Channel,
}

/// A running gateway; its tasks are those of the runtime's lifecycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Built {
    /// Where devices reach it: `http://<address>`.
    pub address: SocketAddr,
}

/// The gateway cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The networks of the settings are malformed.
    #[error("networks of the settings are malformed")]
    Networks(#[from] NetworksError),
    /// The range of source ports holds no block.
    #[error("range of source ports is too small or turned round")]
    SourcePorts,
    /// The listener cannot be bound.
    #[error("listener cannot be bound")]
    Listen(#[source] std::io::Error),
}

/// Binds the listener, begins to serve devices and to follow the ends of limited sessions.
///
/// # Errors
/// [`BuildError`]
pub async fn build(
    config: &AccessGatewayConfig,
    ports: Ports,
    runtime: &Runtime,
) -> Result<Built, BuildError> {
    let networks = Networks::new(&config.networks)?;
    let source_ports =
        SourcePorts::new(config.first_port, config.last_port).ok_or(BuildError::SourcePorts)?;
    let latch = runtime.lifecycle.readiness().latch("access gateway");
    let listener = TcpListener::bind(&config.listen)
        .await
        .map_err(BuildError::Listen)?;
    let address = listener.local_addr().map_err(BuildError::Listen)?;

    let sessions = Sessions::new(
        config.relay_ip,
        ports.subscription_manager.clone(),
        runtime.clone(),
    );
    let proof_ports = ProofPorts::new(source_ports);
    watch::follow(
        sessions.clone(),
        proof_ports.clone(),
        ports.subscription_manager,
        runtime,
    );
    let gateway = Gateway {
        networks: Arc::new(networks),
        ausf: ports.ausf,
        sessions,
        proof_ports,
        relay_ip: config.relay_ip,
        places: Arc::new(Semaphore::new(config.max_devices)),
        metrics: runtime
            .metrics
            .procedures(NetworkFunction::AccessGateway)
            .known(&PROCEDURES),
        runtime: runtime.clone(),
    };
    let service = N1ServiceServer::new(Edge(gateway)).max_decoding_message_size(MAX_MESSAGE_BYTES);
    let serving = runtime.clone();
    runtime.lifecycle.spawn("access gateway", async move {
        serve_radio(listener, Routes::new(service), &serving).await;
    });
    latch.release();
    info!(%address, instance = config.instance, "access gateway listens");
    Ok(Built { address })
}

/// Longest message of a device: a Start with four certificates, and room.
const MAX_MESSAGE_BYTES: usize = 32 * 1024;

/// Procedures that the metrics show from the start.
const PROCEDURES: [&str; 5] = [
    "discovery",
    "one_way_authentication",
    "registration",
    "authentication_response",
    "authentication_failure",
];

//! MSGin5G Server (TS 23.554, TS 24.538), an AKMA application function (TS 33.535, TS 33.501 Annex Y).
//!
//! UEs come by CoAP over DTLS with their AKMA application key. The server knows a UE by the UE ID that the AAnF gives
//! with that key, and lets it use the UE Service IDs that are associated with this UE ID and no other. Messages are
//! delivered in the session that registered last, at whichever server on the same store that is open, or wait for the
//! recipient.

mod associations;
mod attention;
mod config;
mod contexts;
mod edge;
mod error;
mod feed;
mod hints;
mod metrics;
mod ports;
mod procedures;
mod queue;
mod reach;
mod records;
mod registrations;
mod replicas;
mod retirement;
mod server;
mod sessions;
mod tasks;

pub use config::{Msgin5gServerConfig, Suite};
pub use edge::peers::Peers;
pub use ports::{
    ApplicationKey, ApplicationKeys, Associations, Beats, GetApplicationKey, PeerResult,
};

use std::net::SocketAddr;
use std::sync::Arc;

use nf_api::NetworkFunction;
use nf_runtime::procedure::chain;
use nf_runtime::{Function, Runtime};
use store::Store;
use tokio::sync::mpsc;

/// What the function needs from the world.
#[derive(Clone)]
pub struct Ports {
    /// Its own part of the shared state.
    pub store: Store,
    /// The AAnF.
    pub application_keys: Arc<dyn ApplicationKeys>,
    /// Configuration Management.
    pub associations: Arc<dyn Associations>,
}

/// The function cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// No application function is named.
    #[error("af_fqdns is empty; name the FQDN of this application function")]
    NoFqdn,
    /// A name of an application function does not parse.
    #[error("af_fqdns holds a name that is no FQDN in lower case")]
    Fqdn(#[from] identifiers::ParseIdentifierError),
    /// The service identifier cannot be used.
    #[error("service_identifier is empty, too long or holds control characters")]
    ServiceIdentifier(#[source] msgin5g::values::ValueError),
    /// The socket of the UEs cannot be bound, or no handshake could work with the settings.
    #[error("the CoAP endpoint cannot be opened")]
    Coap(#[from] coap_tokio::BindError),
}

/// What was put together.
pub struct Built {
    /// The gRPC services.
    pub function: Function,
    /// Where UEs reach the server, CoAP over DTLS on UDP.
    pub coap_address: SocketAddr,
}

/// Puts the function together, opens its socket and starts what follows the feeds of other functions.
///
/// # Errors
/// [`BuildError`]
pub async fn build(
    config: Msgin5gServerConfig,
    ports: Ports,
    runtime: &Runtime,
) -> Result<Built, BuildError> {
    let server = Arc::new(server::Server::new(&config, ports, runtime)?);
    let procedures = server.procedures.clone();
    if let Err(error) = server.replicas.beat().await {
        tracing::warn!(
            error = chain(&error),
            "other servers do not hear of this one yet"
        );
    }
    let (departures, departed) = mpsc::channel(tasks::DEPARTURES);
    let coap = edge::coap::open(&config, &server, departures, runtime).await?;
    edge::watch::start(&server, &coap, runtime);
    tasks::start(&server, &coap, departed, config.expiry_sweep, runtime);
    Ok(Built {
        coap_address: coap.local_address(),
        function: Function {
            function: NetworkFunction::Msgin5gServer,
            routes: edge::grpc::routes(server, procedures),
        },
    })
}

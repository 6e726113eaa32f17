//! Authentication server: OWA and 5G AKA.
//!
//! The AUSF of TS 33.501 6.1 with, beside it, the authenticator of devices that have nothing but a
//! manufacturer's certificate (Berth protocol, OWA version 1; TS 33.501 I.9 calls this role the default
//! credentials server). It holds no long-term key: vectors come from the vault.

mod authentication;
mod budget;
mod config;
mod cookies;
mod edge;
mod error;
mod manufacturers;
mod networks;
mod owa;
mod ports;
mod procedures;
mod records;
mod tasks;

pub use authentication::Authentication;
pub use budget::{Acquaintance, Budget, ChallengeBudgets};
pub use config::{AccessGatewayEntry, AusfConfig, HomeNetworkEntry};
pub use cookies::Cookies;
pub use edge::peers::Peers;
pub use error::StateError;
pub use manufacturers::{Manufacturer, Manufacturers};
pub use networks::Networks;
pub use owa::{OneWayAuthentication, Origin};
pub use ports::{
    AnchorKeyRegistration, AnchorKeys, AuthenticatedDevice, CertificateFetcher, FetchCertificate,
    GetVector, LimitedSession, PeerResult, Promotion, SubscriptionManager, Vault, Vector,
};
pub use procedures::confirm_aka::{ConfirmAkaError, Confirmation, confirm_aka};
pub use procedures::device_certificate::DeviceCertificateError;
pub use procedures::prove::{Accepted, ProveOwaError, prove_owa};
pub use procedures::start::{StartOwaError, start_owa};
pub use procedures::start_aka::{Challenge, StartAkaError, resync_aka, start_aka};

use std::sync::Arc;

use akma::AKidFormat;
use nf_api::NetworkFunction;
use nf_runtime::start::patiently;
use nf_runtime::{Function, Runtime};
use store::{Outbox, Sealer, Store};

/// What the function needs from the world.
#[derive(Clone)]
pub struct Ports {
    /// Its own part of the shared state.
    pub store: Store,
    /// Seals keys at rest.
    pub sealer: Sealer,
    /// The certificate fetcher.
    pub fetcher: Arc<dyn CertificateFetcher>,
    /// The subscription manager.
    pub subscription_manager: Arc<dyn SubscriptionManager>,
    /// The vault.
    pub vault: Arc<dyn Vault>,
    /// The AAnF.
    pub anchor_keys: Arc<dyn AnchorKeys>,
}

/// The function cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A serving network name or a PLMN of the settings does not parse.
    #[error("networks of the settings are malformed")]
    Networks(#[from] identifiers::ParseIdentifierError),
    /// Shared state cannot be opened.
    #[error("shared state cannot be opened")]
    State(#[from] StateError),
}

/// The two halves of the function, and what serves them.
pub struct Built {
    /// The gRPC services.
    pub function: Function,
    /// One-way authentication.
    pub one_way: OneWayAuthentication,
    /// 5G AKA.
    pub authentication: Authentication,
}

/// Puts the function together and starts its outbox.
///
/// # Errors
/// [`BuildError`]
pub async fn build(
    config: &AusfConfig,
    ports: Ports,
    runtime: &Runtime,
) -> Result<Built, BuildError> {
    let networks = Networks::new(config)?;
    let tasks = tasks::Tasks {
        sealer: ports.sealer.clone(),
        anchor_keys: ports.anchor_keys,
        vault: ports.vault.clone(),
        subscription_manager: ports.subscription_manager.clone(),
    };
    let outbox = Outbox::new(ports.store.clone(), Arc::new(tasks));
    let running = outbox.clone();
    let stop = runtime.lifecycle.token();
    runtime
        .lifecycle
        .spawn("ausf outbox", async move { running.run(stop).await });

    let metrics = runtime
        .metrics
        .procedures(NetworkFunction::Ausf)
        .known(&PROCEDURES);
    let cookies = patiently(
        || Cookies::open(&ports.store, &ports.sealer, &runtime.random),
        StateError::cause,
    );
    let one_way = OneWayAuthentication {
        cookies: cookies.await?,
        manufacturers: Manufacturers::new(ports.store.clone()),
        store: ports.store.clone(),
        sealer: ports.sealer.clone(),
        fetcher: ports.fetcher,
        subscription_manager: ports.subscription_manager,
        vault: ports.vault.clone(),
        clock: runtime.clock.clone(),
        random: runtime.random.clone(),
        ausf_id: config.ausf_id.clone(),
        challenge_lifetime: config.challenge_lifetime,
        certificate_cache: config.certificate_cache,
        challenges: ChallengeBudgets::new(config.challenges_per_second, &runtime.clock),
        fetches: Budget::new(config.fetches_per_second, runtime.clock.clone()),
        metrics: metrics.clone(),
    };
    let authentication = Authentication {
        store: ports.store,
        sealer: ports.sealer,
        outbox,
        vault: ports.vault,
        random: runtime.random.clone(),
        networks,
        a_kid_format: AKidFormat::default(),
        context_lifetime: config.context_lifetime,
        anchor_key_wait: config.anchor_key_wait,
    };
    let routes = edge::routes(one_way.clone(), authentication.clone(), metrics);
    Ok(Built {
        function: Function {
            function: NetworkFunction::Ausf,
            routes,
        },
        one_way,
        authentication,
    })
}

/// Procedures that the metrics show from the start.
const PROCEDURES: [&str; 6] = [
    "start_owa",
    "prove_owa",
    "device_certificate",
    "start_aka",
    "resync_aka",
    "confirm_aka",
];

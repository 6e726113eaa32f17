//! AKMA anchor function (TS 33.535, TS 29.535).
//!
//! Keeps K_AKMA and A-KID of the latest primary authentication of each subscriber and gives application
//! functions the keys that policy allows them. K_AF is derived on demand and never stored.

mod config;
mod contexts;
mod edge;
mod policy;
mod procedures;
mod records;

pub use config::AanfConfig;
pub use contexts::{ContextError, Contexts};
pub use policy::{AccessPolicy, Policies, UeIdForm};
pub use procedures::get_application_key::{
    ApplicationKey, GetApplicationKey, GetApplicationKeyError, get_application_key,
};
pub use procedures::register_anchor_key::{RegisterAnchorKeyError, register_anchor_key};
pub use procedures::remove_context::remove_context;

use nf_api::NetworkFunction;
use nf_runtime::{Function, Runtime};
use store::{Sealer, Store};

/// What the function needs from the world.
#[derive(Clone)]
pub struct Ports {
    /// Its own part of the shared state.
    pub store: Store,
    /// Seals K_AKMA at rest.
    pub sealer: Sealer,
}

/// Puts the function together.
pub fn build(config: &AanfConfig, ports: Ports, runtime: &Runtime) -> Function {
    let metrics = runtime
        .metrics
        .procedures(NetworkFunction::Aanf)
        .known(&PROCEDURES);
    let policies = Policies::new(ports.store.clone());
    let contexts = Contexts::new(ports.store, ports.sealer);
    Function {
        function: NetworkFunction::Aanf,
        routes: edge::routes(
            contexts,
            policies,
            config.a_kid_grace,
            runtime.clock.clone(),
            metrics,
        ),
    }
}

/// Procedures that the metrics show from the start.
const PROCEDURES: [&str; 3] = [
    "register_anchor_key",
    "get_application_key",
    "remove_context",
];

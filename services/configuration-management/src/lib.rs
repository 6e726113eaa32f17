//! Associations of UE ID and UE Service ID, UE configuration.
//!
//! The MSGin5G Configuration Function of TS 23.554 and, for what MSGin5G needs of it, the SEAL
//! configuration management server of TS 23.434. The MSGin5G Server asks here which UE Service IDs belong
//! to the UE ID that the AAnF gave it (TS 33.501 Annex Y.2), never the other way round.

mod association;
mod config;
mod edge;
mod procedures;
mod records;

pub use association::{Association, Kind};
pub use config::ConfigurationManagementConfig;
pub use procedures::close_association::{CloseAssociationError, close_association};
pub use procedures::look_up_by_ue_id::{LookUpByUeIdError, look_up_by_ue_id};
pub use procedures::open_association::{OpenAssociationError, open_association};
pub use procedures::resolve_service_id::{ResolveServiceIdError, resolve_service_id};

use nf_api::NetworkFunction;
use nf_runtime::{Function, Runtime};
use store::Store;

/// What the function needs from the world.
#[derive(Clone)]
pub struct Ports {
    /// Its own part of the shared state.
    pub store: Store,
}

/// Puts the function together.
pub fn build(config: ConfigurationManagementConfig, ports: Ports, runtime: &Runtime) -> Function {
    let metrics = runtime
        .metrics
        .procedures(NetworkFunction::ConfigurationManagement);
    Function {
        function: NetworkFunction::ConfigurationManagement,
        routes: edge::routes(config, ports.store, metrics),
    }
}

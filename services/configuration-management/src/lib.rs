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
pub use procedures::free_claims::free_claims;
pub use procedures::look_up_by_ue_id::{LookUpByUeIdError, look_up_by_ue_id};
pub use procedures::open_association::{OpenAssociationError, open_association};
pub use procedures::resolve_service_id::{ResolveServiceIdError, resolve_service_id};

use std::time::Duration;

use nf_api::NetworkFunction;
use nf_runtime::procedure::chain;
use nf_runtime::{Function, Runtime};
use store::Store;

/// What the function needs from the world.
#[derive(Clone)]
pub struct Ports {
    /// Its own part of the shared state.
    pub store: Store,
}

/// How often reservations that a crash has left are looked for.
const FREE_CLAIMS_EVERY: Duration = Duration::from_secs(600);
/// Shorter than the time between two rounds, so that no round is left out.
const ONCE_IN: Duration = Duration::from_secs(540);

/// Puts the function together; in the background it frees what a crash has left reserved.
pub fn build(config: ConfigurationManagementConfig, ports: Ports, runtime: &Runtime) -> Function {
    let metrics = runtime
        .metrics
        .procedures(NetworkFunction::ConfigurationManagement)
        .known(&PROCEDURES);
    let (store, measured) = (ports.store.clone(), metrics.clone());
    let stop = runtime.lifecycle.token();
    runtime
        .lifecycle
        .spawn("configuration-management claims", async move {
            while stop
                .run_until_cancelled(tokio::time::sleep(FREE_CLAIMS_EVERY))
                .await
                .is_some()
            {
                // It walks through all claims: one replica does it for all, as long as the lease lasts.
                let freed = async {
                    let tag = store.tag("housekeeping")?;
                    match store.take_lease(&tag, "claims", ONCE_IN).await? {
                        Some(_) => free_claims(&store).await,
                        None => Ok(0),
                    }
                };
                let freed = measured.measure("free_claims", freed, store::Error::cause);
                match freed.await {
                    Ok(0) => {}
                    Ok(freed) => tracing::info!(
                        freed,
                        "UE Service IDs freed that were reserved and never used"
                    ),
                    Err(error) => {
                        tracing::warn!(error = chain(&error), "reservations not looked through")
                    }
                }
            }
        });
    Function {
        function: NetworkFunction::ConfigurationManagement,
        routes: edge::routes(config, ports.store, metrics),
    }
}

/// Procedures that the metrics show from the start.
const PROCEDURES: [&str; 5] = [
    "open_association",
    "close_association",
    "look_up_by_ue_id",
    "resolve_service_id",
    "free_claims",
];

//! Credential vault: the only place that holds K.
//!
//! The ARPF and SIDF of TS 33.501 5.8 and 6.12, and the holder of the operator's signing keys. K and OPc are
//! made here, leave once, sealed to the key that the device's own Proof names, and otherwise yield vectors
//! only. There is no "sign these octets": each signed type is made here from what the vault knows itself.

mod config;
mod credentials;
mod draw;
mod edge;
mod home_network_keys;
mod metrics;
pub mod operator_keys;
mod procedures;
mod records;
mod self_test;
mod vault;

pub use config::VaultConfig;
pub use credentials::CredentialError;
pub use operator_keys::{OperatorConfig, OperatorKeys, OperatorKeysError};
pub use procedures::destroy::{DestroyError, destroy};
pub use procedures::get_vector::{
    GetVector, GetVectorError, Resync, Subscriber, Vector, get_vector,
};
pub use procedures::mint::{Mint, MintError, Minted, mint};
pub use procedures::promote::{PromoteError, Promotion, promote};
pub use procedures::rewrap::rewrap;
pub use procedures::seal::{Seal, SealError, seal};
pub use procedures::sign_owa_net::{SignOwaNet, SignOwaNetError, sign_owa_net};
pub use vault::{BuildError, Vault};

use std::sync::Arc;

use nf_api::NetworkFunction;
use nf_runtime::{Function, Runtime};
use store::{Sealer, Store};

/// What the function needs from the world.
#[derive(Clone)]
pub struct Ports {
    /// Its own part of the shared state.
    pub store: Store,
    /// Seals K, OPc and private keys at rest.
    pub sealer: Sealer,
}

/// Puts the function together: self-test, operator keys, home network keys, and in the background the sealing
/// anew of what an older key-encryption key sealed.
///
/// # Errors
/// [`BuildError`]
pub async fn build(
    config: &VaultConfig,
    ports: Ports,
    runtime: &Runtime,
) -> Result<Function, BuildError> {
    let vault = Arc::new(Vault::open(config, ports, runtime).await?);
    if config.sealing.keys.len() > 1 {
        let rewrapped = Arc::clone(&vault);
        runtime.lifecycle.spawn("vault.rewrap", async move {
            match rewrap(&rewrapped).await {
                Ok(count) => {
                    tracing::info!(
                        count,
                        "credential sets sealed with the newest key-encryption key"
                    );
                }
                Err(error) => {
                    let error = nf_runtime::procedure::chain(&error);
                    tracing::warn!(
                        error,
                        "credential sets not sealed anew; the next start tries again"
                    );
                }
            }
        });
    }
    let metrics = runtime
        .metrics
        .procedures(NetworkFunction::Vault)
        .known(&PROCEDURES);
    Ok(Function {
        function: NetworkFunction::Vault,
        routes: edge::routes(vault, metrics),
    })
}

/// Procedures that the metrics show from the start.
const PROCEDURES: [&str; 6] = [
    "mint",
    "seal",
    "get_vector",
    "promote",
    "destroy",
    "sign_owa_net",
];

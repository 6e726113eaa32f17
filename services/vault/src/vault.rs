//! The vault as its procedures see it.

use cause::Cause;
use identifiers::OperatorId;
use key_hierarchy::ecies::HomeNetworkKey;
use nf_runtime::Runtime;
use nf_runtime::clock::Clock;
use nf_runtime::random::Random;
use nf_runtime::start::patiently;

use crate::config::VaultConfig;
use crate::credentials::{CredentialError, Credentials};
use crate::metrics::SignedObjects;
use crate::operator_keys::{OperatorKeys, OperatorKeysError};
use crate::{Ports, home_network_keys, self_test};

/// The vault does not start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// MILENAGE does not give the published results: nothing may be done with this build on this machine.
    #[error("self-test of MILENAGE failed")]
    SelfTest,
    /// The operator's keys cannot be used.
    #[error("keys of the operator cannot be used")]
    Operator(#[from] OperatorKeysError),
    /// The store or what is sealed in it cannot be read.
    #[error("stored keys cannot be used")]
    Stored(#[from] CredentialError),
}

impl BuildError {
    /// The cause to report.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::SelfTest => Cause::Internal,
            Self::Operator(error) => error.cause(),
            Self::Stored(error) => error.cause(),
        }
    }
}

/// Everything that the procedures work with.
pub struct Vault {
    pub(crate) credentials: Credentials,
    pub(crate) operator: OperatorKeys,
    pub(crate) home_network_keys: Vec<HomeNetworkKey>,
    pub(crate) seals_per_session: u32,
    /// How many safety jumps were ordered.
    pub(crate) jumps: u64,
    pub(crate) signed: SignedObjects,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

impl Vault {
    /// Tests MILENAGE, reads the operator's keys, and makes the home network's keys if there are none.
    ///
    /// # Errors
    /// [`BuildError`]
    pub async fn open(
        config: &VaultConfig,
        ports: Ports,
        runtime: &Runtime,
    ) -> Result<Self, BuildError> {
        if !self_test::milenage_works() {
            return Err(BuildError::SelfTest);
        }
        let operator = OperatorKeys::open(&config.operator, runtime.clock.unix_seconds())?;
        let credentials = Credentials {
            store: ports.store,
            sealer: ports.sealer,
        };
        if config.sqn_jump_on_start {
            // A jump more only uses up numbers.
            patiently(|| credentials.order_jump(), CredentialError::cause).await?;
            tracing::warn!(
                "sequence numbers of all subscribers jump because the configuration says so"
            );
        }
        let random = &runtime.random;
        let home_network_keys = patiently(
            || home_network_keys::open_or_create(&credentials, random),
            CredentialError::cause,
        );
        Ok(Self {
            home_network_keys: home_network_keys.await?,
            jumps: patiently(|| credentials.jumps(), CredentialError::cause).await?,
            credentials,
            operator,
            seals_per_session: config.seals_per_session,
            signed: SignedObjects::register(&runtime.metrics),
            clock: runtime.clock.clone(),
            random: runtime.random.clone(),
        })
    }

    /// The home network's keys; their public halves are for everybody.
    pub fn home_network_keys(&self) -> &[HomeNetworkKey] {
        &self.home_network_keys
    }

    /// The operator.
    pub const fn operator_id(&self) -> &OperatorId {
        self.operator.operator_id()
    }

    /// The operator's keys; only their public halves can be read.
    pub const fn operator(&self) -> &OperatorKeys {
        &self.operator
    }
}

//! What the two steps of OWA share.

use std::sync::Arc;
use std::time::Duration;

use identifiers::{OnboardingSession, ServingNetworkName};
use nf_runtime::clock::Clock;
use nf_runtime::metrics::ProcedureMetrics;
use nf_runtime::random::Random;
use store::{Binding, Sealer, Store, Tag};

use crate::budget::{Budget, ChallengeBudgets};
use crate::cookies::Cookies;
use crate::manufacturers::Manufacturers;
use crate::ports::{CertificateFetcher, SubscriptionManager, Vault};

/// Everything that one-way authentication works with.
#[derive(Clone)]
pub struct OneWayAuthentication {
    pub(crate) store: Store,
    pub(crate) sealer: Sealer,
    pub(crate) cookies: Cookies,
    pub(crate) manufacturers: Manufacturers,
    pub(crate) fetcher: Arc<dyn CertificateFetcher>,
    pub(crate) subscription_manager: Arc<dyn SubscriptionManager>,
    pub(crate) vault: Arc<dyn Vault>,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) ausf_id: String,
    pub(crate) challenge_lifetime: Duration,
    pub(crate) certificate_cache: Duration,
    pub(crate) challenges: ChallengeBudgets,
    pub(crate) fetches: Budget,
    pub(crate) metrics: ProcedureMetrics,
}

/// How long identical Proofs get the same Accept.
pub(crate) const PROOF_RETRIES: Duration = Duration::from_secs(60);

/// Longest frame of a device. A Start with four certificates has some 6 KiB.
pub(crate) const MAX_FRAME_OCTETS: usize = 16 * 1024;

/// Where a message came from: a gateway that has shown its identity, and its word for the device.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Identity of the gateway.
    pub gateway: String,
    /// The gateway's reference for the device.
    pub ue_reference: String,
    /// The network that the gateway may claim and has claimed.
    pub serving_network_name: ServingNetworkName,
}

impl Origin {
    /// What a cookie and a session are bound to.
    pub(crate) fn source(&self) -> String {
        format!("{} {}", self.gateway, self.ue_reference)
    }
}

impl OneWayAuthentication {
    pub(crate) fn session_tag(&self, session: &OnboardingSession) -> Result<Tag, store::Error> {
        Ok(self.store.tag(&session.base64url())?)
    }
}

pub(crate) fn prk_binding(session: &OnboardingSession) -> Binding {
    Binding::new("owa-prk").text(&session.base64url())
}

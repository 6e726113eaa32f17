//! What other functions have to hear of an authentication, applied at least once from the outbox.

use std::sync::Arc;

use async_trait::async_trait;
use cause::Cause;
use identifiers::{AKid, Supi};
use nf_runtime::telemetry::set_parent_from_traceparent;
use prost::Message;
use secret::KAkma;
use store::{Applied, Applier, Outgoing, Sealer};
use tracing::{Instrument as _, info_span};

use crate::authentication::{ACTIVATION, ANCHOR_KEY, anchor_key_binding};
use crate::ports::{AnchorKeyRegistration, AnchorKeys, PeerResult, SubscriptionManager, Vault};
use crate::records::{ActivationTask, AnchorKeyTask};

/// Tells the AAnF, the vault and the subscription manager.
pub(crate) struct Tasks {
    pub(crate) sealer: Sealer,
    pub(crate) anchor_keys: Arc<dyn AnchorKeys>,
    pub(crate) vault: Arc<dyn Vault>,
    pub(crate) subscription_manager: Arc<dyn SubscriptionManager>,
}

#[async_trait]
impl Applier for Tasks {
    async fn apply(&self, message: &Outgoing) -> Applied {
        let span = info_span!("ausf.outbox", topic = message.topic);
        set_parent_from_traceparent(&span, &message.traceparent);
        self.tell(message).instrument(span).await
    }
}

impl Tasks {
    async fn tell(&self, message: &Outgoing) -> Applied {
        let outcome = match message.topic.as_str() {
            ANCHOR_KEY => match self.registration(&message.payload) {
                Some(registration) => self.anchor_keys.register(registration).await,
                None => return Applied::Refused("the task is damaged".to_owned()),
            },
            ACTIVATION => match ActivationTask::decode(message.payload.as_slice()) {
                Ok(task) => self.activate(&task.credential_set_id).await,
                Err(_) => return Applied::Refused("the task is damaged".to_owned()),
            },
            _ => return Applied::Refused("the topic is not known".to_owned()),
        };
        match outcome {
            // A newer authentication has overtaken this one: it is settled.
            Ok(()) | Err(Cause::StaleAuthenticationEpoch) => Applied::Done,
            Err(cause) if cause.retryable() || cause.http() >= 500 => Applied::Retry,
            Err(cause) => {
                tracing::error!(
                    topic = message.topic,
                    cause = cause.name(),
                    "a task of an authentication was refused"
                );
                Applied::Refused(cause.name().to_owned())
            }
        }
    }

    /// Promoting is idempotent, and a set that another has replaced since is refused by the vault.
    async fn activate(&self, credential_set_id: &str) -> PeerResult<()> {
        let promotion = self.vault.promote(credential_set_id).await?;
        self.subscription_manager
            .credential_activated(
                &promotion.subscription_id,
                &promotion.device_id,
                credential_set_id,
            )
            .await
    }

    fn registration(&self, payload: &[u8]) -> Option<AnchorKeyRegistration> {
        let task = AnchorKeyTask::decode(payload).ok()?;
        let binding = anchor_key_binding(&task.supi, task.authentication_epoch);
        let k_akma = self.sealer.unseal(&task.k_akma, &binding).ok()?;
        Some(AnchorKeyRegistration {
            supi: Supi::parse(&task.supi).ok()?,
            gpsi: task.gpsi,
            a_kid: AKid::parse(&task.a_kid).ok()?,
            k_akma: KAkma::try_from_slice(k_akma.expose()).ok()?,
            authentication_epoch: task.authentication_epoch,
        })
    }
}

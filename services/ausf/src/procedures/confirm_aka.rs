//! Confirming an authentication.

use aka::confirm;
use akma::{a_tid, k_akma};
use cause::Cause;
use futures::future::join_all;
use identifiers::{RoutingIndicator, ServingNetworkName, Supi};
use key_hierarchy::five_g_aka::k_seaf;
use nf_api::Caller;
use secret::{KAusf, KSeaf, ResStar};
use store::{Class, Stored, Tag};

use super::start_aka::{StartAkaError, check_context};
use crate::authentication::{ACTIVATION, ANCHOR_KEY, Authentication, anchor_key_binding};
use crate::error::StateError;
use crate::records::{ActivationTask, AkaContextRecord, AnchorKeyTask, Outcome};

/// An authentication was not decided.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmAkaError {
    /// The context is not known, or not for this caller.
    #[error("the authentication context cannot be used")]
    Context(#[from] StartAkaError),
    /// The vault did not promote the credential set.
    #[error("the credential set cannot be promoted")]
    Promote(Cause),
    /// State failed.
    #[error("the result cannot be stored")]
    State(#[from] StateError),
}

impl From<store::Error> for ConfirmAkaError {
    fn from(error: store::Error) -> Self {
        Self::State(error.into())
    }
}

impl ConfirmAkaError {
    /// The cause to answer with.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Context(error) => error.cause(),
            Self::Promote(cause) => *cause,
            Self::State(error) => error.cause(),
        }
    }
}

/// How an authentication ended.
#[derive(Clone)]
pub enum Confirmation {
    /// RES* is right.
    Success {
        /// The subscriber.
        supi: Supi,
        /// K_SEAF.
        k_seaf: KSeaf,
        /// Signed commit of the active credential set.
        commit: Vec<u8>,
    },
    /// RES* is wrong or was never given. There is no key.
    Failure,
}

/// Compares RES* with XRES* and, on success, hands K_AKMA to the AAnF and a proven credential set to the vault.
///
/// A wrong RES* consumes the context. Repeating the right one answers the same while the context lives. The
/// result and the registration of K_AKMA are one transaction. That a credential set is proven is durable before
/// the vault is asked to promote it, so that its promotion and the news of it survive a crash at any point. Both
/// the AAnF and the subscription manager are tried for `anchor_key_wait`; success is answered either way.
///
/// # Errors
/// [`ConfirmAkaError`]
///
/// Source: TS 33.501 6.1.3.2 steps 10 to 12, TS 33.535 6.1.
#[tracing::instrument(skip_all, name = "ausf.confirm_aka", fields(nf.clause = "TS 33.501 6.1.3.2"))]
pub async fn confirm_aka(
    authentication: &Authentication,
    caller: &Caller,
    auth_ctx_id: &str,
    res_star: Option<ResStar>,
    serving_network_name: &ServingNetworkName,
) -> Result<Confirmation, ConfirmAkaError> {
    let Ok(tag) = authentication.context_tag(auth_ctx_id) else {
        return Err(StartAkaError::ContextNotFound.into());
    };
    for _ in 0..MOST_DECISIONS {
        let found = authentication.store.read::<AkaContextRecord>(&tag).await?;
        let context = found.ok_or(StartAkaError::ContextNotFound)?;
        check_context(authentication, &context, caller, serving_network_name)?;
        let attempt = Attempt {
            authentication,
            auth_ctx_id,
            tag: &tag,
            context,
            serving_network_name,
        };
        match attempt.decide(res_star.as_ref()).await {
            // Somebody else has decided the same context at the same time: what they decided holds.
            Err(ConfirmAkaError::State(StateError::Store(error))) if error.is_conflict() => {}
            decided => return decided,
        }
    }
    Err(StartAkaError::ContextNotFound.into())
}

/// A context is decided once; reading it again after somebody else did finds a decision.
const MOST_DECISIONS: usize = 3;

/// One look at a context.
struct Attempt<'a> {
    authentication: &'a Authentication,
    auth_ctx_id: &'a str,
    tag: &'a Tag,
    context: Stored<AkaContextRecord>,
    serving_network_name: &'a ServingNetworkName,
}

impl Attempt<'_> {
    async fn decide(&self, res_star: Option<&ResStar>) -> Result<Confirmation, ConfirmAkaError> {
        let record = &self.context.record;
        if record.outcome() != Outcome::Open {
            // An earlier attempt may have decided it without hearing whether that lasts.
            self.authentication.store.settle().await?;
        }
        if record.outcome() == Outcome::Failure {
            return Ok(Confirmation::Failure);
        }
        let (xres_star, k_ausf) = self
            .authentication
            .unseal_context(self.auth_ctx_id, &record.sealed)?;
        if res_star.is_none_or(|res_star| confirm(&xres_star, res_star).is_err()) {
            if record.outcome() == Outcome::Open {
                self.fail().await?;
            }
            return Ok(Confirmation::Failure);
        }
        let supi = Supi::parse(&record.supi).map_err(|_| damaged())?;
        let commit = match record.outcome() {
            Outcome::Success => record.commit.clone(),
            _ => self.succeed(&supi, &k_ausf).await?,
        };
        Ok(Confirmation::Success {
            supi,
            k_seaf: k_seaf(&k_ausf, self.serving_network_name),
            commit,
        })
    }

    /// The context is consumed; a record of the failure stays, so that repeating it answers the same.
    async fn fail(&self) -> Result<(), ConfirmAkaError> {
        let record = AkaContextRecord {
            outcome: Outcome::Failure.into(),
            sealed: Vec::new(),
            ..self.context.record.clone()
        };
        let mut transaction = self
            .authentication
            .store
            .transaction(self.tag, Class::Record);
        transaction
            .put(&record)
            .if_version(self.context.version)
            .expires_in(self.authentication.context_lifetime);
        self.authentication.store.commit(transaction).await?;
        Ok(())
    }

    async fn succeed(&self, supi: &Supi, k_ausf: &KAusf) -> Result<Vec<u8>, ConfirmAkaError> {
        let Self { authentication, .. } = self;
        let mut record = AkaContextRecord {
            outcome: Outcome::Success.into(),
            ..self.context.record.clone()
        };
        let activation = match record.candidate {
            true => {
                let (tag, commit) = self.promote().await?;
                record.commit = commit;
                Some(tag)
            }
            false => None,
        };
        let mut transaction = authentication.store.transaction(self.tag, Class::Record);
        if record.akma_allowed
            && let Some(task) = anchor_key_task(authentication, &record, supi, k_ausf)?
        {
            transaction.send(ANCHOR_KEY, &task);
        }
        transaction
            .put(&record)
            .if_version(self.context.version)
            .expires_in(authentication.context_lifetime);
        authentication.store.commit(transaction).await?;

        let wait = authentication.anchor_key_wait;
        let tags = [Some(self.tag), activation.as_ref()].into_iter().flatten();
        join_all(tags.map(|tag| authentication.outbox.drain(tag, wait))).await;
        Ok(record.commit)
    }

    /// Makes the proven credential set the active one. Where the activation waits has a tag of its own, so that
    /// neither the AAnF nor the subscription manager holds up what the other has to hear.
    async fn promote(&self) -> Result<(Tag, Vec<u8>), ConfirmAkaError> {
        let Self { authentication, .. } = self;
        let credential_set_id = &self.context.record.credential_set_id;
        let tag = authentication
            .store
            .tag(credential_set_id)
            .map_err(store::Error::from)?;
        let mut transaction = authentication.store.transaction(&tag, Class::Record);
        let task = ActivationTask {
            credential_set_id: credential_set_id.clone(),
        };
        transaction.send(ACTIVATION, &task);
        authentication.store.commit(transaction).await?;
        let promoted = authentication.vault.promote(credential_set_id).await;
        authentication.outbox.nudge(&tag);
        let promotion = promoted.map_err(ConfirmAkaError::Promote)?;
        Ok((tag, promotion.commit))
    }
}

fn damaged() -> StateError {
    StateError::from(store::Error::Corrupt {
        kind: "aka-context",
    })
}

fn anchor_key_task(
    authentication: &Authentication,
    record: &AkaContextRecord,
    supi: &Supi,
    k_ausf: &KAusf,
) -> Result<Option<AnchorKeyTask>, ConfirmAkaError> {
    let Some(home) = authentication.networks.home_of(supi) else {
        tracing::error!(supi = %supi.redacted(), "no home network is configured for this SUPI: it gets no AKMA keys");
        return Ok(None);
    };
    let routing_indicator =
        RoutingIndicator::parse(&record.routing_indicator).map_err(|_| damaged())?;
    let a_tid = a_tid(k_ausf, &supi.kdf_form());
    let a_kid = authentication
        .a_kid_format
        .a_kid(&routing_indicator, &a_tid, home)
        .map_err(|_| damaged())?;
    let k_akma = k_akma(k_ausf, &supi.kdf_form());
    let binding = anchor_key_binding(supi.as_text(), record.authentication_epoch);
    Ok(Some(AnchorKeyTask {
        supi: supi.as_text().to_owned(),
        gpsi: record.gpsi.clone(),
        a_kid: a_kid.as_str().to_owned(),
        k_akma: authentication
            .sealer
            .seal(k_akma.expose(), &binding)
            .map_err(StateError::from)?,
        authentication_epoch: record.authentication_epoch,
    }))
}

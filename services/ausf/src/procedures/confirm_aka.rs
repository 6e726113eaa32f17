//! Confirming an authentication.

use aka::confirm;
use akma::{a_tid, k_akma};
use cause::Cause;
use identifiers::{RoutingIndicator, ServingNetworkName, Supi};
use key_hierarchy::five_g_aka::k_seaf;
use nf_api::Caller;
use secret::{KAusf, KSeaf, ResStar};
use store::{Class, Stored, Tag};

use super::start_aka::{StartAkaError, check_context};
use crate::authentication::{ACTIVATION, ANCHOR_KEY, Authentication, anchor_key_binding};
use crate::error::StateError;
use crate::ports::Promotion;
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
/// result and what the AAnF and the subscription manager have to hear are one transaction; the AAnF is tried
/// for `anchor_key_wait`, success is answered either way.
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
    let found = authentication.store.read::<AkaContextRecord>(&tag).await?;
    let context = found.ok_or(StartAkaError::ContextNotFound)?;
    check_context(&context, caller, serving_network_name)?;
    if context.record.outcome() == Outcome::Failure {
        return Ok(Confirmation::Failure);
    }
    let (xres_star, k_ausf) = authentication.unseal_context(auth_ctx_id, &context.record.sealed)?;
    let is_right = res_star.is_some_and(|res_star| confirm(&xres_star, &res_star).is_ok());
    if !is_right {
        if context.record.outcome() == Outcome::Open {
            fail(authentication, &tag, &context).await?;
        }
        return Ok(Confirmation::Failure);
    }

    let damaged = || {
        StateError::from(store::Error::Corrupt {
            kind: "aka-context",
        })
    };
    let supi = Supi::parse(&context.record.supi).map_err(|_| damaged())?;
    let k_seaf = k_seaf(&k_ausf, serving_network_name);
    if context.record.outcome() == Outcome::Success {
        return Ok(Confirmation::Success {
            supi,
            k_seaf,
            commit: context.record.commit,
        });
    }

    let promotion = match context.record.candidate {
        true => {
            let promoted = authentication
                .vault
                .promote(&context.record.credential_set_id)
                .await;
            Some(promoted.map_err(ConfirmAkaError::Promote)?)
        }
        false => None,
    };
    let commit = succeed(authentication, &tag, &context, &supi, &k_ausf, promotion).await?;
    authentication
        .outbox
        .drain(&tag, authentication.anchor_key_wait)
        .await;
    Ok(Confirmation::Success {
        supi,
        k_seaf,
        commit,
    })
}

/// The context is consumed; a record of the failure stays, so that repeating it answers the same.
async fn fail(
    authentication: &Authentication,
    tag: &Tag,
    context: &Stored<AkaContextRecord>,
) -> Result<(), ConfirmAkaError> {
    let record = AkaContextRecord {
        outcome: Outcome::Failure.into(),
        sealed: Vec::new(),
        ..context.record.clone()
    };
    let mut transaction = authentication.store.transaction(tag, Class::Record);
    transaction
        .put(&record)
        .if_version(context.version)
        .expires_in(authentication.context_lifetime);
    Ok(authentication.store.commit(transaction).await.map(drop)?)
}

async fn succeed(
    authentication: &Authentication,
    tag: &Tag,
    context: &Stored<AkaContextRecord>,
    supi: &Supi,
    k_ausf: &KAusf,
    promotion: Option<Promotion>,
) -> Result<Vec<u8>, ConfirmAkaError> {
    let mut record = AkaContextRecord {
        outcome: Outcome::Success.into(),
        ..context.record.clone()
    };
    let mut transaction = authentication.store.transaction(tag, Class::Record);
    if let Some(promotion) = promotion {
        record.commit.clone_from(&promotion.commit);
        let task = ActivationTask {
            subscription_id: promotion.subscription_id,
            device_id: promotion.device_id,
            credential_set_id: record.credential_set_id.clone(),
        };
        transaction.send(ACTIVATION, &task);
    }
    if record.akma_allowed
        && let Some(task) = anchor_key_task(authentication, &record, supi, k_ausf)?
    {
        transaction.send(ANCHOR_KEY, &task);
    }
    transaction
        .put(&record)
        .if_version(context.version)
        .expires_in(authentication.context_lifetime);
    match authentication.store.commit(transaction).await {
        Ok(_) => Ok(record.commit),
        // Somebody else confirmed the same context at the same time, with the same RES*.
        Err(error) if error.is_conflict() => Ok(record.commit),
        Err(error) => Err(error.into()),
    }
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
    let damaged = || {
        StateError::from(store::Error::Corrupt {
            kind: "aka-context",
        })
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

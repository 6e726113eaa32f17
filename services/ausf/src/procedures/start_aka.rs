//! Opening an authentication context, with or without a resynchronisation.

use aka::{HxresStar, Rand};
use cause::Cause;
use identifiers::{ParseIdentifierError, ServingNetworkName, Suci, Supi};
use nf_api::Caller;
use store::{Class, Stored};

use crate::authentication::Authentication;
use crate::error::StateError;
use crate::ports::{GetVector, Vector};
use crate::records::{AkaContextRecord, Outcome};

/// A context was not opened.
#[derive(Debug, thiserror::Error)]
pub enum StartAkaError {
    /// The gateway may not claim the serving network, or not in this context.
    #[error("the serving network is not authorized")]
    ServingNetwork,
    /// There is no open context of this id.
    #[error("there is no open authentication context of this id")]
    ContextNotFound,
    /// There is no SUPI and no SUCI.
    #[error("there is no SUPI and no SUCI")]
    SubscriberMissing,
    /// It is no SUPI and no SUCI.
    #[error("it is no SUPI and no SUCI")]
    Subscriber(#[from] ParseIdentifierError),
    /// The vault gives no vector.
    #[error("the vault gives no vector")]
    Vault(Cause),
    /// State failed.
    #[error("the authentication context cannot be stored")]
    State(#[from] StateError),
}

impl From<store::Error> for StartAkaError {
    fn from(error: store::Error) -> Self {
        Self::State(error.into())
    }
}

impl StartAkaError {
    /// The cause to answer with.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::ServingNetwork => Cause::ServingNetworkNotAuthorized,
            Self::ContextNotFound => Cause::ContextNotFound,
            Self::SubscriberMissing => Cause::MandatoryElementMissing,
            Self::Subscriber(error) => error.cause(),
            Self::Vault(cause) => *cause,
            Self::State(error) => error.cause(),
        }
    }
}

/// What the serving network gets.
#[derive(Clone, Debug)]
pub struct Challenge {
    /// Names the context.
    pub auth_ctx_id: String,
    /// RAND.
    pub rand: [u8; 16],
    /// AUTN.
    pub autn: [u8; 16],
    /// HXRES*.
    pub hxres_star: HxresStar,
}

/// Opens an authentication context for a SUPI or SUCI.
///
/// Each call is a context of its own, so that any number of authentications of one subscriber go side by side.
///
/// # Errors
/// [`StartAkaError`]
///
/// Source: TS 33.501 6.1.2, 6.1.3.2 steps 1 to 6.
#[tracing::instrument(skip_all, name = "ausf.start_aka", fields(nf.clause = "TS 33.501 6.1.3.2"))]
pub async fn start_aka(
    authentication: &Authentication,
    caller: &Caller,
    supi_or_suci: &str,
    serving_network_name: ServingNetworkName,
) -> Result<Challenge, StartAkaError> {
    if !authentication
        .networks
        .may_claim(caller, &serving_network_name)
    {
        return Err(StartAkaError::ServingNetwork);
    }
    let subscriber = subscriber(supi_or_suci)?;
    let request = GetVector {
        supi_or_suci: subscriber,
        serving_network_name: serving_network_name.clone(),
        resynchronization: None,
    };
    let vector = authentication
        .vault
        .vector(request)
        .await
        .map_err(StartAkaError::Vault)?;
    open(authentication, caller, vector, &serving_network_name).await
}

/// The text form of a SUPI or SUCI that is one. What a SUCI conceals is the vault's to find out.
fn subscriber(text: &str) -> Result<String, StartAkaError> {
    if text.is_empty() {
        return Err(StartAkaError::SubscriberMissing);
    }
    if text.starts_with("suci-") {
        Ok(Suci::parse(text)?.to_text())
    } else {
        Ok(Supi::parse(text)?.as_text().to_owned())
    }
}

/// Sets the home network's SQN by AUTS, and opens a new context. The old one is consumed.
///
/// The RAND is the one that was really sent: it comes from the context.
///
/// # Errors
/// [`StartAkaError`]
///
/// Source: TS 33.501 6.1.3.3.2, TS 33.102 6.3.5.
#[tracing::instrument(skip_all, name = "ausf.resync_aka", fields(nf.clause = "TS 33.501 6.1.3.3.2"))]
pub async fn resync_aka(
    authentication: &Authentication,
    caller: &Caller,
    auth_ctx_id: &str,
    auts: [u8; 14],
    serving_network_name: ServingNetworkName,
) -> Result<Challenge, StartAkaError> {
    let Ok(tag) = authentication.context_tag(auth_ctx_id) else {
        return Err(StartAkaError::ContextNotFound);
    };
    let found = authentication.store.read::<AkaContextRecord>(&tag).await?;
    let context = found
        .filter(|found| found.record.outcome() == Outcome::Open)
        .ok_or(StartAkaError::ContextNotFound)?;
    check_context(authentication, &context, caller, &serving_network_name)?;
    let rand = context
        .record
        .rand
        .as_slice()
        .try_into()
        .map_err(|_| store::Error::Corrupt {
            kind: "aka-context",
        })?;

    let mut transaction = authentication.store.transaction(&tag, Class::Record);
    transaction
        .delete::<AkaContextRecord>()
        .if_version(context.version);
    match authentication.store.commit(transaction).await {
        // Somebody else has consumed the context meanwhile.
        Err(error) if error.is_conflict() => return Err(StartAkaError::ContextNotFound),
        consumed => consumed?,
    };

    let request = GetVector {
        supi_or_suci: context.record.supi,
        serving_network_name: serving_network_name.clone(),
        resynchronization: Some((rand, auts)),
    };
    let vector = authentication
        .vault
        .vector(request)
        .await
        .map_err(StartAkaError::Vault)?;
    open(authentication, caller, vector, &serving_network_name).await
}

/// Whether the caller and the serving network are those of the context, and still allowed.
pub(super) fn check_context(
    authentication: &Authentication,
    context: &Stored<AkaContextRecord>,
    caller: &Caller,
    serving_network_name: &ServingNetworkName,
) -> Result<(), StartAkaError> {
    let record = &context.record;
    if record.serving_network_name != serving_network_name.as_str()
        || record.gateway != caller.to_string()
        || !authentication
            .networks
            .may_claim(caller, serving_network_name)
    {
        return Err(StartAkaError::ServingNetwork);
    }
    Ok(())
}

async fn open(
    authentication: &Authentication,
    caller: &Caller,
    vector: Vector,
    serving_network_name: &ServingNetworkName,
) -> Result<Challenge, StartAkaError> {
    let auth_ctx_id = authentication.new_context_id();
    let hxres_star =
        key_hierarchy::five_g_aka::hxres_star(&Rand::new(vector.rand), &vector.xres_star);
    let record = AkaContextRecord {
        supi: vector.supi.as_text().to_owned(),
        serving_network_name: serving_network_name.as_str().to_owned(),
        rand: vector.rand.to_vec(),
        sealed: authentication.seal_context(&auth_ctx_id, &vector.xres_star, &vector.k_ausf)?,
        routing_indicator: vector.routing_indicator.as_str().to_owned(),
        akma_allowed: vector.akma_allowed,
        authentication_epoch: vector.authentication_epoch,
        credential_set_id: vector.credential_set_id,
        candidate: vector.candidate,
        commit: vector.commit,
        gpsi: vector
            .gpsi
            .map(|gpsi| gpsi.as_str().to_owned())
            .unwrap_or_default(),
        outcome: Outcome::Open.into(),
        gateway: caller.to_string(),
    };
    let mut transaction = authentication
        .store
        .transaction(&authentication.context_tag(&auth_ctx_id)?, Class::Session);
    transaction
        .put(&record)
        .expires_in(authentication.context_lifetime);
    authentication.store.commit(transaction).await?;
    Ok(Challenge {
        auth_ctx_id,
        rand: vector.rand,
        autn: vector.autn,
        hxres_star,
    })
}

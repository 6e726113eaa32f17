//! Naanf_AKMA_ApplicationKey_Get.

use akma::AfId;
use cause::Cause;
use identifiers::{AKid, Fqdn, UaStarId};
use nf_api::Caller;
use secret::KAf;

use crate::contexts::{ContextError, Contexts};
use crate::policy::{Policies, UeIdForm};

/// What an application function asks for.
#[derive(Clone, Debug)]
pub struct GetApplicationKey {
    /// The A-KID that the UE presented.
    pub a_kid: AKid,
    /// The application function.
    pub af_fqdn: Fqdn,
    /// The Ua* protocol in use.
    pub ua_star_id: UaStarId,
    /// No UE ID is wanted.
    pub anonymous: bool,
}

/// What it gets.
#[derive(Clone)]
pub struct ApplicationKey {
    /// The key.
    pub k_af: KAf,
    /// When it ends, in milliseconds since 1970.
    pub expires_at_ms: u64,
    /// SUPI or GPSI in text form, as policy says; empty for none.
    pub ue_id: String,
    /// Epoch of the authentication behind the key.
    pub authentication_epoch: u64,
}

/// There is no key for the application function.
#[derive(Debug, thiserror::Error)]
pub enum GetApplicationKeyError {
    /// No policy lets this caller ask this.
    #[error("no policy allows the application function this request")]
    AfNotAllowed,
    /// Policy gives a GPSI and the subscriber has none.
    #[error("the subscriber has no UE ID of the form that policy allows")]
    NoUeId,
    /// No context knows the A-KID.
    #[error("there is no key for this A-KID")]
    Unknown(#[from] akma::GetApplicationKeyError),
    /// Policies or contexts could not be read.
    #[error("the context cannot be read")]
    Context(#[from] ContextError),
}

impl From<store::Error> for GetApplicationKeyError {
    fn from(error: store::Error) -> Self {
        Self::Context(error.into())
    }
}

impl GetApplicationKeyError {
    /// The cause to answer with.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::AfNotAllowed | Self::NoUeId => Cause::AfNotAllowed,
            Self::Unknown(error) => error.cause(),
            Self::Context(error) => error.cause(),
        }
    }
}

/// Derives K_AF for an application function that policy allows it. Presence of K_AKMA is the check of the
/// subscription.
///
/// # Errors
/// [`GetApplicationKeyError`]
///
/// Source: TS 33.535 6.2 steps 2 to 5, A.4.
#[tracing::instrument(skip_all, name = "aanf.get_application_key", fields(nf.clause = "TS 33.535 6.2"))]
pub async fn get_application_key(
    contexts: &Contexts,
    policies: &Policies,
    caller: &Caller,
    request: GetApplicationKey,
    now_ms: u64,
) -> Result<ApplicationKey, GetApplicationKeyError> {
    let policy = policies.get(&request.af_fqdn).await?;
    let policy = policy
        .filter(|policy| policy.allows(caller, &request.ua_star_id))
        .filter(|policy| !request.anonymous || policy.anonymous_allowed)
        .ok_or(GetApplicationKeyError::AfNotAllowed)?;

    let unknown = akma::GetApplicationKeyError::UnknownAKid;
    let supi = contexts.supi_of(&request.a_kid).await?.ok_or(unknown)?;
    let context = contexts.read(&supi).await?.ok_or(unknown)?;
    let af_id = AfId {
        fqdn: request.af_fqdn,
        ua_star_id: request.ua_star_id,
    };
    let key = context.application_key(&request.a_kid, &af_id, policy.max_lifetime, now_ms)?;
    let ue_id = match policy.ue_id_form {
        _ if request.anonymous => String::new(),
        UeIdForm::None => String::new(),
        UeIdForm::Supi => supi.as_text().to_owned(),
        UeIdForm::Gpsi => {
            let gpsi = key
                .anchor_key
                .gpsi
                .as_ref()
                .ok_or(GetApplicationKeyError::NoUeId)?;
            gpsi.as_str().to_owned()
        }
    };
    Ok(ApplicationKey {
        authentication_epoch: key.anchor_key.authentication_epoch,
        expires_at_ms: key.expires_at_ms,
        k_af: key.k_af,
        ue_id,
    })
}

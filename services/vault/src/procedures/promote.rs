//! Making a proven candidate the active credential set.

use cause::Cause;
use cose::{ObjectType, SignError};
use identifiers::{CredentialSetId, DeviceId, PackageId, SubscriptionId};
use provisioning::{Commit, CommittedBy};

use crate::credentials::CredentialError;
use crate::records::{CredentialSetRecord, CredentialState, SubscriberRecord};
use crate::vault::Vault;

/// An active credential set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promotion {
    /// The signed commit.
    pub commit: Vec<u8>,
    /// As minted.
    pub subscription_id: SubscriptionId,
    /// As minted.
    pub device_id: DeviceId,
}

/// A credential set was not promoted.
#[derive(Debug, thiserror::Error)]
pub enum PromoteError {
    /// There is no such credential set, or it is destroyed.
    #[error("no such credential set")]
    NotFound,
    /// The set was never handed out, so nobody can have proven it.
    #[error("the credential set was not handed out")]
    NotSealed,
    /// The commit cannot be signed.
    #[error("the commit cannot be signed")]
    Sign(#[from] SignError),
    /// Credentials could not be read or written.
    #[error("the credential set cannot be read or stored")]
    Credentials(#[from] CredentialError),
}

impl From<store::Error> for PromoteError {
    fn from(error: store::Error) -> Self {
        Self::Credentials(error.into())
    }
}

impl PromoteError {
    /// The cause to answer with.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::NotFound => Cause::NotFound,
            Self::NotSealed => Cause::Conflict,
            Self::Sign(error) => error.cause(),
            Self::Credentials(error) => error.cause(),
        }
    }
}

/// Makes a candidate active and erases the keys of the set before it; numbers and epochs stay as they are.
///
/// Durable when it returns: no commit leaves before. A repetition gets the same octets.
///
/// # Errors
/// [`PromoteError`]
///
/// Source: Berth protocol sections 4 and 7.
#[tracing::instrument(skip_all, name = "vault.promote", fields(nf.clause = "berth protocol 7"))]
pub async fn promote(vault: &Vault, id: &CredentialSetId) -> Result<Promotion, PromoteError> {
    let supi = vault
        .credentials
        .supi_of(id)
        .await?
        .ok_or(PromoteError::NotFound)?;
    let now = vault.clock.unix_seconds();
    let (set, is_new) = vault
        .credentials
        .change(&supi, |subscriber| activate(vault, subscriber, id, now))
        .await?;
    if is_new {
        vault.signed.count(ObjectType::Commit);
        tracing::info!(credential_set = %id.redacted(), supi = %supi.redacted(), "credential set active");
    }
    Ok(Promotion {
        subscription_id: subscription_id(&set)?,
        device_id: device_id(&set)?,
        commit: set.commit,
    })
}

/// Answers the active set, and whether it became active only now.
fn activate(
    vault: &Vault,
    subscriber: &mut SubscriberRecord,
    id: &CredentialSetId,
    now: u64,
) -> Result<(CredentialSetRecord, bool), PromoteError> {
    let (promoted, others): (Vec<_>, Vec<_>) = subscriber
        .sets
        .iter_mut()
        .partition(|set| set.credential_set_id == id.as_str());
    let set = promoted.into_iter().next().ok_or(PromoteError::NotFound)?;
    match set.state() {
        CredentialState::Destroyed => return Err(PromoteError::NotFound),
        CredentialState::Minted => return Err(PromoteError::NotSealed),
        CredentialState::Active => return Ok((set.clone(), false)),
        CredentialState::Sealed => {}
    }
    let package_id = PackageId::parse(&set.package_id).map_err(|_| CredentialError::damaged())?;
    let commit = Commit {
        by: CommittedBy::Package(package_id),
        device_id: device_id(set)?,
        subscription_id: subscription_id(set)?,
        credential_set_id: id.clone(),
        credential_epoch: set.credential_epoch,
        committed_at: now,
    };
    set.commit = commit.sign(vault.operator.signer())?;
    set.set_state(CredentialState::Active);
    set.sessions.clear();
    let set = set.clone();
    for other in others {
        other.destroy();
    }
    subscriber.candidate_turns = 0;
    Ok((set, true))
}

fn subscription_id(set: &CredentialSetRecord) -> Result<SubscriptionId, CredentialError> {
    SubscriptionId::parse(&set.subscription_id).map_err(|_| CredentialError::damaged())
}

fn device_id(set: &CredentialSetRecord) -> Result<DeviceId, CredentialError> {
    DeviceId::parse(&set.device_id).map_err(|_| CredentialError::damaged())
}

//! Whether a UE Service ID exists.

use cause::Cause;
use identifiers::UeServiceId;
use store::Store;

use crate::association::Association;
use crate::records::{AssociationRecord, Holder};

/// A UE Service ID could not be resolved.
#[derive(Debug, thiserror::Error)]
pub enum ResolveServiceIdError {
    /// Nobody holds it.
    #[error("no open association holds the UE Service ID")]
    NotFound,
    /// The store failed.
    #[error("associations cannot be read")]
    Store(#[from] store::Error),
}

impl ResolveServiceIdError {
    /// The cause to answer with.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::NotFound => Cause::NotFound,
            Self::Store(error) => error.cause(),
        }
    }
}

/// The open association that holds a UE Service ID. For finding recipients, never for authorising senders.
///
/// # Errors
/// [`ResolveServiceIdError`]
///
/// Source: TS 23.554 5.3.2.1 (resolution of a recipient).
#[tracing::instrument(skip_all, name = "configuration_management.resolve_service_id", fields(nf.clause = "TS 23.554 5.3.2.1"))]
pub async fn resolve_service_id(
    store: &Store,
    ue_service_id: &UeServiceId,
) -> Result<Association, ResolveServiceIdError> {
    let claim = store
        .tag(ue_service_id.as_str())
        .map_err(store::Error::from)?;
    let claim = store
        .claim(&claim)
        .await?
        .filter(|claim| claim.confirmed)
        .ok_or(ResolveServiceIdError::NotFound)?;
    let holder = Holder::parse(&claim.holder).ok_or(ResolveServiceIdError::NotFound)?;
    let truth = store.tag(holder.supi).map_err(store::Error::from)?;
    let open = store
        .read_named::<AssociationRecord>(&truth, holder.association_id)
        .await?;
    let open = open
        .filter(|found| found.record.is_open())
        .ok_or(ResolveServiceIdError::NotFound)?;
    let association = open.record.association()?;
    if association.ue_service_id == *ue_service_id {
        Ok(association)
    } else {
        Err(ResolveServiceIdError::NotFound)
    }
}

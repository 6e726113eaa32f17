//! Closing an association.

use std::time::Duration;

use cause::Cause;
use identifiers::SubscriptionId;
use store::{Class, Store};

use crate::records::{AssociationRecord, Holder, WhereaboutsRecord};

/// How long a closed association can still be told to those who watch.
const REMEMBERED: Duration = Duration::from_secs(24 * 3_600);

/// An association was not closed.
#[derive(Debug, thiserror::Error)]
pub enum CloseAssociationError {
    /// The store failed.
    #[error("associations cannot be stored")]
    Store(#[from] store::Error),
}

impl CloseAssociationError {
    /// The cause to answer with.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Store(error) => error.cause(),
        }
    }
}

/// Closes an association; one that is not open stays so.
///
/// The association ends before its UE Service ID is free again. Durable when it returns, because it takes a
/// right away.
///
/// # Errors
/// [`CloseAssociationError`]
///
/// Source: TS 33.501 Annex Y.2, Berth protocol section 8.
#[tracing::instrument(skip_all, name = "configuration_management.close_association", fields(nf.clause = "TS 33.501 Y.2"))]
pub async fn close_association(
    store: &Store,
    subscription_id: &SubscriptionId,
    association_id: &str,
) -> Result<(), CloseAssociationError> {
    let whereabouts = store
        .tag(subscription_id.as_str())
        .map_err(store::Error::from)?;
    let Some(found) = store
        .read_named::<WhereaboutsRecord>(&whereabouts, association_id)
        .await?
    else {
        return Ok(());
    };
    let truth = store.tag(&found.record.supi).map_err(store::Error::from)?;
    if let Some(open) = store
        .read_named::<AssociationRecord>(&truth, association_id)
        .await?
        && open.record.is_open()
    {
        let mut transaction = store.transaction(&truth, Class::Record);
        transaction
            .put_named(association_id, &open.record.closed())
            .if_version(open.version)
            .expires_in(REMEMBERED);
        store.commit(transaction).await?;
    }
    // Also after a crash in between, however long ago: the row may be forgotten, the claim is not.
    let claim = store
        .tag(&found.record.ue_service_id)
        .map_err(store::Error::from)?;
    let holder = Holder {
        supi: &found.record.supi,
        association_id,
    };
    store.release(&claim, &holder.to_text()).await?;
    let mut transaction = store.transaction(&whereabouts, Class::Record);
    transaction.delete_named::<WhereaboutsRecord>(association_id);
    Ok(store.commit(transaction).await.map(drop)?)
}

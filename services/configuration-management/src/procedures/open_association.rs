//! Opening an association.

use cause::Cause;
use store::{Class, Store, Update};

use crate::association::Association;
use crate::records::{AssociationRecord, GpsiRecord, HolderRecord, WhereaboutsRecord};

/// An association was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenAssociationError {
    /// The UE Service ID belongs to another association.
    #[error("the UE Service ID is held by another association")]
    Held,
    /// The association is open with other content.
    #[error("the association is open with other content")]
    Differs,
    /// The store failed.
    #[error("associations cannot be stored")]
    Store(#[from] store::Error),
}

impl OpenAssociationError {
    /// The cause to answer with.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Held | Self::Differs => Cause::Conflict,
            Self::Store(error) => error.cause(),
        }
    }
}

/// Opens an association; repeating it changes nothing.
///
/// The UE Service ID is claimed first and the association written last, so that a crash in between leaves
/// nothing that a reader would believe; repeating the call completes it. Durable when it returns.
///
/// # Errors
/// [`OpenAssociationError`]
///
/// Source: TS 33.501 Annex Y.2 (who holds the association), Berth protocol section 8 (unique claims).
#[tracing::instrument(skip_all, name = "configuration_management.open_association", fields(nf.clause = "TS 33.501 Y.2"))]
pub async fn open_association(store: &Store, association: &Association) -> Result<(), OpenAssociationError> {
    let record = AssociationRecord::from(association);
    let supi = association.supi.as_text();

    let holder = HolderRecord { association_id: association.association_id.clone(), supi: supi.to_owned() };
    let claim = store.tag(association.ue_service_id.as_str()).map_err(store::Error::from)?;
    store
        .update(&claim, Class::Record, |held| match held {
            Some(held) if held.record == holder => Ok(Update::Keep),
            Some(_) => Err(OpenAssociationError::Held),
            None => Ok(Update::Put(holder.clone())),
        })
        .await?;

    let whereabouts = store.tag(association.subscription_id.as_str()).map_err(store::Error::from)?;
    let mut transaction = store.transaction(&whereabouts, Class::Record);
    transaction.put_named(&association.association_id, &WhereaboutsRecord { supi: supi.to_owned() });
    store.commit(transaction).await?;

    if let Some(gpsi) = &association.gpsi {
        let index = store.tag(gpsi.as_str()).map_err(store::Error::from)?;
        let mut transaction = store.transaction(&index, Class::Record);
        transaction.put(&GpsiRecord { supi: supi.to_owned() });
        store.commit(transaction).await?;
    }

    let truth = store.tag(supi).map_err(store::Error::from)?;
    if let Some(open) = store.read_named::<AssociationRecord>(&truth, &association.association_id).await? {
        return if open.record == record { Ok(()) } else { Err(OpenAssociationError::Differs) };
    }
    let mut transaction = store.transaction(&truth, Class::Record);
    transaction.put_named(&association.association_id, &record);
    Ok(store.commit(transaction).await.map(drop)?)
}

//! Opening an association.

use cause::Cause;
use store::{ClaimError, Class, Store};

use crate::association::Association;
use crate::records::{AssociationRecord, GpsiRecord, Holder, WhereaboutsRecord};

/// An association was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenAssociationError {
    /// The UE Service ID belongs to another association.
    #[error("the UE Service ID cannot be claimed")]
    Claim(#[from] ClaimError),
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
            Self::Differs => Cause::Conflict,
            Self::Claim(ClaimError::Store(error)) => error.cause(),
            Self::Claim(_) => Cause::Conflict,
            Self::Store(error) => error.cause(),
        }
    }
}

/// Opens an association; repeating it changes nothing.
///
/// The UE Service ID is reserved first, the association written, the claim confirmed last: a crash in between
/// leaves nothing that a reader would believe, and repeating the call completes it. Durable when it returns.
///
/// # Errors
/// [`OpenAssociationError`]
///
/// Source: TS 33.501 Annex Y.2 (who holds the association), Berth protocol section 8 (unique claims).
#[tracing::instrument(skip_all, name = "configuration_management.open_association", fields(nf.clause = "TS 33.501 Y.2"))]
pub async fn open_association(
    store: &Store,
    association: &Association,
) -> Result<(), OpenAssociationError> {
    let record = AssociationRecord::from(association);
    let supi = association.supi.as_text();

    let holder = Holder {
        supi,
        association_id: &association.association_id,
    }
    .to_text();
    let claim = store
        .tag(association.ue_service_id.as_str())
        .map_err(store::Error::from)?;
    store.reserve(&claim, &holder).await?;

    let whereabouts = store
        .tag(association.subscription_id.as_str())
        .map_err(store::Error::from)?;
    let mut transaction = store.transaction(&whereabouts, Class::Record);
    transaction.put_named(
        &association.association_id,
        &WhereaboutsRecord {
            supi: supi.to_owned(),
            ue_service_id: association.ue_service_id.as_str().to_owned(),
        },
    );
    store.commit(transaction).await?;

    if let Some(gpsi) = &association.gpsi {
        let index = store.tag(gpsi.as_str()).map_err(store::Error::from)?;
        let mut transaction = store.transaction(&index, Class::Record);
        transaction.put(&GpsiRecord {
            supi: supi.to_owned(),
        });
        store.commit(transaction).await?;
    }

    let truth = store.tag(supi).map_err(store::Error::from)?;
    match store
        .read_named::<AssociationRecord>(&truth, &association.association_id)
        .await?
    {
        Some(open) if open.record != record => return Err(OpenAssociationError::Differs),
        Some(_) => {}
        None => {
            let mut transaction = store.transaction(&truth, Class::Record);
            transaction
                .put_named(&association.association_id, &record)
                .if_absent();
            store.commit(transaction).await?;
        }
    }
    Ok(store.confirm(&claim, &holder).await?)
}

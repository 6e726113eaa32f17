//! Which UE Service IDs belong to a UE ID.

use cause::Cause;
use identifiers::{Gpsi, Supi};
use store::{Names, Store};

use crate::association::Association;
use crate::records::{AssociationRecord, GpsiRecord, Holder};

/// Most associations of one UE ID; a gateway UE has one for each device behind it.
const MAX_ASSOCIATIONS: usize = 1_000;

/// Associations could not be looked up.
#[derive(Debug, thiserror::Error)]
pub enum LookUpByUeIdError {
    /// The text is neither a SUPI nor a GPSI.
    #[error("the UE ID is neither a SUPI nor a GPSI")]
    Malformed,
    /// The store failed.
    #[error("associations cannot be read")]
    Store(#[from] store::Error),
}

impl LookUpByUeIdError {
    /// The cause to answer with.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Malformed => Cause::MandatoryElementIncorrect,
            Self::Store(error) => error.cause(),
        }
    }
}

/// All open associations of a UE ID, which is a SUPI (`imsi-…`, `nai-…`) or a GPSI (`msisdn-…`, `extid-…`).
///
/// An association counts only while it holds its UE Service ID. An unknown UE ID has none.
///
/// # Errors
/// [`LookUpByUeIdError`]
///
/// Source: TS 33.501 Annex Y.2.
#[tracing::instrument(skip_all, name = "configuration_management.look_up_by_ue_id", fields(nf.clause = "TS 33.501 Y.2"))]
pub async fn look_up_by_ue_id(
    store: &Store,
    ue_id: &str,
) -> Result<Vec<Association>, LookUpByUeIdError> {
    let (supi, gpsi) = match Supi::parse(ue_id) {
        Ok(supi) => (supi.as_text().to_owned(), None),
        Err(_) => {
            let gpsi = Gpsi::parse(ue_id).map_err(|_| LookUpByUeIdError::Malformed)?;
            let index = store.tag(gpsi.as_str()).map_err(store::Error::from)?;
            match store.read::<GpsiRecord>(&index).await? {
                Some(found) => (found.record.supi, Some(gpsi)),
                None => return Ok(Vec::new()),
            }
        }
    };
    let truth = store.tag(&supi).map_err(store::Error::from)?;
    let mut associations = Vec::new();
    for (_, found) in store
        .list::<AssociationRecord>(&truth, &Names::all(), MAX_ASSOCIATIONS)
        .await?
    {
        if !found.record.is_open() {
            continue;
        }
        let association = found.record.association()?;
        if gpsi.is_some() && association.gpsi != gpsi {
            continue;
        }
        let claim = store
            .tag(association.ue_service_id.as_str())
            .map_err(store::Error::from)?;
        let holder = Holder {
            supi: &supi,
            association_id: &association.association_id,
        };
        if store.holds(&claim, &holder.to_text()).await? {
            associations.push(association);
        }
    }
    Ok(associations)
}

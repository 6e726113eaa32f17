//! Freeing UE Service IDs that were reserved and never used.

use std::time::Duration;

use store::{Settlement, Store, Tag};

use crate::records::{AssociationRecord, Holder};

/// A reservation that is older was left by a crash.
const OLD: Duration = Duration::from_secs(600);

/// Settles claims that were reserved and never confirmed; answers how many were freed.
///
/// # Errors
/// [`store::Error`]
///
/// Source: Berth protocol, section 8 (unique claims).
#[tracing::instrument(skip_all, name = "configuration_management.free_claims")]
pub async fn free_claims(store: &Store) -> Result<usize, store::Error> {
    let scrubbed = store
        .scrub_claims(OLD, |_: Tag, holder: String| async move {
            Ok(if is_recorded(store, &holder).await? {
                Settlement::Confirm
            } else {
                Settlement::Free
            })
        })
        .await?;
    Ok(scrubbed.freed)
}

async fn is_recorded(store: &Store, holder: &str) -> Result<bool, store::Error> {
    let Some(holder) = Holder::parse(holder) else {
        return Ok(false);
    };
    let truth = store.tag(holder.supi)?;
    let row = store
        .read_named::<AssociationRecord>(&truth, holder.association_id)
        .await?;
    Ok(row.is_some_and(|row| row.record.is_open()))
}

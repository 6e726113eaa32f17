//! Freeing the labels of devices for which an order was begun and never placed.

use std::time::Duration;

use store::{Error, Settlement, Tag};

use crate::context::Context;
use crate::records::OrderRecord;

/// A reservation that is older was left by a crash.
const OLD: Duration = Duration::from_secs(600);

/// Settles labels that were claimed and whose order was never written; answers how many were freed.
///
/// Claims of numbers are left alone: an enrolment may wait for a peer for as long as it likes, and its worker
/// confirms them or gives them back.
///
/// Source: Berth protocol, section 8 (unique claims).
pub(crate) async fn free_labels(context: &Context) -> Result<usize, Error> {
    let scrubbed = context
        .store
        .scrub_claims(OLD, |claimed: Tag, holder: String| async move {
            if !context.is_label(&claimed) {
                return Ok(Settlement::Leave);
            }
            let order = context.store.tag(&holder)?;
            let is_placed = context.store.read::<OrderRecord>(&order).await?.is_some();
            Ok(if is_placed {
                Settlement::Confirm
            } else {
                Settlement::Free
            })
        })
        .await?;
    Ok(scrubbed.freed)
}

//! Changes of associations as a stream with heartbeats.

use std::pin::Pin;
use std::time::Duration;

use futures::StreamExt as _;
use nf_api::pb::configuration_management::WatchAssociationsResponse;
use nf_api::pb::configuration_management::watch_associations_response::Kind;
use store::{Hint, Record as _, Store};
use tokio_stream::StreamExt as _;
use tonic::Status;

use crate::records::AssociationRecord;

/// Consumers stop trusting their caches after five of these without a message.
const HEARTBEAT: Duration = Duration::from_secs(1);

pub(super) type Stream = Pin<Box<dyn futures::Stream<Item = Result<WatchAssociationsResponse, Status>> + Send>>;

pub(super) async fn open(store: &Store) -> Result<Stream, store::Error> {
    let watch = store.watch_kind(AssociationRecord::KIND).await?;
    let hints = futures::stream::unfold(watch, async |mut watch| watch.next().await.map(|hint| (hint, watch)));
    let store = store.clone();
    let changes = hints.then(move |hint| {
        let store = store.clone();
        async move { change(&store, hint).await }
    });
    let first = futures::stream::iter([(Kind::Resynchronize, Vec::new())]);
    let beats = changes.timeout_repeating(tokio::time::interval(HEARTBEAT));
    let beats = beats.map(|beat| beat.unwrap_or((Kind::Heartbeat, Vec::new())));
    let numbered = futures::StreamExt::enumerate(first.chain(beats));
    Ok(Box::pin(numbered.map(|(index, (kind, ue_ids))| {
        Ok(WatchAssociationsResponse { sequence: index as u64 + 1, kind: kind.into(), ue_ids })
    })))
}

async fn change(store: &Store, hint: Hint) -> (Kind, Vec<String>) {
    let Hint::Changed(change) = hint else { return (Kind::Resynchronize, Vec::new()) };
    let Some(name) = change.name else { return (Kind::Resynchronize, Vec::new()) };
    match store.read_named::<AssociationRecord>(&change.tag, &name).await {
        Ok(Some(row)) => (Kind::Changed, row.record.ue_ids()),
        Ok(None) | Err(_) => (Kind::Resynchronize, Vec::new()),
    }
}

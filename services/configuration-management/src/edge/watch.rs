//! Changes of associations as a feed.

use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use nf_api::pb::configuration_management::WatchAssociationsResponse;
use nf_api::pb::configuration_management::watch_associations_response::Kind;
use nf_runtime::feed::{Beat, feed};
use store::{Hint, Record as _, Store};
use tonic::Status;

use crate::records::AssociationRecord;

pub(super) type Stream = BoxStream<'static, Result<WatchAssociationsResponse, Status>>;

pub(super) async fn open(store: &Store) -> Result<Stream, store::Error> {
    let watch = store.watch_kind(AssociationRecord::KIND).await?;
    let hints = stream::unfold(watch, async |mut watch| {
        watch.next().await.map(|hint| (hint, watch))
    });
    let (store, asked) = (store.clone(), store.clone());
    let changes = hints.then(move |hint| {
        let store = store.clone();
        async move { change(&store, hint).await }
    });
    let is_current = move || {
        let store = asked.clone();
        async move { store.check().await.is_ok() }
    };
    Ok(feed(changes, is_current)
        .map(|(sequence, beat)| Ok(message(sequence, beat)))
        .boxed())
}

/// Whose associations changed; a closed one is still there to be read.
async fn change(store: &Store, hint: Hint) -> Beat<Vec<String>> {
    let Hint::Changed(change) = hint else {
        return Beat::Resynchronize;
    };
    let Some(name) = change.name else {
        return Beat::Resynchronize;
    };
    match store
        .read_named::<AssociationRecord>(&change.tag, &name)
        .await
    {
        Ok(Some(row)) => Beat::Event(row.record.ue_ids()),
        Ok(None) | Err(_) => Beat::Resynchronize,
    }
}

fn message(sequence: u64, beat: Beat<Vec<String>>) -> WatchAssociationsResponse {
    let (kind, ue_ids) = match beat {
        Beat::Resynchronize => (Kind::Resynchronize, Vec::new()),
        Beat::Heartbeat => (Kind::Heartbeat, Vec::new()),
        Beat::Event(ue_ids) => (Kind::Changed, ue_ids),
    };
    WatchAssociationsResponse {
        sequence,
        kind: kind.into(),
        ue_ids,
    }
}

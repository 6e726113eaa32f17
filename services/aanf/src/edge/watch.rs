//! Removed contexts as a feed.

use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use nf_api::pb::aanf::WatchContextsResponse;
use nf_api::pb::aanf::watch_contexts_response::Kind;
use nf_runtime::feed::{Beat, feed};
use store::{Hint, Record as _, Store};
use tonic::Status;

use crate::policy::UeIdForm;
use crate::records::ContextRecord;

pub(super) async fn open(
    store: &Store,
    forms: Vec<UeIdForm>,
) -> Result<BoxStream<'static, Result<WatchContextsResponse, Status>>, store::Error> {
    let watch = store.watch_kind(ContextRecord::KIND).await?;
    let hints = stream::unfold(watch, async |mut watch| {
        watch.next().await.map(|hint| (hint, watch))
    });
    let (store, asked) = (store.clone(), store.clone());
    let removals = hints
        .then(move |hint| {
            let (store, forms) = (store.clone(), forms.clone());
            async move { stream::iter(removals(&store, &forms, hint).await) }
        })
        .flatten();
    let is_current = move || {
        let store = asked.clone();
        async move { store.check().await.is_ok() }
    };
    Ok(feed(removals, is_current)
        .map(|(sequence, beat)| Ok(message(sequence, beat)))
        .boxed())
}

/// The UE IDs by which the watcher may know a UE whose context is gone.
async fn removals(store: &Store, forms: &[UeIdForm], hint: Hint) -> Vec<Beat<String>> {
    let Hint::Changed(change) = hint else {
        return vec![Beat::Resynchronize];
    };
    match store.read::<ContextRecord>(&change.tag).await {
        Ok(Some(found)) if found.record.current.is_some() => Vec::new(),
        Ok(Some(found)) => {
            let named = forms.iter().map(|form| match form {
                UeIdForm::Gpsi => found.record.gpsi.clone(),
                UeIdForm::Supi | UeIdForm::None => change.tag.entity().to_owned(),
            });
            named
                .filter(|ue_id| !ue_id.is_empty())
                .map(Beat::Event)
                .collect()
        }
        Ok(None) | Err(_) => vec![Beat::Resynchronize],
    }
}

fn message(sequence: u64, beat: Beat<String>) -> WatchContextsResponse {
    let (kind, ue_id) = match beat {
        Beat::Resynchronize => (Kind::Resynchronize, String::new()),
        Beat::Heartbeat => (Kind::Heartbeat, String::new()),
        Beat::Event(ue_id) => (Kind::Removed, ue_id),
    };
    WatchContextsResponse {
        sequence,
        kind: kind.into(),
        ue_id,
    }
}

//! Hints of the store: what other servers on it have written.

use std::sync::Arc;

use identifiers::UeServiceId;
use nf_runtime::procedure::chain;
use store::{Change, Hint, Kind, Record as _};
use tokio::time::sleep;

use crate::records::{QueuedRecord, RegistrationRecord};
use crate::server::Server;
use crate::tasks::PAUSE;

/// Delivers messages that were accepted at another server and whose recipient is here.
pub(crate) async fn of_messages(server: Arc<Server>) {
    let hear = |hint| match hint {
        Hint::Changed(Change { tag, name, .. }) => {
            if let (Ok(recipient), Some(name)) = (UeServiceId::parse(tag.entity()), name) {
                server.hinted(&recipient, &name);
            }
        }
        Hint::Gap => server.missed.notify_one(),
    };
    follow(&server, QueuedRecord::KIND, hear).await;
}

/// Tells deliveries under way that their recipient has registered elsewhere, or that its session is over.
pub(crate) async fn of_registrations(server: Arc<Server>) {
    let hear = |hint| match hint {
        Hint::Changed(Change { tag, .. }) => {
            if let Ok(recipient) = UeServiceId::parse(tag.entity()) {
                server.moved(&recipient);
            }
        }
        Hint::Gap => server.all_moved(),
    };
    follow(&server, RegistrationRecord::KIND, hear).await;
}

async fn follow(server: &Server, kind: Kind, hear: impl Fn(Hint)) {
    loop {
        match server.queue.watch(kind).await {
            Ok(mut watch) => {
                hear(Hint::Gap);
                while let Some(hint) = watch.next().await {
                    hear(hint);
                }
            }
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    "the store gives no hints, trying again"
                );
            }
        }
        sleep(PAUSE).await;
    }
}

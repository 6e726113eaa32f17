//! The life signs of this server, and how it leaves.

use std::sync::Arc;

use coap_tokio::Server as CoapServer;
use nf_runtime::Runtime;
use nf_runtime::lifecycle::Lifecycle;
use nf_runtime::procedure::chain;
use tokio::time::{sleep, timeout};

use crate::replicas::BEAT;
use crate::server::Server;
use crate::sessions::KnownUe;

/// Starts both.
pub(crate) fn start(server: &Arc<Server>, coap: &CoapServer<KnownUe>, runtime: &Runtime) {
    let lifecycle = &runtime.lifecycle;
    let live = live(Arc::clone(server), shutdown(lifecycle.clone()));
    lifecycle.spawn("msgin5g life signs", live);
    let retire = retire(coap.clone(), shutdown(lifecycle.clone()));
    lifecycle.spawn("msgin5g retirement", retire);
}

/// Ends as soon as the process takes no more traffic, well before its tasks are cut off.
async fn shutdown(lifecycle: Lifecycle) {
    let (readiness, token) = (lifecycle.readiness(), lifecycle.token());
    tokio::select! {
        () = readiness.withdrawn() => {}
        () = token.cancelled() => {}
    }
}

/// Tells the other servers that this one runs, until it does not.
async fn live(server: Arc<Server>, shutdown: impl Future<Output = ()>) {
    let beats = async {
        loop {
            sleep(BEAT).await;
            if let Err(error) = server.replicas.beat().await {
                tracing::debug!(
                    error = chain(&error),
                    "other servers do not hear of this one"
                );
            }
        }
    };
    tokio::select! {
        () = beats => {}
        () = shutdown => {}
    }
    // Without it the others notice when the last beat has worn off.
    match timeout(BEAT, server.replicas.leave()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(error = chain(&error), "departure not told"),
        Err(_) => tracing::debug!("departure not told in time"),
    }
}

/// Sends the UEs to other servers as soon as no new ones are sent here. Each registers there and gets what waits for it.
async fn retire(coap: CoapServer<KnownUe>, shutdown: impl Future<Output = ()>) {
    shutdown.await;
    coap.retire().await;
}

//! Feeds of other functions: what they take away ends here at once.

use std::sync::Arc;
use std::time::Duration;

use cause::Cause;
use coap_tokio::Server as CoapServer;
use futures::future::BoxFuture;
use futures::{FutureExt as _, Stream, StreamExt as _, stream};
use msgin5g::session::UeId;
use nf_runtime::Runtime;
use nf_runtime::feed::{Beat, TRUST};

use crate::ports::{Beats, PeerResult};
use crate::server::Server;
use crate::sessions::KnownUe;

/// Starts to follow both feeds.
pub(crate) fn start(server: &Arc<Server>, coap: &CoapServer<KnownUe>, runtime: &Runtime) {
    let stop = runtime.lifecycle.token();
    let follow = follow_contexts(Arc::clone(server), coap.clone());
    runtime.lifecycle.spawn("msgin5g contexts", async move {
        stop.run_until_cancelled(follow).await;
    });
    let stop = runtime.lifecycle.token();
    let follow = follow_associations(Arc::clone(server));
    runtime.lifecycle.spawn("msgin5g associations", async move {
        stop.run_until_cancelled(follow).await;
    });
}

async fn follow_contexts(server: Arc<Server>, coap: CoapServer<KnownUe>) {
    let port = server.contexts.port();
    let open = move || {
        let port = Arc::clone(&port);
        async move { port.watch_contexts().await }.boxed()
    };
    let mut beats = std::pin::pin!(lasting("contexts", open));
    while let Some(beat) = beats.next().await {
        server.contexts.feed().hear();
        match beat {
            Beat::Heartbeat => {}
            Beat::Event(removed) => end_sessions(&coap, removed).await,
            Beat::Resynchronize => {
                server.contexts.feed().renew();
                server.confirm_ahead(server.sessions.all());
            }
        }
    }
}

/// Ends the sessions of a UE, and the handshakes that would become one.
async fn end_sessions(coap: &CoapServer<KnownUe>, removed: UeId) {
    tracing::info!("AKMA context removed, sessions of the UE end");
    coap.revoke_where(move |ue| ue.ue_id == removed).await;
}

async fn follow_associations(server: Arc<Server>) {
    let port = server.associations.port();
    let open = move || {
        let port = Arc::clone(&port);
        async move { port.watch_associations().await }.boxed()
    };
    let mut beats = std::pin::pin!(lasting("associations", open));
    while let Some(beat) = beats.next().await {
        server.associations.feed().hear();
        match beat {
            Beat::Heartbeat => {}
            Beat::Event(ue_ids) => {
                server.associations.forget(&ue_ids);
                server.confirm_ahead(server.sessions.of_ues(&ue_ids));
            }
            Beat::Resynchronize => {
                server.associations.forget_all();
                server.confirm_ahead(server.sessions.all());
            }
        }
    }
}

/// A feed that is opened anew whenever it ends, fails or falls silent.
fn lasting<T: Send + 'static>(
    name: &'static str,
    open: impl Fn() -> BoxFuture<'static, PeerResult<Beats<T>>>,
) -> impl Stream<Item = Beat<T>> {
    stream::unfold(
        (open, None::<Beats<T>>),
        move |(open, mut current)| async move {
            loop {
                let mut beats = match current.take() {
                    Some(beats) => beats,
                    None => match tokio::time::timeout(TRUST, open()).await {
                        Ok(Ok(beats)) => beats,
                        Ok(Err(cause)) => {
                            pause(name, cause).await;
                            continue;
                        }
                        Err(_) => {
                            pause(name, Cause::DeadlineExceeded).await;
                            continue;
                        }
                    },
                };
                match tokio::time::timeout(TRUST, beats.next()).await {
                    Ok(Some(beat)) => return Some((beat, (open, Some(beats)))),
                    // Its server stops, or the connection has reached its age.
                    Ok(None) => {
                        tracing::debug!(feed = name, "feed ended, opening it again");
                        tokio::time::sleep(PAUSE).await;
                    }
                    Err(_) => pause(name, Cause::DeadlineExceeded).await,
                }
            }
        },
    )
}

async fn pause(feed: &'static str, cause: Cause) {
    if cause == Cause::AfNotAllowed {
        tracing::debug!(feed, "no access policy lets this server ask yet");
    } else {
        tracing::warn!(feed, cause = cause.name(), "feed lost, opening it again");
    }
    tokio::time::sleep(PAUSE).await;
}

/// Between attempts to open a feed; well below the time after which it is not trusted.
const PAUSE: Duration = Duration::from_millis(500);

//! What goes on beside requests: repeated looks, departures, expiry.

use std::sync::Arc;
use std::time::Duration;

use coap_tokio::Server as CoapServer;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, stream};
use identifiers::UeServiceId;
use msgin5g::session::SessionEpoch;
use nf_runtime::Runtime;
use nf_runtime::procedure::chain;
use store::Error;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::procedures::expire::expire;
use crate::server::Server;
use crate::sessions::KnownUe;
use crate::{hints, retirement};

/// Starts them all.
pub(crate) fn start(
    server: &Arc<Server>,
    coap: &CoapServer<KnownUe>,
    departures: mpsc::Receiver<Departure>,
    expiry_sweep: Duration,
    runtime: &Runtime,
) {
    retirement::start(server, coap, runtime);
    let spawn = |name, task: BoxFuture<'static, ()>| {
        let stop = runtime.lifecycle.token();
        runtime.lifecycle.spawn(name, async move {
            stop.run_until_cancelled(task).await;
        });
    };
    let one = || Arc::clone(server);
    spawn("msgin5g queue hints", hints::of_messages(one()).boxed());
    spawn(
        "msgin5g registration hints",
        hints::of_registrations(one()).boxed(),
    );
    spawn("msgin5g looks", look_again(one()).boxed());
    spawn("msgin5g handed over", watch_over(one()).boxed());
    spawn(
        "msgin5g departures",
        note_departures(one(), departures).boxed(),
    );
    spawn("msgin5g expiry", sweep(one(), expiry_sweep).boxed());
}

/// A session that ended, and an endpoint that it was bound to.
pub(crate) struct Departure {
    pub(crate) ue_service_id: UeServiceId,
    pub(crate) session: SessionEpoch,
}

/// Departures that wait to be noted. What does not fit is not noted: other servers go on taking the UE for present,
/// and a message that may not wait fails only at its end.
pub(crate) const DEPARTURES: usize = 65_536;

/// Writes down that sessions are over, for the other servers.
async fn note_departures(server: Arc<Server>, mut departures: mpsc::Receiver<Departure>) {
    let mut some = Vec::new();
    while departures.recv_many(&mut some, CONCURRENCY).await > 0 {
        let note = |departure| note_departure(&server, departure);
        stream::iter(some.drain(..))
            .for_each_concurrent(CONCURRENCY, note)
            .await;
    }
}

async fn note_departure(server: &Server, departure: Departure) {
    let Departure {
        ue_service_id,
        session,
    } = departure;
    while let Err(error) = server
        .registrations
        .detach(&ue_service_id, session, server.now())
        .await
    {
        tracing::warn!(
            error = chain(&error),
            "end of a session not written down yet"
        );
        sleep(PAUSE).await;
    }
}

/// Looks for messages that no hint told of, for the endpoints that are bound here: some at a time, all of them again
/// after a while, or at once when hints were lost.
async fn look_again(server: Arc<Server>) {
    loop {
        if let Err(error) = look(&server).await {
            tracing::debug!(error = chain(&error), "bound endpoints were not looked at");
        }
        // Whether it was told or is time makes no difference.
        let _ = timeout(LOOK_EVERY, server.missed.notified()).await;
    }
}

async fn look(server: &Arc<Server>) -> Result<(), Error> {
    let mut after = None;
    loop {
        let page = server.sessions.endpoints(after.as_ref(), LOOK_PAGE);
        let Some((last, _)) = page.last() else {
            return Ok(());
        };
        after = Some(last.clone());
        for (recipient, seen) in page {
            if let Some(name) = server.queue.newer(&recipient, seen.as_deref()).await? {
                server.hinted(&recipient, &name);
            }
        }
        sleep(LOOK_PAUSE).await;
    }
}

/// Sees to messages that may not wait and were left to another server: if that ends before it has delivered them, their
/// senders are told.
async fn watch_over(server: Arc<Server>) {
    loop {
        sleep(LOOK_EVERY).await;
        for recipient in server.handed_over() {
            server.take_back(&recipient);
            match server.queue.newer(&recipient, None).await {
                Ok(None) => {}
                Ok(Some(_)) => {
                    server.hand_over(&recipient);
                    server.kick(&recipient);
                }
                Err(error) => {
                    server.hand_over(&recipient);
                    tracing::debug!(error = chain(&error), "messages handed over not looked at");
                }
            }
        }
    }
}

/// Looks for expired messages from time to time.
async fn sweep(server: Arc<Server>, every: Duration) {
    loop {
        sleep(every).await;
        expire(&server).await;
    }
}

/// Departures written down at a time.
const CONCURRENCY: usize = 64;

/// Between attempts while the store does not answer.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);

/// After a look at all endpoints, until the next.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Endpoints looked at in a row, and the pause after them.
const LOOK_PAGE: usize = 64;
const LOOK_PAUSE: Duration = Duration::from_millis(100);

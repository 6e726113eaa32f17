//! Hints by publish and subscribe: one connection for all watches of a process.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::{PubSub, PubSubSink, PubSubStream};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tokio_stream::StreamExt;

use super::primary::Primary;
use super::sentinels::Place;
use crate::watch::{Change, Hint, Watched};

/// How often a silent connection is asked whether it lives, and how long it may take to answer.
const PROBE_EVERY: Duration = Duration::from_secs(3);
const PROBE_ANSWER: Duration = Duration::from_secs(2);
/// Between attempts to connect.
const RECONNECT: Duration = Duration::from_millis(200);

/// A wish to watch; answered once the server knows of it.
pub(super) struct Subscription {
    pub(super) watched: Watched,
    pub(super) active: oneshot::Sender<()>,
}

/// The channel on which changes are published, as keys. Exact names, because a server lets a limited user
/// subscribe to a pattern only if that very pattern is in its rights.
fn channel(watched: &Watched) -> String {
    match watched {
        Watched::Tag(tag) => tag.prefix().to_owned(),
        Watched::Kind(function, kind) => format!("{}:{}", function.as_str(), kind.as_str()),
    }
}

pub(super) struct Hub {
    pub(super) primary: Arc<Primary>,
    pub(super) wishes: mpsc::Receiver<Subscription>,
    pub(super) hints: broadcast::Sender<Arc<Hint>>,
}

impl Hub {
    /// Serves until nobody can wish any more. After each loss of the connection watchers get a gap hint.
    pub(super) async fn run(mut self) {
        let mut known: Vec<String> = Vec::new();
        let mut unanswered: Vec<Subscription> = Vec::new();
        let mut was_lost = false;
        loop {
            if known.is_empty() && unanswered.is_empty() {
                match self.wishes.recv().await {
                    Some(wish) => unanswered.push(wish),
                    None => return,
                }
            }
            let connected = timeout(PROBE_ANSWER, self.connect()).await;
            if let Ok(Some((connection, place))) = connected {
                let (mut sink, stream) = connection.split();
                if subscribe(&mut sink, &known).await {
                    if was_lost {
                        // Nobody may be watching any more.
                        let _unwatched = self.hints.send(Arc::new(Hint::Gap));
                    }
                    was_lost = true;
                    let ended = self
                        .serve(&mut sink, stream, &place, &mut known, &mut unanswered)
                        .await;
                    if ended {
                        return;
                    }
                }
            }
            sleep(RECONNECT).await;
        }
    }

    async fn connect(&self) -> Option<(PubSub, Option<Place>)> {
        let (client, place) = self.primary.find().await.ok()?;
        let connection = client.get_async_pubsub().await.ok()?;
        Some((connection, place))
    }

    /// Serves one connection; answers whether the hub ends.
    async fn serve(
        &mut self,
        sink: &mut PubSubSink,
        mut stream: PubSubStream,
        place: &Option<Place>,
        known: &mut Vec<String>,
        unanswered: &mut Vec<Subscription>,
    ) -> bool {
        let mut places = self.primary.places();
        loop {
            if *places.borrow_and_update() != *place {
                return false;
            }
            while let Some(wish) = unanswered.pop() {
                let wanted = channel(&wish.watched);
                if !known.contains(&wanted) {
                    if !subscribe(sink, std::slice::from_ref(&wanted)).await {
                        unanswered.push(wish);
                        return false;
                    }
                    known.push(wanted);
                }
                // A watcher that went away meanwhile does not mind.
                let _gone = wish.active.send(());
            }
            tokio::select! {
                message = stream.next() => match message {
                    Some(message) => {
                        if let Some(hint) = hint(&message) {
                            let _unwatched = self.hints.send(Arc::new(hint));
                        }
                    }
                    None => return false,
                },
                wish = self.wishes.recv() => match wish {
                    Some(wish) => unanswered.push(wish),
                    None => return true,
                },
                // The sender lives as long as the primary does.
                _moved = places.changed() => {}
                () = sleep(PROBE_EVERY) => {
                    let alive = timeout(PROBE_ANSWER, sink.ping::<redis::Value>()).await;
                    if !matches!(alive, Ok(Ok(_))) {
                        return false;
                    }
                }
            }
        }
    }
}

fn hint(message: &redis::Msg) -> Option<Hint> {
    let key = std::str::from_utf8(message.get_payload_bytes()).ok()?;
    Change::of_key(key).map(Hint::Changed)
}

async fn subscribe(sink: &mut PubSubSink, channels: &[String]) -> bool {
    if channels.is_empty() {
        return true;
    }
    let subscribed = timeout(PROBE_ANSWER, sink.subscribe(channels)).await;
    if let Ok(Err(error)) = &subscribed {
        tracing::warn!(error = %error, "the store server refuses a subscription");
    }
    matches!(subscribed, Ok(Ok(())))
}

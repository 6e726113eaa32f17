//! Hints by publish and subscribe: one connection for all watches of a process.

use std::sync::Arc;
use std::time::Duration;

use redis::Client;
use redis::aio::{PubSubSink, PubSubStream};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tokio_stream::StreamExt;

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

/// The patterns of channels for what is watched. Each changed key is a channel of its own.
fn patterns(watched: &Watched) -> Vec<String> {
    match watched {
        Watched::Tag(tag) => vec![format!("{}:*", literal(tag.prefix()))],
        Watched::Kind(function, kind) => {
            let (function, kind) = (function.as_str(), kind.as_str());
            vec![
                format!("{function}:{{*}}:{kind}"),
                format!("{function}:{{*}}:{kind}:*"),
            ]
        }
    }
}

/// A pattern that matches this text only.
fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\' | '^') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

pub(super) struct Hub {
    pub(super) client: Client,
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
            let connected = timeout(PROBE_ANSWER, self.client.get_async_pubsub()).await;
            if let Ok(Ok(connection)) = connected {
                let (mut sink, stream) = connection.split();
                if subscribe(&mut sink, &known).await {
                    if was_lost {
                        // Nobody may be watching any more.
                        let _unwatched = self.hints.send(Arc::new(Hint::Gap));
                    }
                    was_lost = true;
                    let ended = self
                        .serve(&mut sink, stream, &mut known, &mut unanswered)
                        .await;
                    if ended {
                        return;
                    }
                }
            }
            sleep(RECONNECT).await;
        }
    }

    /// Serves one connection; answers whether the hub ends.
    async fn serve(
        &mut self,
        sink: &mut PubSubSink,
        mut stream: PubSubStream,
        known: &mut Vec<String>,
        unanswered: &mut Vec<Subscription>,
    ) -> bool {
        loop {
            while let Some(wish) = unanswered.pop() {
                let wanted = patterns(&wish.watched);
                if !subscribe(sink, &wanted).await {
                    unanswered.push(wish);
                    return false;
                }
                known.extend(wanted);
                known.sort();
                known.dedup();
                // A watcher that went away meanwhile does not mind.
                let _gone = wish.active.send(());
            }
            tokio::select! {
                message = stream.next() => match message {
                    Some(message) => {
                        if let Some(change) = Change::of_key(message.get_channel_name()) {
                            let _unwatched = self.hints.send(Arc::new(Hint::Changed(change)));
                        }
                    }
                    None => return false,
                },
                wish = self.wishes.recv() => match wish {
                    Some(wish) => unanswered.push(wish),
                    None => return true,
                },
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

async fn subscribe(sink: &mut PubSubSink, patterns: &[String]) -> bool {
    if patterns.is_empty() {
        return true;
    }
    matches!(
        timeout(PROBE_ANSWER, sink.psubscribe(patterns)).await,
        Ok(Ok(()))
    )
}

//! Streams that tell other functions what changed.
//!
//! A feed begins with a resynchronisation, because whoever connects has missed what was before; then come
//! events, and a heartbeat where there was none for a second. A consumer that hears nothing for
//! [`TRUST`] stops trusting what it has cached.
//!
//! Source: Berth protocol, section 8 (revocation across functions).

use std::time::Duration;

use futures::{Stream, StreamExt as _, stream};

/// Longest silence of a feed.
pub const HEARTBEAT: Duration = Duration::from_secs(1);

/// How long a consumer trusts its caches without a message.
pub const TRUST: Duration = Duration::from_secs(5);

/// One message of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beat<T> {
    /// Something may have been missed: fetch anew whatever matters.
    Resynchronize,
    /// Nothing happened.
    Heartbeat,
    /// Something happened.
    Event(T),
}

/// Makes a feed of events; each message comes with its number, from 1.
pub fn feed<T: Send + 'static>(
    events: impl Stream<Item = Beat<T>> + Send + 'static,
) -> impl Stream<Item = (u64, Beat<T>)> + Send + 'static {
    let beats = stream::unfold(
        events.boxed(),
        async |mut events| match tokio::time::timeout(HEARTBEAT, events.next()).await {
            Ok(Some(beat)) => Some((beat, events)),
            Ok(None) => None,
            Err(_) => Some((Beat::Heartbeat, events)),
        },
    );
    stream::iter([Beat::Resynchronize])
        .chain(beats)
        .enumerate()
        .map(|(index, beat)| (index as u64 + 1, beat))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_feed_resynchronises_first_and_beats_while_nothing_happens() {
        let (send, receive) = tokio::sync::mpsc::channel(4);
        let events = stream::unfold(receive, async |mut receive| {
            receive.recv().await.map(|event| (event, receive))
        });
        let mut feed = Box::pin(feed(events));
        assert_eq!(feed.next().await, Some((1, Beat::Resynchronize)));
        assert_eq!(feed.next().await, Some((2, Beat::Heartbeat)));
        send.send(Beat::Event("opened")).await.unwrap();
        assert_eq!(feed.next().await, Some((3, Beat::Event("opened"))));
        drop(send);
        assert_eq!(feed.next().await, None);
    }
}

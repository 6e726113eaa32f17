//! Streams that tell other functions what changed.
//!
//! A feed begins with a resynchronisation, because whoever connects has missed what was before; then come
//! events, and a heartbeat where there was none for a second. A consumer that hears nothing for
//! [`TRUST`] stops trusting what it has cached.
//!
//! Source: Berth protocol, section 8 (revocation across functions).

use std::time::Duration;

use futures::{Stream, StreamExt as _, stream};
use tokio::time::timeout;

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
///
/// `is_current` says, before each heartbeat, whether changes would be noticed. A feed that cannot know ends instead
/// of saying that nothing happened; its consumer begins anew, perhaps at another replica.
pub fn feed<T, F>(
    events: impl Stream<Item = Beat<T>> + Send + 'static,
    is_current: impl Fn() -> F + Send + 'static,
) -> impl Stream<Item = (u64, Beat<T>)> + Send + 'static
where
    T: Send + 'static,
    F: Future<Output = bool> + Send,
{
    let beats = stream::unfold(
        (events.boxed(), is_current),
        async |(mut events, is_current)| {
            let beat = match timeout(HEARTBEAT, events.next()).await {
                Ok(beat) => beat?,
                Err(_) => match timeout(HEARTBEAT, is_current()).await {
                    Ok(true) => Beat::Heartbeat,
                    Ok(false) | Err(_) => return None,
                },
            };
            Some((beat, (events, is_current)))
        },
    );
    stream::iter([Beat::Resynchronize])
        .chain(beats)
        .enumerate()
        .map(|(index, beat)| (index as u64 + 1, beat))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_feed_resynchronises_first_and_beats_while_nothing_happens() {
        let (send, receive) = tokio::sync::mpsc::channel(4);
        let events = stream::unfold(receive, async |mut receive| {
            receive.recv().await.map(|event| (event, receive))
        });
        let is_current = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&is_current);
        let asked = move || std::future::ready(asked.load(Ordering::SeqCst));
        let mut feed = Box::pin(feed(events, asked));
        assert_eq!(feed.next().await, Some((1, Beat::Resynchronize)));
        assert_eq!(feed.next().await, Some((2, Beat::Heartbeat)));
        send.send(Beat::Event("opened")).await.unwrap();
        assert_eq!(feed.next().await, Some((3, Beat::Event("opened"))));
        assert_eq!(feed.next().await, Some((4, Beat::Heartbeat)));
        is_current.store(false, Ordering::SeqCst);
        assert_eq!(feed.next().await, None);
        drop(send);
    }

    #[tokio::test(start_paused = true)]
    async fn a_feed_that_gets_no_answer_falls_silent_within_two_beats() {
        let events = stream::pending::<Beat<()>>();
        let mut feed = Box::pin(feed(events, std::future::pending));
        assert_eq!(feed.next().await, Some((1, Beat::Resynchronize)));
        let begin = tokio::time::Instant::now();
        assert_eq!(feed.next().await, None);
        assert_eq!(begin.elapsed(), 2 * HEARTBEAT);
    }
}

//! The outbox.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use store::{Applied, Applier, Class, Database, Drained, Outbox, Outgoing, Store, Tag, Version};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bench::{Bench, Note, eventually, note};

/// Remembers what was applied; may be told to fail.
#[derive(Default)]
pub(crate) struct Recorder {
    applied: Mutex<Vec<Outgoing>>,
    fails: AtomicBool,
}

impl Recorder {
    pub(crate) fn numbers(&self) -> Vec<u64> {
        let applied = self.applied.lock().unwrap();
        applied.iter().map(number).collect()
    }
}

pub(crate) fn number(message: &Outgoing) -> u64 {
    <Note as prost::Message>::decode(message.payload.as_slice())
        .unwrap()
        .number
}

#[async_trait]
impl Applier for Recorder {
    async fn apply(&self, message: &Outgoing) -> Applied {
        if self.fails.load(Ordering::SeqCst) {
            return Applied::Retry;
        }
        if message.topic == "refused" {
            return Applied::Refused("no such thing".into());
        }
        self.applied.lock().unwrap().push(message.clone());
        Applied::Done
    }
}

/// An outbox that runs until it is dropped.
pub(crate) struct Running {
    pub(crate) outbox: Outbox,
    pub(crate) recorder: Arc<Recorder>,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

impl Running {
    pub(crate) fn start(store: &Store) -> Self {
        let recorder = Arc::new(Recorder::default());
        let often = Duration::from_millis(50);
        let outbox = Outbox::looking_every(store.clone(), recorder.clone(), often);
        let (tasks, cancel) = (TaskTracker::new(), CancellationToken::new());
        let (runs, until) = (outbox.clone(), cancel.clone());
        tasks.spawn(async move { runs.run(until).await });
        Self {
            outbox,
            recorder,
            tasks,
            cancel,
        }
    }

    async fn stop(self) {
        self.cancel.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

pub(crate) async fn send(store: &Store, tag: &Tag, topic: &'static str, number: u64) -> Version {
    let mut transaction = store.transaction(tag, Class::Record);
    transaction.put(&note(number));
    transaction.send(topic, &note(number));
    store.commit(transaction).await.unwrap().version
}

const SOON: Duration = Duration::from_secs(10);

pub(crate) async fn messages_are_applied_in_order_after_their_transaction(bench: &Bench) {
    let store = &bench.store;
    let running = Running::start(store);
    let tag = store.tag("sub_1").unwrap();
    let mut sequences = Vec::new();
    for number in 0..40 {
        sequences.push(send(store, &tag, "association", number).await);
        if number % 10 == 0 {
            assert_eq!(running.outbox.drain(&tag, SOON).await, Drained::Empty);
        }
    }
    assert_eq!(running.outbox.drain(&tag, SOON).await, Drained::Empty);
    assert_eq!(running.recorder.numbers(), (0..40).collect::<Vec<_>>());
    let applied = running.recorder.applied.lock().unwrap().clone();
    let given: Vec<_> = applied.iter().map(|message| message.sequence).collect();
    assert_eq!(given, sequences);
    assert!(applied.iter().all(|message| message.topic == "association"));
    assert!(applied.iter().map(|message| message.token).is_sorted());

    // A transaction that fails sends nothing.
    let mut transaction = store.transaction(&tag, Class::Record);
    transaction.put(&note(99)).if_absent();
    transaction.send("association", &note(99));
    assert!(store.commit(transaction).await.unwrap_err().is_conflict());
    assert_eq!(running.outbox.drain(&tag, SOON).await, Drained::Empty);
    assert_eq!(running.recorder.numbers().len(), 40);
    running.stop().await;
}

pub(crate) async fn a_failing_receiver_gets_its_messages_later(bench: &Bench) {
    let store = &bench.store;
    let running = Running::start(store);
    running.recorder.fails.store(true, Ordering::SeqCst);
    let tag = store.tag("sub_1").unwrap();
    for number in 0..3 {
        send(store, &tag, "registration", number).await;
    }
    let drained = running.outbox.drain(&tag, Duration::from_millis(300)).await;
    assert_eq!(drained, Drained::Pending);
    assert!(running.recorder.numbers().is_empty());
    running.recorder.fails.store(false, Ordering::SeqCst);
    eventually(SOON, "the messages", || async {
        running.recorder.numbers() == [0, 1, 2]
    })
    .await;
}

pub(crate) async fn messages_of_a_process_that_ended_are_found(bench: &Bench) {
    let store = &bench.store;
    for number in 0..5 {
        let tag = store.tag(&format!("sub_{number}")).unwrap();
        send(store, &tag, "registration", number).await;
    }
    let running = Running::start(store);
    eventually(SOON, "the messages", || async {
        let mut numbers = running.recorder.numbers();
        numbers.sort_unstable();
        numbers == [0, 1, 2, 3, 4]
    })
    .await;
}

/// Begins with a message and never ends.
#[derive(Default)]
struct Stuck {
    has_begun: AtomicBool,
}

#[async_trait]
impl Applier for Stuck {
    async fn apply(&self, _: &Outgoing) -> Applied {
        self.has_begun.store(true, Ordering::SeqCst);
        std::future::pending().await
    }
}

pub(crate) async fn messages_of_a_process_that_was_killed_are_taken_over_within_seconds(
    bench: &Bench,
) {
    let store = &bench.store;
    let stuck = Arc::new(Stuck::default());
    let killed = Outbox::new(store.clone(), stuck.clone());
    let recorder = Arc::new(Recorder::default());
    let survivor = Outbox::new(store.clone(), recorder.clone());
    let mut killed_runs = JoinSet::new();
    let (runs, never) = (killed.clone(), CancellationToken::new());
    killed_runs.spawn(async move { runs.run(never).await });
    let mut survivor_runs = JoinSet::new();
    survivor_runs.spawn(async move { survivor.run(CancellationToken::new()).await });
    let runners = store.tag("outbox-runners").unwrap();
    eventually(SOON, "both run", || async {
        store.leases(&runners).await.unwrap().len() == 2
    })
    .await;

    let tag = store.tag("sub_1").unwrap();
    send(store, &tag, "registration", 7).await;
    killed.nudge(&tag);
    eventually(SOON, "the message is being applied", || async {
        stuck.has_begun.load(Ordering::SeqCst)
    })
    .await;
    // It keeps the tag while it works; and the survivor has heard of it by then.
    const LEASE: store::Kind = store::Kind::new("lease");
    let mut versions = std::collections::BTreeSet::new();
    while versions.len() < 4 {
        let held = store.scan(&tag, LEASE, &Default::default(), 10).await;
        versions.extend(held.unwrap().iter().map(|row| row.versioned.version));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(recorder.numbers().is_empty());

    killed_runs.shutdown().await;
    eventually(SOON, "the message", || async { recorder.numbers() == [7] }).await;
    survivor_runs.shutdown().await;
}

pub(crate) async fn a_refused_message_is_put_aside(bench: &Bench) {
    let store = &bench.store;
    let running = Running::start(store);
    let tag = store.tag("sub_1").unwrap();
    send(store, &tag, "good", 1).await;
    send(store, &tag, "refused", 2).await;
    send(store, &tag, "good", 3).await;
    assert_eq!(running.outbox.drain(&tag, SOON).await, Drained::Empty);
    assert_eq!(running.recorder.numbers(), [1, 3]);
    const REFUSED: store::Kind = store::Kind::new("outbox-refused");
    let aside = store.scan(&tag, REFUSED, &Default::default(), 10).await;
    assert_eq!(aside.unwrap().len(), 1);
}

/// Two processes that share a store apply each message, the messages of each tag in order.
pub(crate) async fn two_outboxes_keep_the_order_of_each_tag(bench: &Bench) {
    let store = &bench.store;
    let one = Running::start(store);
    let two = Running::start(store);
    let tags: Vec<Tag> = (0..6)
        .map(|number| store.tag(&format!("sub_{number}")).unwrap())
        .collect();
    for number in 0..12 {
        for tag in &tags {
            send(store, tag, "association", number).await;
            if number % 2 == 0 {
                one.outbox.nudge(tag);
            } else {
                two.outbox.nudge(tag);
            }
        }
    }
    let all = || {
        let mut by_tag: HashMap<Tag, Vec<(Version, u64)>> = HashMap::new();
        for running in [&one, &two] {
            for message in running.recorder.applied.lock().unwrap().iter() {
                let seen = by_tag.entry(message.tag.clone()).or_default();
                seen.push((message.token, number(message)));
            }
        }
        by_tag
    };
    eventually(Duration::from_secs(30), "all messages", || async {
        let all = all();
        tags.iter()
            .all(|tag| all.get(tag).is_some_and(|seen| seen.len() >= 12))
    })
    .await;
    for (_, mut seen) in all() {
        // By token: in the order in which the processes had the tag.
        seen.sort_by_key(|(token, _)| *token);
        let numbers: Vec<u64> = seen.iter().map(|(_, number)| *number).collect();
        assert_eq!(numbers, (0..12).collect::<Vec<_>>());
    }
}

/// What a crash between the write and its application leaves is applied by the next process.
pub(crate) async fn reopened(database: &Database, expected: &[u64]) {
    let store = database.for_function("aanf").unwrap();
    let running = Running::start(&store);
    eventually(SOON, "the messages of before", || async {
        running.recorder.numbers() == expected
    })
    .await;
}

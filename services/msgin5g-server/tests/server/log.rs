//! What a UE can make the server write into its log.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cause::Cause;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::harness::{Bench, cause_in, refusal};

/// Counts the warnings of the server on this thread, and nothing else.
#[derive(Clone, Default)]
struct Warnings(Arc<AtomicUsize>);

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN && metadata.target().starts_with("msgin5g_server")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn what_a_ue_does_wrong_is_no_warning_and_what_we_cannot_do_is_one() {
    let warnings = Warnings::default();
    let _guard = tracing::subscriber::set_default(warnings.clone());
    let bench = Bench::start().await;
    let alice = bench.registered("alice").await;
    let bob = bench.connect("bob").await;
    alice.say("alice", "m-1").await.unwrap();
    let other = alice.message("alice", "m-1", "something else");
    for _ in 0..10 {
        let refused = refusal(alice.deliver(&other).await);
        assert_eq!(refused, (0x89, Cause::Conflict));
    }
    assert_eq!(warnings.0.load(Ordering::SeqCst), 0);

    bench.network.hangs.store(true, Ordering::SeqCst);
    let refused = bob.post(bob.msgin5g.register(None, None)).await;
    assert_eq!(cause_in(&refused), Some(Cause::AssociationUnavailable));
    assert_eq!(warnings.0.load(Ordering::SeqCst), 1);
    bench.network.hangs.store(false, Ordering::SeqCst);
    bench.stop().await;
}

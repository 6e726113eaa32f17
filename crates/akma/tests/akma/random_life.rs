//! A context under random registrations, removals and questions, against the history of them all.

use core::time::Duration;

use akma::AkmaContext;
use proptest::prelude::*;

use crate::context::{a_kid, anchor_key};

#[derive(Clone, Debug)]
enum Step {
    Register { epoch: u64, grace_ms: u64 },
    Remove,
    Upkeep,
    Wait { ms: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..=8u64, prop_oneof![Just(0), Just(600), 1..=50u64])
            .prop_map(|(epoch, grace_ms)| Step::Register { epoch, grace_ms }),
        1 => Just(Step::Remove),
        1 => Just(Step::Upkeep),
        3 => (0..=60u64).prop_map(|ms| Step::Wait { ms }),
    ]
}

/// What is known by the words of the specification: (epoch, known until).
#[derive(Default)]
struct History {
    highest: u64,
    known: Vec<(u64, u64)>,
}

impl History {
    fn register(&mut self, epoch: u64, grace_ms: u64, now_ms: u64) {
        if epoch <= self.highest {
            return;
        }
        self.highest = epoch;
        // Only the current one gets a grace period; whatever was in one before is over.
        self.known.retain(|(_, until)| *until == u64::MAX);
        for (_, until) in &mut self.known {
            *until = now_ms + grace_ms;
        }
        self.known.push((epoch, u64::MAX));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_the_latest_and_the_one_in_grace_are_known(steps in prop::collection::vec(step(), 0..60)) {
        let mut context = AkmaContext::default();
        let mut history = History::default();
        let mut now_ms = 1_000;
        for step in steps {
            match step {
                Step::Register { epoch, grace_ms } => {
                    let grace = Duration::from_millis(grace_ms);
                    let accepted = context.register(anchor_key(epoch), grace, now_ms).is_ok();
                    let current = history.known.contains(&(epoch, u64::MAX));
                    prop_assert_eq!(accepted, epoch > history.highest || current);
                    history.register(epoch, grace_ms, now_ms);
                }
                Step::Remove => {
                    context.remove();
                    history.known.clear();
                }
                Step::Upkeep => {
                    context.forget_superseded(now_ms);
                }
                Step::Wait { ms } => now_ms += ms,
            }
            for epoch in 1..=8 {
                let expected = history.known.iter().any(|(known, until)| *known == epoch && now_ms < *until);
                let found = context.lookup(&a_kid(epoch), now_ms);
                prop_assert_eq!(found.is_some(), expected);
                prop_assert!(found.is_none_or(|found| found.anchor_key == anchor_key(epoch)));
            }
        }
    }

    #[test]
    fn order_of_arrival_does_not_choose_the_current_key(epochs in Just((1..=8u64).collect::<Vec<_>>()).prop_shuffle()) {
        let mut context = AkmaContext::default();
        for epoch in epochs {
            let _outcome = context.register(anchor_key(epoch), Duration::from_secs(1), 0);
        }
        prop_assert_eq!(context.current.map(|current| current.anchor_key.authentication_epoch), Some(8));
    }
}

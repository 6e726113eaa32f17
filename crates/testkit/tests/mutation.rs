//! Every decoder under seeded mutations of inputs that go deep.
//!
//! `BERTH_FUZZ_SEED=N` repeats a run; without it the run is always the same.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use testkit::fuzz::{TARGETS, Target};
use testkit::mutation::Mutator;

const ITERATIONS: u32 = 5_000;

#[test]
fn names_are_unique_and_every_target_has_inputs() {
    for (at, target) in TARGETS.iter().enumerate() {
        assert!(
            !TARGETS[..at].iter().any(|other| other.name == target.name),
            "{} stands twice",
            target.name
        );
        assert!(
            !(target.seeds)().is_empty(),
            "{} has no inputs",
            target.name
        );
    }
}

#[test]
fn every_decoder_returns_whatever_it_reads() {
    let seed = match std::env::var_os("BERTH_FUZZ_SEED") {
        Some(number) => number
            .to_string_lossy()
            .parse()
            .expect("BERTH_FUZZ_SEED is a number"),
        None => 1,
    };
    println!("BERTH_FUZZ_SEED={seed}");
    let next = AtomicUsize::new(0);
    let run_all = || {
        while let Some(target) = TARGETS.get(next.fetch_add(1, Ordering::Relaxed)) {
            run(target, seed);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, Into::into) {
            scope.spawn(run_all);
        }
    });
}

#[test]
fn equal_seeds_make_equal_inputs() {
    let corpus = [b"one".to_vec(), b"another".to_vec()];
    let inputs = |seed| {
        let mut mutator = Mutator::new(seed);
        (0..100).map(|_| mutator.next(&corpus)).collect::<Vec<_>>()
    };
    assert_eq!(inputs(7), inputs(7));
    assert_ne!(inputs(7), inputs(8));
}

fn run(target: &Target, seed: u64) {
    let corpus = (target.seeds)();
    let mut mutator = Mutator::new(seed);
    let mutated = (0..ITERATIONS).map(|_| mutator.next(&corpus));
    for input in corpus.iter().cloned().chain(mutated) {
        let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
        assert!(
            outcome.is_ok(),
            "{} panics on {} (BERTH_FUZZ_SEED={seed})",
            target.name,
            hex::encode(&input)
        );
    }
}

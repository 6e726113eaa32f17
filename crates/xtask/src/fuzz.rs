//! Coverage-guided fuzzing; the same targets run with seeded mutations in the ordinary tests.

use anyhow::Result;

use crate::run::{Program, cargo, find, say};

pub(crate) fn fuzz(target: Option<&str>, seconds: u64) -> Result<()> {
    let targets = || {
        cargo([
            "run",
            "--quiet",
            "--package",
            "berth-testkit",
            "--bin",
            "fuzz-targets",
        ])
    };
    let Some(target) = target else {
        return targets().run();
    };
    if find("cargo-fuzz").is_none() {
        say("cargo-fuzz is missing and is installed now");
        cargo(["install", "--locked", "--quiet", "cargo-fuzz"]).run()?;
    }
    // Each target grows a corpus of its own.
    let corpus = format!("fuzz/corpus/{target}").replace("::", "-");
    targets().args([target, &corpus]).run()?;
    Program::new("cargo")
        .args(["+nightly", "fuzz", "run", "decoders", &corpus, "--"])
        .args([
            format!("-max_total_time={seconds}"),
            "-timeout=10".to_owned(),
        ])
        .env("BERTH_FUZZ_TARGET", target)
        .run()
}

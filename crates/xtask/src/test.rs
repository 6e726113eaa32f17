//! Everything that must hold.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::e2e::{self, LocalCluster, Missing};
use crate::run::{cargo, say};
use crate::{cluster, lint, setup};

/// Pure crates, built for a real device without an operating system.
const EMBEDDED: &[&str] = &[
    "identifiers",
    "cause",
    "secret",
    "cose",
    "key-hierarchy",
    "aka",
    "akma",
    "onboarding",
    "provisioning",
    "dtls",
    "coap",
    "msgin5g",
];

/// How long everything together may take from cold.
const BUDGET: Duration = Duration::from_secs(45 * 60);

pub(crate) fn test() -> Result<()> {
    let started = Instant::now();
    setup::install()?;
    setup::check()?;

    let cluster = LocalCluster::find();
    let cluster = match cluster {
        Ok(cluster) => Ok(cluster.begin()?),
        Err(missing) => Err(missing),
    };

    let mut done = Vec::new();
    let mut step = |name: &'static str, work: &mut dyn FnMut() -> Result<()>| -> Result<()> {
        let begin = Instant::now();
        say(&format!("\n== {name}"));
        work()?;
        done.push((name, begin.elapsed()));
        Ok(())
    };

    step("lint", &mut lint::lint)?;
    step("pure crates build for thumbv7em-none-eabihf", &mut || {
        let packages = EMBEDDED
            .iter()
            .flat_map(|name| ["--package".to_owned(), format!("berth-{name}")]);
        cargo(["build", "--quiet", "--target", "thumbv7em-none-eabihf"])
            .args(packages)
            .run()
    })?;
    step("tests of the workspace", &mut || {
        cargo(["test", "--workspace"]).run()
    })?;
    step("demo in one process", &mut demo)?;
    step("demo on separate processes and Redis", &mut || {
        cluster::cluster(&cluster::Arguments::for_tests())
    })?;

    step("scenarios on processes", &mut || e2e::processes(&[]))?;
    let mut skipped = Vec::new();
    let mut missing = None;
    match cluster {
        Ok(cluster) => {
            let begin = Instant::now();
            say("\n== scenarios on Kubernetes");
            match cluster.play(BUDGET.saturating_sub(started.elapsed()))? {
                Ok(()) => done.push(("scenarios on Kubernetes", begin.elapsed())),
                Err(reason) => missing = Some(reason),
            }
        }
        Err(reason) => missing = Some(reason),
    }
    if let Some(Missing(reason)) = missing {
        say(&format!("\n== NOT RUN: scenarios on Kubernetes: {reason}"));
        skipped.push(("scenarios on Kubernetes", reason));
    }

    say("\nWhat ran:");
    for (name, time) in &done {
        say(&format!("  {:>6.1} s  {name}", time.as_secs_f64()));
    }
    for (name, reason) in &skipped {
        say(&format!("  NOT RUN   {name}: {reason}"));
    }
    say(&format!(
        "  {:>6.1} s  in all",
        started.elapsed().as_secs_f64()
    ));
    // The plain closing line that counts steps; those of cargo test stand above.
    say(&format!(
        "{} passed, 0 failed, {} not run",
        done.len(),
        skipped.len()
    ));
    Ok(())
}

/// The demo as a newcomer runs it, twice on one folder.
fn demo() -> Result<()> {
    let data = std::env::temp_dir().join(format!("berth-demo-{}", std::process::id()));
    for _ in 0..2 {
        cargo([
            "run",
            "--release",
            "--package",
            "berth",
            "--",
            "demo",
            "--data",
        ])
        .args([&data])
        .run()?;
    }
    Ok(std::fs::remove_dir_all(data)?)
}

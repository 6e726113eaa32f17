//! What must hold of every installation, written once.

mod device;
mod first_path;
mod kill_each;
mod refusals;
mod replicas;
mod rolling_upgrade;

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::program::poll;
use crate::provider::Provider;
use crate::report::Report;

/// A scenario.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// Replicas of each function that it needs.
    pub(crate) replicas: usize,
    pub(crate) play: fn(&mut dyn Provider) -> Result<()>,
}

/// All scenarios in their order; those with as many replicas share an installation.
pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "first-path",
        replicas: 1,
        play: first_path::play,
    },
    Scenario {
        name: "device",
        replicas: 1,
        play: device::play,
    },
    Scenario {
        name: "refusals",
        replicas: 1,
        play: refusals::play,
    },
    Scenario {
        name: "replicas",
        replicas: 2,
        play: replicas::play,
    },
    Scenario {
        name: "kill-each",
        replicas: 2,
        play: kill_each::play,
    },
    Scenario {
        name: "rolling-upgrade",
        replicas: 2,
        play: rolling_upgrade::play,
    },
];

/// Changes something while stories go on, in as many steps as the change wants to; answers what the stories were like.
fn while_stories_go_on(
    provider: &mut dyn Provider,
    change: impl FnOnce(&mut dyn Provider) -> Result<()>,
) -> Result<Report> {
    provider.start_stories()?;
    let changed = change(provider);
    let report = provider.stop_stories();
    // Where both fail, the change is what explains it.
    changed?;
    report
}

/// Changes something, and lets two more stories end: the one that met the change, and one that began after it.
fn between_stories(
    provider: &mut dyn Provider,
    change: impl FnOnce(&mut dyn Provider) -> Result<()>,
) -> Result<()> {
    let before = provider.stories_so_far()?;
    change(provider)?;
    poll("two more stories", Duration::from_secs(120), || {
        Ok((provider.stories_so_far()? >= before + 2).then_some(()))
    })
}

/// No story failed or hung, and no step of one was tried more than twice.
fn within_limits(report: &Report) -> Result<()> {
    ensure!(report.failures == 0, "stories failed: {report}");
    ensure!(!report.broken_off, "the last story did not end: {report}");
    ensure!(report.stories > 0, "no story was played");
    ensure!(
        report.most_attempts <= 2,
        "a step needed more than one retry: {report}"
    );
    Ok(())
}

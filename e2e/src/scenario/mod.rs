//! What must hold of every installation, written once.

mod device;
mod first_path;
mod kill_each;
mod refusals;
mod replicas;
mod rolling_upgrade;

use anyhow::{Result, ensure};

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

/// No story failed, and no step of one was tried more than twice.
fn within_limits(report: &Report) -> Result<()> {
    ensure!(report.failures == 0, "stories failed: {report}");
    ensure!(report.stories > 0, "no story was played");
    ensure!(
        report.most_attempts <= 2,
        "a step needed more than one retry: {report}"
    );
    Ok(())
}

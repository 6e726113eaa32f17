//! Each replica, the store's too, is killed in turn while stories go on: every story completes with at most one retry of a step.

use anyhow::{Context as _, Result, ensure};

use crate::program::say;
use crate::provider::Provider;
use crate::scenario::within_limits;

pub(super) fn play(provider: &mut dyn Provider) -> Result<()> {
    let victims = provider.replicas()?;
    provider.start_stories()?;
    let mut killed = Ok(());
    for victim in &victims {
        say(&format!("    killing {victim}"));
        killed = provider
            .kill(victim)
            .with_context(|| format!("after {victim} was killed"));
        if killed.is_err() {
            break;
        }
    }
    let report = provider.stop_stories()?;
    killed?;
    say(&format!("    {report}"));
    within_limits(&report)?;
    ensure!(
        report.stories >= 3,
        "too few stories to say anything: {report}"
    );
    Ok(())
}

//! Each replica, the store's too, is killed in turn while stories go on: every story completes with at most one retry of a step.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::program::{poll, say};
use crate::provider::{Provider, Replica};
use crate::scenario::within_limits;

pub(super) fn play(provider: &mut dyn Provider) -> Result<()> {
    let victims = provider.replicas()?;
    provider.start_stories()?;
    let mut killed = Ok(());
    for victim in &victims {
        say(&format!("    killing {victim}"));
        killed = kill(provider, victim).with_context(|| format!("after {victim} was killed"));
        if killed.is_err() {
            break;
        }
    }
    let report = provider.stop_stories()?;
    killed?;
    say(&format!("    {report}"));
    within_limits(&report)?;
    ensure!(
        report.stories > u64::try_from(victims.len())?,
        "too few stories to say anything: {report}"
    );
    Ok(())
}

/// Kills one in the middle of a story, and lets the next story, which meets the new one, come to its end.
fn kill(provider: &mut dyn Provider, victim: &Replica) -> Result<()> {
    let before = provider.stories_so_far()?;
    provider.kill(victim)?;
    poll("two more stories", Duration::from_secs(120), || {
        Ok((provider.stories_so_far()? >= before + 2).then_some(()))
    })
}

//! Each replica, the store's too, is killed in turn while stories go on: every story completes with at most one retry of a step.

use anyhow::{Context as _, Result, ensure};

use crate::program::say;
use crate::provider::Provider;
use crate::scenario::{between_stories, while_stories_go_on, within_limits};

pub(super) fn play(provider: &mut dyn Provider) -> Result<()> {
    let victims = provider.replicas()?;
    let report = while_stories_go_on(provider, |provider| {
        for victim in &victims {
            say(&format!("    killing {victim}"));
            between_stories(provider, |provider| provider.kill(victim))
                .with_context(|| format!("after {victim} was killed"))?;
        }
        Ok(())
    })?;
    say(&format!("    {report}"));
    within_limits(&report)?;
    ensure!(
        report.stories > u64::try_from(victims.len())?,
        "too few stories to say anything: {report}"
    );
    Ok(())
}

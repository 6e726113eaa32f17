//! A device goes from its certificate to a delivered message, as an operator tests an installation.

use anyhow::{Result, ensure};

use crate::provider::Provider;
use crate::scenario::within_limits;

pub(super) fn play(provider: &mut dyn Provider) -> Result<()> {
    let report = provider.play(2)?;
    within_limits(&report)?;
    ensure!(
        report.retried_steps == 0,
        "nothing disturbed these stories, but steps had to be retried: {report}"
    );
    Ok(())
}

//! Every function runs twice: whichever replica a step meets, the story goes on.

use anyhow::{Result, ensure};

use crate::metrics;
use crate::provider::{Provider, ROLES};
use crate::scenario::within_limits;

pub(super) fn play(provider: &mut dyn Provider) -> Result<()> {
    let report = provider.play(6)?;
    within_limits(&report)?;
    for role in ROLES {
        let mut answered = 0;
        for replica in provider.replicas()? {
            if replica.role == role && metrics::work_done(&provider.metrics(&replica)?) > 0.0 {
                answered += 1;
            }
        }
        ensure!(
            answered >= 2,
            "only {answered} replica of {role} has answered anything"
        );
    }
    Ok(())
}

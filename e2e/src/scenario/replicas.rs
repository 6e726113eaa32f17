//! Every function runs twice: whichever replica a step meets, the story goes on, and both have their part of the work.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};

use crate::metrics;
use crate::provider::{Provider, ROLES};
use crate::scenario::within_limits;

pub(super) fn play(provider: &mut dyn Provider) -> Result<()> {
    let before = work_done(provider)?;
    let report = provider.play(6)?;
    within_limits(&report)?;
    let after = work_done(provider)?;
    for role in ROLES {
        let of_role = after.iter().filter(|((of, _), _)| of == role);
        let busy = of_role.filter(|(replica, work)| before.get(*replica) < Some(work));
        let busy = busy.count();
        ensure!(
            busy >= 2,
            "only {busy} replica of {role} had a part in the stories"
        );
    }
    Ok(())
}

/// What each replica has done so far, by its role and name.
fn work_done(provider: &mut dyn Provider) -> Result<BTreeMap<(String, String), u64>> {
    let mut done = BTreeMap::new();
    for replica in provider.replicas()? {
        if ROLES.contains(&replica.role.as_str()) {
            let text = provider.metrics(&replica);
            let text = text.with_context(|| format!("metrics of {replica}"))?;
            done.insert((replica.role, replica.name), metrics::work_done(&text));
        }
    }
    Ok(done)
}

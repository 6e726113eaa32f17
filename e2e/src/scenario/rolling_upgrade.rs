//! Every function is replaced while stories go on, and the replacement is taken back: no story fails, no secret and no record
//! is lost.

use anyhow::{Result, ensure};

use crate::program::say;
use crate::provider::Provider;
use crate::scenario::{between_stories, device, while_stories_go_on, within_limits};

pub(super) fn play(provider: &mut dyn Provider) -> Result<()> {
    let before = provider.secrets()?;
    ensure!(!before.is_empty(), "there are no secrets to keep");
    device::enrol(provider, "keeper")?;

    for what in ["upgrade", "rollback"] {
        let report = while_stories_go_on(provider, |provider| {
            between_stories(provider, |provider| match what {
                "upgrade" => provider.upgrade(),
                _ => provider.roll_back(),
            })
        })?;
        say(&format!("    {what}: {report}"));
        within_limits(&report)?;
        let after = provider.secrets()?;
        for (name, digest) in &before {
            ensure!(
                after.get(name) == Some(digest),
                "the secret {name} is not the same after the {what}"
            );
        }
        // The subscription, the credentials and their place in the sequence are records.
        device::return_to_service(provider, "keeper")?;
    }
    Ok(())
}

//! The inventory: a Secret without secrets that names what was made once and cannot be made again. Without it a loss
//! would look like a first install. It only grows, and is made after all that it names.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use super::decide::{Found, Stored, text};
use super::spec::{Inventory, Kind, Spec, Wanted};

/// Refuses to go on when a Secret is missing that once was there and that nothing can replace. `found` must have
/// been read in the reverse order of making, so that somebody who makes them at this moment is not taken for a loss.
pub(super) fn refuse_loss(spec: &Spec, found: &Found) -> Result<()> {
    let Some((inventory, _)) = spec.inventory() else {
        return Ok(());
    };
    let made = names(found.get(inventory));
    for Wanted { name, kind } in &spec.secrets {
        let Some(given_up) = kind.given_up() else {
            continue;
        };
        let root = match kind {
            Kind::OperatorKeys(keys) => Some(keys.root.as_str()),
            _ => None,
        };
        let is_there = |name: &str| found.contains_key(name);
        let is_lost =
            made.contains(name.as_str()) && !is_there(name) && !root.is_some_and(is_there);
        if is_lost && !spec.replace_lost.contains(name) {
            let or_root = root.map_or_else(String::new, |root| format!(" or {root}"));
            bail!(
                "secret {name} is lost: {inventory} says that there was one. Restore it{or_root} from your copy, or \
                 give the one again that stood in its place. Only if there is none, and {given_up} may be given up: \
                 name it in replace_lost ({REPLACE_LOST})"
            );
        }
    }
    Ok(())
}

/// The names as they have to be: what it says already, what the spec asks for, and what is given in place of that.
pub(super) fn list(spec: &Spec, inventory: &Inventory, stored: Option<&Stored>) -> String {
    let mut names = names(stored);
    let irreplaceable = spec
        .secrets
        .iter()
        .filter(|wanted| wanted.kind.given_up().is_some());
    names.extend(irreplaceable.map(|wanted| wanted.name.as_str()));
    names.extend(inventory.given.iter().map(String::as_str));
    names.into_iter().map(|name| format!("{name}\n")).collect()
}

fn names(stored: Option<&Stored>) -> BTreeSet<&str> {
    let text = stored.and_then(|stored| text(stored, NAMES));
    text.into_iter().flat_map(str::lines).collect()
}

pub(super) const NAMES: &str = "names";
/// How users of the chart say it.
pub(super) const REPLACE_LOST: &str = "bootstrap.replaceLost in the chart's values";

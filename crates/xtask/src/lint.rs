//! Formatting, clippy and dependency rules.

use anyhow::Result;

use crate::run::{cargo, find, say};

pub(crate) fn lint() -> Result<()> {
    cargo(["fmt", "--all", "--check"]).run()?;
    cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ])
    .run()?;
    if find("cargo-deny").is_none() {
        say(
            "cargo-deny is missing, so licences, bans and sources are checked after its installation",
        );
        cargo(["install", "--locked", "--quiet", "cargo-deny@0.20.2"]).run()?;
    }
    // Advisories need a database that closed networks do not reach: `cargo deny check advisories`.
    cargo(["deny", "check", "bans", "licenses", "sources"]).run()
}

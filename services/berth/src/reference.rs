//! `docs/reference.md`, made from the code so that it cannot drift.

mod schema;

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use cause::Cause;
use nf_api::authorization::{TABLE, Who};
use nf_runtime::config;

use crate::config::BerthConfig;

const HEAD: &str = "\
# Reference

Made by `berth reference`; a test compares it with the code.

## Settings and their defaults

One TOML file for every role, then `BERTH__SECTION__KEY`. What each key means, its unit and what breaks if it is wrong stands in
`src/config.rs` of its room.
";

/// Prints the page, or the JSON schema of the settings.
pub(crate) fn print(as_schema: bool) -> Result<ExitCode> {
    let text = if as_schema {
        format!("{:#}\n", schema::of::<BerthConfig>()?)
    } else {
        page()?
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn page() -> Result<String> {
    let mut text = HEAD.to_owned();
    writeln!(
        text,
        "\n```toml\n{}\n```",
        config::print(&BerthConfig::default())?.trim_end()
    )?;

    writeln!(text, "\n## Causes\n\nCauses 1–20 are those of OWA.\n")?;
    writeln!(
        text,
        "| number | name | gRPC | CoAP | HTTP | 3GPP | try again | meaning |\n|---|---|---|---|---|---|---|---|"
    )?;
    for cause in Cause::ALL {
        let coap = format!("{}.{:02}", cause.coap() >> 5, cause.coap() & 0x1f);
        let again = if cause.retryable() { "yes" } else { "no" };
        let three_gpp = cause.three_gpp().unwrap_or("");
        let (number, name, grpc, http, meaning) = (
            cause.number(),
            cause.name(),
            cause.grpc(),
            cause.http(),
            cause.text(),
        );
        writeln!(
            text,
            "| {number} | `{name}` | {grpc} | {coap} | {http} | {three_gpp} | {again} | {meaning} |"
        )?;
    }

    writeln!(text, "\n## Who may call what\n")?;
    writeln!(
        text,
        "| RPC | callers | repeated after a lost answer |\n|---|---|---|"
    )?;
    for rule in TABLE {
        let callers = rule.allowed.iter().map(|who| match who {
            Who::Function(function) => function.name(),
            Who::Operator => "operator",
        });
        let callers = callers.collect::<Vec<_>>().join(", ");
        let again = if rule.idempotent { "yes" } else { "no" };
        writeln!(text, "| `{}` | {callers} | {again} |", rule.path)?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_is_that_of_this_code() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference.md");
        let written = std::fs::read_to_string(file).unwrap_or_default();
        assert!(
            written == page().unwrap(),
            "docs/reference.md is old: cargo run -- reference > docs/reference.md"
        );
    }
}

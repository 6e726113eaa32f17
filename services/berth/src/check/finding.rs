//! What a look at an installation finds.

use std::io::Write as _;

use anyhow::Result;
use nf_runtime::about::{Finding, Verdict};
use serde_json::json;

pub(crate) fn good(about: impl Into<String>, text: impl Into<String>) -> Finding {
    found(about, Verdict::Good, text)
}

pub(crate) fn advice(about: impl Into<String>, text: impl Into<String>) -> Finding {
    found(about, Verdict::Advice, text)
}

pub(crate) fn bad(about: impl Into<String>, text: impl Into<String>) -> Finding {
    found(about, Verdict::Bad, text)
}

pub(crate) fn found(
    about: impl Into<String>,
    verdict: Verdict,
    text: impl Into<String>,
) -> Finding {
    Finding {
        about: about.into(),
        verdict,
        text: text.into(),
    }
}

/// One line for people, one object for programs.
pub(crate) fn print(finding: &Finding, json: bool) -> Result<()> {
    let (mark, verdict) = match finding.verdict {
        Verdict::Good => ("✓", "good"),
        Verdict::Advice => ("!", "advice"),
        Verdict::Bad => ("✗", "bad"),
    };
    let mut out = std::io::stdout();
    if json {
        let line = json!({ "about": finding.about, "verdict": verdict, "text": finding.text });
        writeln!(out, "{line}")?;
    } else {
        writeln!(out, "{mark} {:<36} {}", finding.about, finding.text)?;
    }
    Ok(())
}

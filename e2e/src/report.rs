//! What `berth check --story --json` says of the stories that it played.

use std::fmt;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// The summary of a number of stories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// Stories that came to their end.
    pub(crate) stories: u64,
    /// Stories that failed.
    pub(crate) failures: u64,
    /// Steps that had to be tried again.
    pub(crate) retried_steps: u64,
    /// Whether the last story took so long after it was asked to end that it was broken off.
    pub(crate) broken_off: bool,
    /// The most attempts that one step took.
    pub(crate) most_attempts: u64,
    /// The longest step.
    pub(crate) longest: (u64, String),
    /// What the stories that failed said last.
    pub(crate) complaints: Vec<String>,
}

impl Report {
    /// Reads the lines of one command; others may stand between them.
    pub(crate) fn read(text: &str) -> Result<Self> {
        let lines = lines(text).collect::<Vec<_>>();
        let summary = lines
            .iter()
            .rev()
            .find(|line| line.get("stories").is_some())
            .with_context(|| format!("the stories end without a summary:\n{text}"))?;
        let number = |name: &str| {
            let value = summary[name].as_u64();
            value.with_context(|| format!("the summary has no {name}: {summary}"))
        };
        let steps = lines.iter().filter(|line| line.get("step").is_some());
        let steps = steps.map(|line| {
            let name = line["step"].as_str().unwrap_or_default().to_owned();
            (
                line["ms"].as_u64().unwrap_or(0),
                name,
                line["attempts"].as_u64().unwrap_or(1),
            )
        });
        let steps = steps.collect::<Vec<_>>();
        let longest = steps.iter().max_by_key(|(ms, ..)| *ms);
        Ok(Self {
            stories: number("stories")?,
            failures: number("failures")?,
            retried_steps: number("retried_steps")?,
            broken_off: summary["broken_off"] == true,
            most_attempts: steps
                .iter()
                .map(|(.., attempts)| *attempts)
                .max()
                .unwrap_or(0),
            complaints: complaints(&lines),
            longest: longest
                .map(|(ms, name, _)| (*ms, name.clone()))
                .unwrap_or_default(),
        })
    }

    /// Stories of which the lines so far tell that they have ended.
    pub(crate) fn stories_in(text: &str) -> usize {
        lines(text)
            .filter(|line| line.get("story_ms").is_some())
            .count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} stories, {} failed, {} steps tried again, at most {} attempts at one; longest step {} with {} ms",
            self.stories,
            self.failures,
            self.retried_steps,
            self.most_attempts,
            self.longest.1,
            self.longest.0
        )?;
        for complaint in &self.complaints {
            write!(f, "; {complaint}")?;
        }
        Ok(())
    }
}

/// Every attempt that failed and every story that did.
fn complaints(lines: &[Value]) -> Vec<String> {
    let failed = lines
        .iter()
        .filter(|line| line.get("tried").is_some() || line["ok"] == false);
    failed
        .map(|line| {
            let step = line["tried"]
                .as_str()
                .or_else(|| line["failed_step"].as_str());
            let detail = line["detail"].as_str().unwrap_or_default();
            format!(
                "story {} {}: {detail}",
                line["story"],
                step.unwrap_or_default()
            )
        })
        .collect()
}

fn lines(text: &str) -> impl Iterator<Item = Value> {
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
}

#[cfg(test)]
mod tests {
    use super::Report;

    #[test]
    fn a_story_that_was_broken_off_is_told() {
        let text = "{\"story\":1,\"ok\":true,\"story_ms\":9}\nsomething else\n\
            {\"stories\":1,\"retried_steps\":0,\"failures\":0,\"broken_off\":true}\n";
        let report = Report::read(text).unwrap();
        assert!(report.broken_off);
        assert_eq!(report.stories, 1);
    }
}

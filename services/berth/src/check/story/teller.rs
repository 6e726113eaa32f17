//! What is printed of stories: lines for people, or objects for programs.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use crate::story::{Done, Witness};

/// Prints each step when it has happened.
pub(super) struct Teller {
    json: bool,
    story: u64,
    begun: Instant,
    step_begun: Instant,
    step: &'static str,
    /// How long it took until the devices were registered.
    registered: Option<Duration>,
}

impl Teller {
    pub(super) fn new(json: bool) -> Self {
        let now = Instant::now();
        Self {
            json,
            story: 0,
            begun: now,
            step_begun: now,
            step: "",
            registered: None,
        }
    }

    /// Another story begins.
    pub(super) fn next_story(&mut self) {
        let json = self.json;
        let story = self.story + 1;
        *self = Self {
            story,
            ..Self::new(json)
        };
    }

    /// What became of what earlier stories left.
    pub(super) fn leftovers(&self, text: &str) {
        let _ = self.print(&json!({ "leftovers": text }), &format!("! {text}"));
    }

    /// A story has ended.
    pub(super) fn story(&self, took: Duration, failure: Option<&anyhow::Error>) -> Result<()> {
        let (story, story_ms) = (self.story, ms(took));
        let registered_ms = self.registered.map(ms);
        match failure {
            None => self.print(
                &json!({ "story": story, "ok": true, "story_ms": story_ms, "registered_ms": registered_ms }),
                &format!(
                    "✓ story {story} in {story_ms} ms, devices registered after {} ms",
                    registered_ms.unwrap_or_default()
                ),
            ),
            Some(error) => {
                let detail = format!("{error:#}");
                self.print(
                    &json!({ "story": story, "ok": false, "story_ms": story_ms, "failed_step": self.step, "detail": detail }),
                    &format!("✗ story {story} after {story_ms} ms: {detail}"),
                )
            }
        }
    }

    /// All stories have ended.
    pub(super) fn summary(
        &self,
        stories: u64,
        retried_steps: usize,
        failures: u64,
        broken_off: bool,
    ) -> Result<()> {
        let end = if broken_off {
            ", the last one broken off"
        } else {
            ""
        };
        self.print(
            &json!({ "stories": stories, "retried_steps": retried_steps, "failures": failures, "broken_off": broken_off }),
            &format!("{stories} stories, {retried_steps} steps tried again, {failures} failures{end}"),
        )
    }

    fn print(&self, object: &Value, line: &str) -> Result<()> {
        let mut out = std::io::stdout().lock();
        match self.json {
            true => writeln!(out, "{object}")?,
            false => writeln!(out, "{line}")?,
        }
        Ok(out.flush()?)
    }
}

impl Witness for Teller {
    fn begun(&mut self, step: &'static str) {
        self.step = step;
        self.step_begun = Instant::now();
    }

    fn done(&mut self, done: &Done<'_>) -> Result<()> {
        if done.step == "register" {
            self.registered = Some(self.begun.elapsed());
        }
        let Done {
            step,
            took,
            attempts,
            detail,
            trace_id,
        } = *done;
        let (story, ms) = (self.story, ms(took));
        let trace = trace_id.map(|id| format!("  trace {id}"));
        self.print(
            &json!({
                "story": story, "step": step, "ok": true, "ms": ms, "attempts": attempts,
                "trace_id": trace_id, "detail": detail,
            }),
            &format!(
                "✓ {story:>3} {step:<12} {ms:>6} ms  {attempts}×{}\n    {detail}",
                trace.unwrap_or_default()
            ),
        )
    }

    fn tried(&mut self, step: &'static str, attempt: u32, error: &anyhow::Error) -> Result<()> {
        let (story, ms) = (self.story, ms(self.step_begun.elapsed()));
        let detail = format!("{error:#}");
        self.print(
            &json!({ "story": story, "tried": step, "attempt": attempt, "ms": ms, "detail": detail }),
            &format!("! {story:>3} {step:<12} {ms:>6} ms  attempt {attempt} failed: {detail}"),
        )
    }
}

fn ms(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

//! What the demo prints: each step when it has happened, with its time.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

use crate::story::{Done, Witness};

/// The steps, in their order.
pub(crate) const STEPS: [(&str, &str); 10] = [
    ("start", "Start the network functions"),
    (
        "manufacture",
        "Make two devices with nothing but a certificate",
    ),
    ("owa", "Authenticate by certificate (OWA)"),
    ("limited", "Limited connectivity, captive portal found"),
    ("sign-up", "Sign up in the portal"),
    ("profile", "Sealed profile delivered and installed"),
    ("aka", "5G AKA with the device's own credentials"),
    ("akma", "AKMA keys"),
    ("register", "Register at the MSGin5G Server"),
    ("message", "Message delivered"),
];

/// A step as machine-readable output; the members keep this order.
#[derive(Serialize)]
struct Line<'a> {
    step: usize,
    name: &'a str,
    ok: bool,
    ms: f64,
    detail: &'a str,
}

/// The timeline of one run.
pub(crate) struct Timeline {
    json: bool,
    colour: bool,
    current: usize,
    begun: Instant,
    total: Duration,
}

impl Timeline {
    pub(crate) fn new(json: bool) -> Self {
        let colour = !json && std::io::stdout().is_terminal();
        Self {
            json,
            colour,
            current: 0,
            begun: Instant::now(),
            total: Duration::ZERO,
        }
    }

    /// A step begins; one that fails is shown under this name.
    pub(crate) fn begin(&mut self, name: &str) {
        self.current = STEPS
            .iter()
            .position(|(step, _)| *step == name)
            .unwrap_or_default();
        self.begun = Instant::now();
    }

    /// The step that has begun is done.
    pub(crate) fn finished(&mut self, detail: &str) -> Result<()> {
        self.done_in(self.begun.elapsed(), detail)
    }

    /// As [`Self::done`], for a step that was timed elsewhere.
    pub(crate) fn done_in(&mut self, took: Duration, detail: &str) -> Result<()> {
        self.total += took;
        self.print(true, took, detail)
    }

    /// The step that has begun failed.
    pub(crate) fn failed(&mut self, error: &anyhow::Error) {
        let took = self.begun.elapsed();
        // Standard output may be closed; the exit code says it too.
        let _ = self.print(false, took, &format!("{error:#}"));
        crate::say(
            "next: read the line above; `berth check --target DIR/endpoints.json` looks deeper at a running installation",
        );
    }

    fn print(&self, ok: bool, took: Duration, detail: &str) -> Result<()> {
        let (name, title) = STEPS.get(self.current).copied().unwrap_or_default();
        let step = self.current + 1;
        let ms = took.as_secs_f64() * 1_000.0;
        let mut out = std::io::stdout().lock();
        if self.json {
            let ms = (ms * 1_000.0).round() / 1_000.0;
            let line = Line {
                step,
                name,
                ok,
                ms,
                detail,
            };
            writeln!(out, "{}", serde_json::to_string(&line)?)?;
        } else {
            let mark = if ok { "✓" } else { "✗" };
            let (on, dim, off) = match (self.colour, ok) {
                (true, true) => ("\x1b[32m", "\x1b[2m", "\x1b[0m"),
                (true, false) => ("\x1b[31m", "", "\x1b[0m"),
                (false, _) => ("", "", ""),
            };
            writeln!(
                out,
                "{on}{mark}{off} {step:>2}  {title:<48} {ms:>9.1} ms\n      {dim}{detail}{off}"
            )?;
        }
        Ok(out.flush()?)
    }

    /// What to try next.
    pub(crate) fn farewell(&self, endpoints_file: &Path) {
        let data = endpoints_file
            .parent()
            .unwrap_or_else(|| Path::new(".berth"))
            .display();
        crate::say(&format!(
            "\nTwo devices came from a certificate to a delivered message in {:.1} s. What to try next:\n\
             \n  berth up --lab --data {data}            keep it running (endpoints in {data}/endpoints.json)\
             \n  ue --state band new --lab {data}/lab    make a device of your own, then: ue --state band onboard\
             \n  berth check --target {data}/endpoints.json\
             \n  docs/foreign-client.md                register with coap-client instead of our device\n",
            self.total.as_secs_f64()
        ));
    }
}

impl Witness for Timeline {
    fn begun(&mut self, step: &'static str) {
        self.begin(step);
    }

    fn done(&mut self, done: &Done<'_>) -> Result<()> {
        self.begin(done.step);
        self.done_in(done.took, done.detail)
    }

    fn tried(&mut self, step: &'static str, attempt: u32, error: &anyhow::Error) -> Result<()> {
        crate::say(&format!("{step}, attempt {attempt}: {error:#}"));
        Ok(())
    }
}

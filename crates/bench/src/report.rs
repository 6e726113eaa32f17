//! What is printed.

use std::io::Write as _;
use std::{fs, io, thread};

use anyhow::Result;
use serde::Serialize;

/// What was measured, and against what.
#[derive(Clone, Serialize)]
pub(crate) struct About {
    pub(crate) name: &'static str,
    /// Where the server keeps state.
    pub(crate) store: String,
    /// When it waits for the disk: batches hold what waits at the same time.
    pub(crate) fsync: &'static str,
    /// How the connections are protected.
    pub(crate) tls: &'static str,
}

/// The figures of one measurement.
#[derive(Serialize)]
pub(crate) struct Outcome {
    #[serde(flatten)]
    pub(crate) about: About,
    pub(crate) concurrency: usize,
    pub(crate) ops: u64,
    pub(crate) ops_per_s: f64,
    /// Operations per second of the server's CPU time, user and system.
    pub(crate) per_cpu: f64,
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) errors: u64,
    pub(crate) rss_mib: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_error: Option<String>,
}

#[derive(Serialize)]
struct Machine {
    cpu: String,
    cores: usize,
    version: &'static str,
}

/// Prints each result when it is there.
pub(crate) struct Report {
    json: bool,
    errors: u64,
}

impl Report {
    /// Says which machine this is.
    pub(crate) fn begin(json: bool) -> Result<Self> {
        let machine = Machine {
            cpu: cpu_model().unwrap_or_else(|| "unknown".to_owned()),
            cores: thread::available_parallelism().map_or(1, Into::into),
            version: env!("CARGO_PKG_VERSION"),
        };
        let mut out = io::stdout().lock();
        if json {
            writeln!(out, "{}", serde_json::to_string(&machine)?)?;
        } else {
            writeln!(
                out,
                "{}, {} cores, shared by client and server; berth {}",
                machine.cpu, machine.cores, machine.version
            )?;
            writeln!(
                out,
                "{:<16} {:>9} {:>10} {:>10} {:>9} {:>9} {:>6} {:>8} {:>5}  server",
                "name",
                "ops",
                "ops/s",
                "ops/cpu-s",
                "p50 µs",
                "p99 µs",
                "errors",
                "rss MiB",
                "conc"
            )?;
        }
        out.flush()?;
        Ok(Self { json, errors: 0 })
    }

    /// Prints a result.
    pub(crate) fn add(&mut self, outcome: &Outcome) -> Result<()> {
        self.errors += outcome.errors;
        let mut out = io::stdout().lock();
        if self.json {
            writeln!(out, "{}", serde_json::to_string(outcome)?)?;
        } else {
            let Outcome {
                about,
                concurrency,
                ops,
                ops_per_s,
                per_cpu,
                p50_us,
                p99_us,
                errors,
                rss_mib,
                ..
            } = outcome;
            writeln!(
                out,
                "{:<16} {ops:>9} {ops_per_s:>10.0} {per_cpu:>10.0} {p50_us:>9} {p99_us:>9} {errors:>6} {rss_mib:>8.1} {concurrency:>5}  {}; {}; {}",
                about.name, about.store, about.fsync, about.tls
            )?;
            if let Some(error) = &outcome.first_error {
                writeln!(out, "    first error: {error}")?;
            }
        }
        Ok(out.flush()?)
    }

    /// Whether any operation went wrong.
    pub(crate) const fn has_errors(&self) -> bool {
        self.errors > 0
    }
}

fn cpu_model() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

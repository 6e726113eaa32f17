//! Running operations for a time and counting them.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::report::{About, Outcome};
use crate::server_process::ServerProcess;

/// Before anything counts: connections are made, caches are filled.
const WARM_UP: Duration = Duration::from_secs(1);

/// How much is asked of the server.
#[derive(Clone, Copy)]
pub(crate) struct Load<'a> {
    pub(crate) concurrency: usize,
    pub(crate) time: Duration,
    /// Where the programs under measurement lie.
    pub(crate) programs: &'a Path,
}

/// Does one operation after the other.
pub(crate) trait Worker: Send + 'static {
    /// One operation with all its checks.
    fn operate(&mut self) -> impl Future<Output = Result<()>> + Send;
}

/// What one worker has seen.
struct Tally {
    latencies: Histogram<u64>,
    errors: u64,
    first_error: Option<anyhow::Error>,
}

/// Lets all workers work for the time of the load. What begins and ends within it counts.
pub(crate) async fn measure<W: Worker>(
    about: About,
    load: Load<'_>,
    workers: Vec<W>,
    server: &ServerProcess,
) -> Result<Outcome> {
    let begin = Instant::now() + WARM_UP;
    let end = begin + load.time;
    let concurrency = workers.len();
    let mut running = JoinSet::new();
    for worker in workers {
        running.spawn(work(worker, begin, end));
    }
    sleep_until(begin).await;
    let cpu_before = server.cpu_time()?;
    sleep_until(end).await;
    let cpu = server.cpu_time()?.saturating_sub(cpu_before);
    let rss_mib = server.rss_mib()?;

    let mut all = Tally::new()?;
    while let Some(tally) = running.join_next().await {
        let tally = tally.context("a worker panicked")??;
        all.latencies
            .add(tally.latencies)
            .context("the histograms are alike")?;
        all.errors += tally.errors;
        all.first_error = all.first_error.or(tally.first_error);
    }
    let ops = all.latencies.len();
    let rate = |time: Duration| {
        if time.is_zero() {
            0.0
        } else {
            ops as f64 / time.as_secs_f64()
        }
    };
    Ok(Outcome {
        ops,
        ops_per_s: rate(load.time),
        per_cpu: rate(cpu),
        p50_us: all.latencies.value_at_quantile(0.5),
        p99_us: all.latencies.value_at_quantile(0.99),
        errors: all.errors,
        rss_mib,
        concurrency,
        about,
        first_error: all.first_error.map(|error| format!("{error:#}")),
    })
}

async fn work<W: Worker>(mut worker: W, begin: Instant, end: Instant) -> Result<Tally> {
    let mut tally = Tally::new()?;
    loop {
        let begun = Instant::now();
        if begun >= end {
            return Ok(tally);
        }
        let outcome = worker.operate().await;
        let ended = Instant::now();
        match outcome {
            Ok(()) if begun >= begin && ended <= end => {
                let micros = u64::try_from((ended - begun).as_micros()).unwrap_or(u64::MAX);
                tally.latencies.saturating_record(micros);
            }
            Ok(()) => {}
            // During the warm-up too: an error is an error.
            Err(error) => {
                tally.errors += 1;
                tally.first_error.get_or_insert(error);
            }
        }
    }
}

impl Tally {
    fn new() -> Result<Self> {
        // A microsecond to a minute, to three digits.
        let latencies =
            Histogram::new_with_bounds(1, 60_000_000, 3).context("the bounds are possible")?;
        Ok(Self {
            latencies,
            errors: 0,
            first_error: None,
        })
    }
}

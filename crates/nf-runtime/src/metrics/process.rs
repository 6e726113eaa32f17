//! What a process tells of itself: which build it is, whether it takes traffic, and what it uses.

use std::fmt;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::readiness::Readiness;

/// Registers `berth_build_info`, `berth_ready` and the metrics that every exporter names `process_…`.
pub(super) fn register(
    registry: &mut Registry,
    function: &'static str,
    version: &'static str,
    readiness: Readiness,
) {
    let labels = [("version", version), ("function", function)];
    registry.sub_registry_with_prefix("berth").register(
        "build",
        "Version and function",
        Info::new(labels),
    );
    registry.register_collector(Box::new(Process {
        readiness,
        started_unix_seconds: Usage::read().map(|usage| usage.started_unix_seconds),
    }));
}

/// Read when metrics are.
#[derive(Debug)]
struct Process {
    readiness: Readiness,
    /// Kept, because it would waver with the clocks that it is computed from.
    started_unix_seconds: Option<f64>,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut tell =
            |name, help, unit, metric: &dyn Tell| metric.tell(&mut encoder, name, help, unit);
        let ready = ConstGauge::new(i64::from(self.readiness.is_ready()));
        tell("berth_ready", "1 while traffic is taken", None, &ready)?;
        if let Some(started) = self.started_unix_seconds {
            let help = "Start of the process since the epoch";
            let started = ConstGauge::new(started);
            tell("process_start_time", help, Some(&Unit::Seconds), &started)?;
        }
        let Some(usage) = Usage::read() else {
            return Ok(());
        };
        let resident = ConstGauge::new(usage.resident_bytes);
        let (bytes, seconds) = (Some(&Unit::Bytes), Some(&Unit::Seconds));
        tell(
            "process_resident_memory",
            "Resident memory",
            bytes,
            &resident,
        )?;
        let open = ConstGauge::new(usage.open_descriptors);
        tell("process_open_fds", "Open file descriptors", None, &open)?;
        let cpu = ConstCounter::new(usage.cpu_seconds);
        tell(
            "process_cpu",
            "Processor time, user and system",
            seconds,
            &cpu,
        )
    }
}

/// A metric of whatever type that is made when it is read.
trait Tell {
    fn tell(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
    ) -> fmt::Result;
}

impl<M: EncodeMetric> Tell for M {
    fn tell(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
    ) -> fmt::Result {
        self.encode(encoder.encode_descriptor(name, help, unit, self.metric_type())?)
    }
}

/// What `/proc` says; nothing where there is none.
#[derive(Debug)]
struct Usage {
    cpu_seconds: f64,
    resident_bytes: i64,
    open_descriptors: i64,
    started_unix_seconds: f64,
}

impl Usage {
    fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The name of the program stands in brackets and may hold anything; what follows is numbers.
        let (_, numbers) = stat.rsplit_once(')')?;
        let numbers: Vec<&str> = numbers.split_whitespace().collect();
        let seconds = |index: usize| {
            let ticks: f64 = numbers.get(index)?.parse().ok()?;
            Some(ticks / TICKS_PER_SECOND)
        };
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        let resident: i64 = resident.trim().strip_suffix(" kB")?.parse().ok()?;
        let uptime = fs::read_to_string("/proc/uptime").ok()?;
        let uptime: f64 = uptime.split_whitespace().next()?.parse().ok()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        // The folder that is being read is one of them.
        let open = fs::read_dir("/proc/self/fd")
            .ok()?
            .count()
            .saturating_sub(1);
        Some(Self {
            cpu_seconds: seconds(USER_TIME)? + seconds(SYSTEM_TIME)?,
            resident_bytes: resident.saturating_mul(1024),
            open_descriptors: i64::try_from(open).unwrap_or(i64::MAX),
            started_unix_seconds: now.as_secs_f64() - uptime + seconds(START_TIME)?,
        })
    }
}

/// USER_HZ, which Linux keeps for its interfaces whatever the kernel ticks at.
const TICKS_PER_SECOND: f64 = 100.0;
/// Places in `/proc/self/stat` behind the name. proc(5) counts from 1 and the name is the second.
const USER_TIME: usize = 11;
const SYSTEM_TIME: usize = 12;
const START_TIME: usize = 19;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_tells_what_this_process_uses() {
        let usage = Usage::read().expect("Linux");
        assert!(usage.resident_bytes > 1_000_000, "{usage:?}");
        assert!(usage.open_descriptors >= 3, "{usage:?}");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("later");
        let age = now.as_secs_f64() - usage.started_unix_seconds;
        assert!((-1.0..3_600.0).contains(&age), "started {age} s ago");
        assert!(usage.cpu_seconds < 3_600.0, "{usage:?}");
    }
}

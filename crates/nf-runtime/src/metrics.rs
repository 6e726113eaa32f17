//! Metrics: one registry a process, handed down; durations in seconds, with exemplars.

mod certificates;
mod process;

use std::fmt::{self, Debug};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use cause::Cause;
use nf_api::NetworkFunction;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::exemplar::HistogramWithExemplars;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use self::certificates::Certificates;
use crate::grpc::RpcMetrics;
use crate::readiness::Readiness;
use crate::telemetry;

/// The metrics of a process. Clones are the same registry.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    rpc: RpcMetrics,
    in_flight: Family<InFlightLabels, Gauge>,
    certificates: Certificates,
}

impl Metrics {
    /// A registry with the metrics of the runtime itself.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let rpc = RpcMetrics::register(registry.sub_registry_with_prefix("berth_rpc"));
        let in_flight = Family::default();
        registry.sub_registry_with_prefix("berth").register(
            "procedures_in_flight",
            "Procedures that run now",
            Family::clone(&in_flight),
        );
        let certificates = Certificates::default();
        registry.register_collector(Box::new(certificates.clone()));
        Self {
            registry: Arc::new(Mutex::new(registry)),
            rpc,
            in_flight,
            certificates,
        }
    }

    /// Registers families under a prefix, for example `berth_aanf`. Called once for each prefix when
    /// a function is built.
    pub fn family<T>(&self, prefix: &str, register: impl FnOnce(&mut Registry) -> T) -> T {
        register(self.locked().sub_registry_with_prefix(prefix))
    }

    /// Registers the procedure metrics of a function, `berth_<function>_procedure_duration_seconds`.
    pub fn procedures(&self, function: NetworkFunction) -> ProcedureMetrics {
        ProcedureMetrics::register(&mut self.locked(), function, self.in_flight.clone())
    }

    /// Shows when a certificate ends, in seconds since the epoch. `certificate` is what it is used for,
    /// for example `identity`; of several with one name the first to end is shown.
    pub fn certificate(
        &self,
        certificate: &'static str,
        end: impl Fn() -> Option<i64> + Send + Sync + 'static,
    ) {
        self.certificates.add(certificate, Box::new(end));
    }

    /// Shows which build this is, whether it takes traffic, and what the process uses. Called once.
    pub fn process(&self, function: &'static str, version: &'static str, readiness: Readiness) {
        process::register(&mut self.locked(), function, version, readiness);
    }

    /// All metrics in the OpenMetrics text format, version 1.0.0.
    pub fn encode(&self) -> String {
        let mut page = String::new();
        // Writing to a string cannot fail; a family that fails to encode leaves the page unfinished,
        // which the missing `# EOF` tells the scraper.
        let _ = text::encode(&mut page, &self.locked());
        page
    }

    pub(crate) const fn rpc(&self) -> &RpcMetrics {
        &self.rpc
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// Count, outcome and duration of the procedures of one function, and how many run.
#[derive(Clone, Debug)]
pub struct ProcedureMetrics {
    duration: DurationFamily<ProcedureLabels>,
    in_flight: Family<InFlightLabels, Gauge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProcedureLabels {
    procedure: &'static str,
    cause: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InFlightLabels {
    procedure: &'static str,
}

impl ProcedureMetrics {
    fn register(
        registry: &mut Registry,
        function: NetworkFunction,
        in_flight: Family<InFlightLabels, Gauge>,
    ) -> Self {
        let duration = DurationFamily::new();
        let prefix = format!("berth_{}", function.name().replace('-', "_"));
        duration.register(
            registry.sub_registry_with_prefix(prefix),
            "procedure_duration",
            "Duration of procedures by name and cause; cause NONE is success",
        );
        Self {
            duration,
            in_flight,
        }
    }

    /// Shows these procedures from the start, with no runs. Without it a procedure would appear with its first
    /// run, which no rate could count.
    #[must_use]
    pub fn known(self, procedures: &[&'static str]) -> Self {
        for procedure in procedures.iter().copied() {
            let labels = ProcedureLabels {
                procedure,
                cause: SUCCESS,
            };
            self.duration.show(&labels);
            drop(self.in_flight.get_or_create(&InFlightLabels { procedure }));
        }
        self
    }

    /// Counts one run of a procedure; `cause` is `None` for success. The exemplar is the current trace.
    pub fn observe(&self, procedure: &'static str, cause: Option<Cause>, duration: Duration) {
        self.count(procedure, cause.map_or(SUCCESS, Cause::name), duration);
    }

    /// Begins to measure a run of a procedure, which is in flight until it is finished.
    pub fn start(&self, procedure: &'static str) -> Running {
        let in_flight = self
            .in_flight
            .get_or_create_owned(&InFlightLabels { procedure });
        in_flight.inc();
        Running {
            metrics: self.clone(),
            procedure,
            in_flight,
            begin: Instant::now(),
            finished: false,
        }
    }

    /// Runs a procedure and measures it.
    ///
    /// # Errors
    /// As `work` does.
    pub async fn measure<T, E>(
        &self,
        procedure: &'static str,
        work: impl Future<Output = Result<T, E>>,
        cause_of: impl FnOnce(&E) -> Cause,
    ) -> Result<T, E> {
        let running = self.start(procedure);
        let outcome = work.await;
        running.finish(outcome.as_ref().err().map(cause_of));
        outcome
    }

    fn count(&self, procedure: &'static str, cause: &'static str, duration: Duration) {
        self.duration
            .observe(&ProcedureLabels { procedure, cause }, duration);
    }
}

/// A procedure that is being measured. Dropped early, it counts as `CANCELLED`: whoever asked has gone or
/// its time is over; or as `INTERNAL` where a panic drops it.
#[derive(Debug)]
#[must_use = "what is dropped at once was cancelled at once"]
pub struct Running {
    metrics: ProcedureMetrics,
    procedure: &'static str,
    in_flight: Gauge,
    begin: Instant,
    finished: bool,
}

impl Running {
    /// Counts the procedure; `cause` is `None` for success.
    pub fn finish(mut self, cause: Option<Cause>) {
        self.finished = true;
        self.metrics
            .observe(self.procedure, cause, self.begin.elapsed());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.in_flight.dec();
        if !self.finished {
            let cause = if std::thread::panicking() {
                Cause::Internal.name()
            } else {
                CANCELLED
            };
            self.metrics
                .count(self.procedure, cause, self.begin.elapsed());
        }
    }
}

/// The `cause` of a procedure that succeeded.
const SUCCESS: &str = "NONE";

/// The `cause` of a procedure that was not carried through; no peer is ever told it.
const CANCELLED: &str = "CANCELLED";

/// A family of duration histograms, in seconds, whose exemplars name traces.
#[derive(Clone)]
pub struct DurationFamily<Labels> {
    family: Family<Labels, HistogramWithExemplars<TraceLabel>, DurationBuckets>,
}

/// Label of an exemplar: `trace_id`, 32 hexadecimal digits.
pub(crate) type TraceLabel = [(&'static str, String); 1];

#[derive(Clone, Copy, Debug)]
struct DurationBuckets;

impl MetricConstructor<HistogramWithExemplars<TraceLabel>> for DurationBuckets {
    fn new_metric(&self) -> HistogramWithExemplars<TraceLabel> {
        HistogramWithExemplars::new(DURATION_BUCKETS_SECONDS.into_iter())
    }
}

impl<Labels> DurationFamily<Labels>
where
    Labels: Clone + Hash + Eq + Debug + EncodeLabelSet + Send + Sync + 'static,
{
    /// An empty family.
    pub fn new() -> Self {
        Self {
            family: Family::new_with_constructor(DurationBuckets),
        }
    }

    /// Adds the family to a registry; the unit `seconds` is appended to `name`.
    pub fn register(&self, registry: &mut Registry, name: &str, help: &str) {
        registry.register_with_unit(name, help, Unit::Seconds, self.family.clone());
    }

    /// Shows a histogram that has counted nothing yet.
    pub fn show(&self, labels: &Labels) {
        drop(self.family.get_or_create(labels));
    }

    /// Counts one duration, with the current trace as exemplar.
    pub fn observe(&self, labels: &Labels, duration: Duration) {
        let exemplar = telemetry::sampled_trace_id().map(|trace_id| [("trace_id", trace_id)]);
        let timestamp = exemplar.is_some().then(SystemTime::now);
        self.family
            .get_or_create(labels)
            .observe(duration.as_secs_f64(), exemplar, timestamp);
    }
}

impl<Labels> Default for DurationFamily<Labels>
where
    Labels: Clone + Hash + Eq + Debug + EncodeLabelSet + Send + Sync + 'static,
{
    fn default() -> Self {
        Self::new()
    }
}

impl<Labels> Debug for DurationFamily<Labels> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DurationFamily").finish_non_exhaustive()
    }
}

/// Upper bounds of the buckets of every duration histogram: from an in-process call to the longest
/// deadline.
pub const DURATION_BUCKETS_SECONDS: [f64; 16] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];

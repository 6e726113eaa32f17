//! Logs on standard output, traces by OTLP, both from `tracing`.

mod json;
mod otlp;
mod propagation;
mod sampling;

use std::fmt;
use std::io;
use std::path::PathBuf;

use opentelemetry::trace::{SpanContext, TraceContextExt as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use serde::{Deserialize, Serialize};
use tracing::subscriber::DefaultGuard;
use tracing::{Subscriber, warn};
use tracing_subscriber::filter::{EnvFilter, LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::{Registry, fmt as format, reload};

use self::json::JsonLines;
use self::sampling::Sampling;

pub use self::otlp::ExporterError;
pub use self::propagation::{
    current_traceparent, set_parent_from_traceparent, set_stranger_as_parent,
};
pub(crate) use self::propagation::{inject, set_remote_parent};
pub use self::sampling::{NotARatio, TraceRatio};

/// What a process tells about itself, and to whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// What is logged, in the syntax of `tracing_subscriber::EnvFilter` (default `"info"`). Traces are
    /// not filtered by it.
    pub log_filter: String,
    /// How log lines look (default `"json"`).
    pub log_format: LogFormat,
    /// OTLP receiver for traces by gRPC, for example `"http://otel-collector:4317"`, or with TLS
    /// `"https://otel-collector:4317"`. Without it nothing is recorded, neither here nor by functions that are
    /// called from here: give it to all functions or to none. Log lines name their traces all the same.
    pub otlp_endpoint: Option<String>,
    /// Certificates (PEM) that the chain of an `https` receiver has to end at (default: those of the
    /// system, `/etc/ssl/certs/ca-certificates.crt`). Since 0.1.
    pub otlp_ca: Option<PathBuf>,
    /// The part of the traces that begin here that is recorded and sent, from 0 to 1 (default 1, all). A call
    /// of another function follows the decision that was made where its trace began; devices and browsers
    /// never decide. Since 0.1.
    pub trace_ratio: TraceRatio,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            log_filter: "info".to_owned(),
            log_format: LogFormat::Json,
            otlp_endpoint: None,
            otlp_ca: None,
            trace_ratio: TraceRatio::ALL,
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line, with `trace_id` and `span_id`.
    Json,
    /// For people.
    Text,
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log filter is not in the syntax of `EnvFilter`.
    #[error("log filter is malformed")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// The OTLP endpoint is not usable.
    #[error("OTLP endpoint is not usable")]
    Exporter(#[source] ExporterError),
    /// Another subscriber is already installed in this process.
    #[error("logging is already set up")]
    AlreadySet(#[source] tracing::subscriber::SetGlobalDefaultError),
    /// The filter belongs to a subscriber that is gone.
    #[error("log filter cannot be changed any more")]
    Reload(#[source] reload::Error),
}

impl TelemetryError {
    /// The cause that a caller is told.
    pub const fn cause(&self) -> cause::Cause {
        match self {
            Self::Filter(_) => cause::Cause::MalformedMessage,
            Self::Exporter(_) | Self::AlreadySet(_) | Self::Reload(_) => cause::Cause::Internal,
        }
    }
}

/// The telemetry of a process. Clones are the same.
#[derive(Clone)]
pub struct Telemetry {
    provider: SdkTracerProvider,
    filter: reload::Handle<EnvFilter, Registry>,
}

/// Installs logging and tracing for the whole process. Called once, inside a tokio runtime, before
/// anything is logged.
///
/// # Errors
/// Filter or endpoint are unusable, or logging is already set up.
pub fn init(config: &TelemetryConfig, service: &str) -> Result<Telemetry, TelemetryError> {
    let (subscriber, telemetry) = build(config, service, io::stdout)?;
    tracing::subscriber::set_global_default(subscriber).map_err(TelemetryError::AlreadySet)?;
    Ok(telemetry)
}

/// Installs the same for the current thread alone, for tests that read what is logged.
///
/// # Errors
/// Filter or endpoint are unusable.
pub fn init_for_thread<W>(
    config: &TelemetryConfig,
    service: &str,
    writer: W,
) -> Result<(Telemetry, DefaultGuard), TelemetryError>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    // tracing remembers for the whole process that a place is not traced when a thread that traces
    // nothing comes by first; with this, there is no such thread. It fails where one is installed.
    let _ = tracing::subscriber::set_global_default(Registry::default());
    let (subscriber, telemetry) = build(config, service, writer)?;
    Ok((telemetry, tracing::subscriber::set_default(subscriber)))
}

fn build<W>(
    config: &TelemetryConfig,
    service: &str,
    writer: W,
) -> Result<(impl Subscriber + Send + Sync + 'static, Telemetry), TelemetryError>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let provider = provider(config, service)?;
    let filter = EnvFilter::try_new(&config.log_filter).map_err(TelemetryError::Filter)?;
    let (filter, handle) = reload::Layer::new(filter);
    let lines = format::layer().with_ansi(false).with_writer(writer);
    let lines = match config.log_format {
        LogFormat::Json => lines.event_format(JsonLines).boxed(),
        LogFormat::Text => lines.boxed(),
    };
    let traces = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("berth"))
        .with_filter(ours());
    let subscriber = Registry::default()
        .with(lines.with_filter(filter))
        .with(traces);
    Ok((
        subscriber,
        Telemetry {
            provider,
            filter: handle,
        },
    ))
}

impl Telemetry {
    /// Changes what is logged from now on.
    ///
    /// # Errors
    /// The filter is malformed; the old one stays.
    pub fn set_log_filter(&self, filter: &str) -> Result<(), TelemetryError> {
        let filter = EnvFilter::try_new(filter).map_err(TelemetryError::Filter)?;
        self.filter.reload(filter).map_err(TelemetryError::Reload)
    }

    /// Sends what is still waiting, then ends tracing.
    pub async fn shutdown(&self) {
        let provider = self.provider.clone();
        // The exporter needs this runtime to make progress, so the wait must not occupy it.
        let flushed = tokio::task::spawn_blocking(move || provider.shutdown()).await;
        if let Ok(Err(error)) = flushed {
            warn!(error = %error, "traces were not flushed");
        }
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").finish_non_exhaustive()
    }
}

/// The trace that the running code belongs to, as 32 hexadecimal digits.
pub fn current_trace_id() -> Option<String> {
    let span = current_span();
    span.is_valid().then(|| span.trace_id().to_string())
}

/// The same, where the trace is recorded.
pub(crate) fn sampled_trace_id() -> Option<String> {
    let span = current_span();
    (span.is_valid() && span.is_sampled()).then(|| span.trace_id().to_string())
}

fn current_span() -> SpanContext {
    Context::map_current(|context| context.span().span_context().clone())
}

fn provider(config: &TelemetryConfig, service: &str) -> Result<SdkTracerProvider, TelemetryError> {
    let resource = Resource::builder()
        .with_service_name(service.to_owned())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let provider = SdkTracerProvider::builder().with_resource(resource);
    let Some(endpoint) = &config.otlp_endpoint else {
        // What nobody receives costs nothing, and no exemplar names it.
        return Ok(provider.with_sampler(Sampler::AlwaysOff).build());
    };
    let exporter = otlp::exporter(endpoint, config.otlp_ca.as_deref());
    Ok(provider
        .with_sampler(Sampling::new(config.trace_ratio))
        .with_batch_exporter(exporter.map_err(TelemetryError::Exporter)?)
        .build())
}

/// The transport below us would trace the sending of traces.
fn ours() -> Targets {
    let transport = [
        "h2",
        "hyper",
        "hyper_util",
        "opentelemetry",
        "opentelemetry_otlp",
        "opentelemetry_sdk",
        "rustls",
        "tonic",
        "tower",
    ];
    Targets::new().with_default(LevelFilter::INFO).with_targets(
        transport
            .into_iter()
            .map(|target| (target, LevelFilter::OFF)),
    )
}

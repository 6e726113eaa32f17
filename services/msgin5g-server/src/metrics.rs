//! Metrics beside those of the procedures.

use std::fmt;

use coap_tokio::Stats;
use nf_runtime::Runtime;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;

const PREFIX: &str = "berth_msgin5g_server";

/// What became of messages and reports.
#[derive(Clone, Default)]
pub(crate) struct Deliveries(Family<StateLabel, Counter>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabel {
    state: &'static str,
}

impl Deliveries {
    pub(crate) fn register(runtime: &Runtime) -> Self {
        let deliveries = Self::default();
        runtime.metrics.family(PREFIX, |registry| {
            registry.register(
                "deliveries",
                "Messages and reports by what became of them",
                deliveries.0.clone(),
            );
        });
        deliveries
    }

    pub(crate) fn count(&self, state: Delivery) {
        let state = match state {
            Delivery::Accepted => "accepted",
            Delivery::Stored => "stored",
            Delivery::Repeated => "repeated",
            Delivery::Delivered => "delivered",
            Delivery::Returned => "returned",
            Delivery::Failed => "failed",
        };
        self.0.get_or_create(&StateLabel { state }).inc();
    }
}

/// A step in the life of a message.
#[derive(Clone, Copy)]
pub(crate) enum Delivery {
    /// Taken over for a recipient that is there.
    Accepted,
    /// Taken over for an absent recipient.
    Stored,
    /// It was taken over before.
    Repeated,
    /// The recipient has it.
    Delivered,
    /// The push failed; it waits.
    Returned,
    /// It will not be delivered.
    Failed,
}

/// Counts of the CoAP endpoint, read when metrics are.
pub(crate) struct Traffic<F>(pub(crate) F);

impl<F> fmt::Debug for Traffic<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traffic")
    }
}

impl<F: Fn() -> Stats + Send + Sync + 'static> Traffic<F> {
    pub(crate) fn register(self, runtime: &Runtime) {
        runtime.metrics.family(PREFIX, |registry| {
            registry.register_collector(Box::new(self))
        });
    }
}

impl<F: Fn() -> Stats + Send + Sync + 'static> Collector for Traffic<F> {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let stats = (self.0)();
        let sessions = ConstGauge::new(i64::try_from(stats.sessions).unwrap_or(i64::MAX));
        let metric = encoder.encode_descriptor(
            "dtls_sessions",
            "Established DTLS sessions",
            None,
            sessions.metric_type(),
        )?;
        sessions.encode(metric)?;
        for (name, help, count) in counts(&stats) {
            let counter = ConstCounter::new(count);
            let metric = encoder.encode_descriptor(name, help, None, counter.metric_type())?;
            counter.encode(metric)?;
        }
        Ok(())
    }
}

const fn counts(stats: &Stats) -> [(&'static str, &'static str, u64); 12] {
    [
        (
            "dtls_handshakes_started",
            "Handshakes with a valid cookie",
            stats.handshakes_started,
        ),
        (
            "dtls_handshakes_completed",
            "Handshakes that led to a session",
            stats.handshakes_completed,
        ),
        (
            "dtls_handshakes_failed",
            "Handshakes that did not",
            stats.handshakes_failed,
        ),
        (
            "datagrams_received",
            "Datagrams received",
            stats.datagrams_received,
        ),
        ("datagrams_sent", "Datagrams sent", stats.datagrams_sent),
        (
            "datagrams_ignored",
            "Datagrams that led to nothing",
            stats.datagrams_ignored,
        ),
        (
            "coap_requests",
            "Requests of UEs, without duplicates",
            stats.requests,
        ),
        (
            "coap_requests_refused",
            "Requests refused for too many at a time",
            stats.requests_refused,
        ),
        (
            "coap_duplicates",
            "Messages of UEs that came again",
            stats.duplicates,
        ),
        (
            "coap_retransmissions",
            "CoAP messages sent again",
            stats.retransmissions,
        ),
        ("coap_timeouts", "CoAP messages given up", stats.timeouts),
        (
            "coap_answers_dropped",
            "Answers whose session was over",
            stats.answers_dropped,
        ),
    ]
}

//! Metrics beside those of the procedures.

use std::fmt;

use coap_tokio::Stats;
use nf_runtime::Runtime;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
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
        // Shown from the start: no rate could count a state that appears with its first message.
        for state in Delivery::ALL {
            drop(deliveries.0.get_or_create(&state.label()));
        }
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
        self.0.get_or_create(&state.label()).inc();
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
    /// Its time ended before it was delivered.
    Expired,
}

impl Delivery {
    const ALL: [Self; 7] = [
        Self::Accepted,
        Self::Stored,
        Self::Repeated,
        Self::Delivered,
        Self::Returned,
        Self::Failed,
        Self::Expired,
    ];

    const fn label(self) -> StateLabel {
        let state = match self {
            Self::Accepted => "accepted",
            Self::Stored => "stored",
            Self::Repeated => "repeated",
            Self::Delivered => "delivered",
            Self::Returned => "returned",
            Self::Failed => "failed",
            Self::Expired => "expired",
        };
        StateLabel { state }
    }
}

/// Counts of the CoAP endpoint and the number of bound endpoints, read when metrics are.
pub(crate) struct Traffic<F>(pub(crate) F);

impl<F> fmt::Debug for Traffic<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traffic")
    }
}

impl<F: Fn() -> (Stats, usize) + Send + Sync + 'static> Traffic<F> {
    pub(crate) fn register(self, runtime: &Runtime) {
        runtime.metrics.family(PREFIX, |registry| {
            registry.register_collector(Box::new(self))
        });
    }
}

impl<F: Fn() -> (Stats, usize) + Send + Sync + 'static> Collector for Traffic<F> {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let (stats, registered) = (self.0)();
        let registered = u64::try_from(registered).unwrap_or(u64::MAX);
        for (name, help, value) in [
            ("dtls_sessions", "Established DTLS sessions", stats.sessions),
            (
                "dtls_handshakes_under_way",
                "Handshakes with a valid cookie that have not ended",
                stats.handshakes,
            ),
            (
                "registrations",
                "UE Service IDs that a session of this server has registered",
                registered,
            ),
        ] {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            let metric = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            gauge.encode(metric)?;
        }
        for (name, help, count) in counts(&stats) {
            let counter = ConstCounter::new(count);
            let metric = encoder.encode_descriptor(name, help, None, counter.metric_type())?;
            counter.encode(metric)?;
        }
        let failed = ("dtls_handshakes_failed", "Handshakes that led to none");
        by_reason(&mut encoder, failed, &stats.failures.by_reason())?;
        let ended = ("dtls_sessions_ended", "DTLS sessions that are over");
        by_reason(&mut encoder, ended, &stats.closings.by_reason())
    }
}

/// Writes one counter for each reason.
fn by_reason(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help): (&str, &str),
    counts: &[(&'static str, u64)],
) -> Result<(), fmt::Error> {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (reason, count) in counts {
        let label = [("reason", *reason)];
        ConstCounter::new(*count).encode(family.encode_family(&label)?)?;
    }
    Ok(())
}

const fn counts(stats: &Stats) -> [(&'static str, &'static str, u64); 14] {
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
            "datagrams_unsent",
            "Datagrams that could not be sent",
            stats.send_errors,
        ),
        (
            "dtls_hello_verify_requests",
            "Hellos without a valid cookie",
            stats.hello_verify_requests,
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
        (
            "coap_rejected",
            "Data of UEs that was no CoAP message",
            stats.rejected,
        ),
        ("coap_timeouts", "CoAP messages given up", stats.timeouts),
        (
            "coap_answers_dropped",
            "Answers whose session was over",
            stats.answers_dropped,
        ),
    ]
}

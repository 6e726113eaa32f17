//! The counts of an endpoint as metrics.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::stats::Stats;

/// Shows the counts of an endpoint whenever metrics are read, under the prefix of the registry that it is
/// registered in.
pub struct Traffic(Box<dyn Fn() -> Stats + Send + Sync>);

impl Traffic {
    /// Shows what `stats` answers, for example that of a [`Server`](crate::Server).
    pub fn new(stats: impl Fn() -> Stats + Send + Sync + 'static) -> Self {
        Self(Box::new(stats))
    }
}

impl fmt::Debug for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traffic")
    }
}

impl Collector for Traffic {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let stats = (self.0)();
        for (name, help, value) in [
            ("dtls_sessions", "Established DTLS sessions", stats.sessions),
            (
                "dtls_handshakes_under_way",
                "Handshakes with a valid cookie that have not ended",
                stats.handshakes,
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
            "Requests of peers, without duplicates",
            stats.requests,
        ),
        (
            "coap_requests_refused",
            "Requests refused for too many at a time",
            stats.requests_refused,
        ),
        (
            "coap_duplicates",
            "Messages of peers that came again",
            stats.duplicates,
        ),
        (
            "coap_retransmissions",
            "CoAP messages sent again",
            stats.retransmissions,
        ),
        (
            "coap_rejected",
            "Data of peers that was no CoAP message",
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

//! Metrics beside those of the procedures.

use std::fmt;

use coap_tokio::Traffic;
use nf_runtime::Runtime;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::counter::Counter;
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

/// How many endpoints are bound, read when metrics are.
pub(crate) struct Bound<F>(pub(crate) F);

impl<F> fmt::Debug for Bound<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bound")
    }
}

impl<F: Fn() -> usize + Send + Sync + 'static> Bound<F> {
    /// Registers it, and the counts of the CoAP endpoint.
    pub(crate) fn register(self, traffic: Traffic, runtime: &Runtime) {
        runtime.metrics.family(PREFIX, |registry| {
            registry.register_collector(Box::new(self));
            registry.register_collector(Box::new(traffic));
        });
    }
}

impl<F: Fn() -> usize + Send + Sync + 'static> Collector for Bound<F> {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let bound = ConstGauge::new(i64::try_from((self.0)()).unwrap_or(i64::MAX));
        let metric = encoder.encode_descriptor(
            "registrations",
            "UE Service IDs that a session of this server has registered",
            None,
            bound.metric_type(),
        )?;
        bound.encode(metric)
    }
}

//! Which traces are sent.

use opentelemetry::trace::{Link, SpanId, SpanKind, TraceContextExt as _, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{
    IdGenerator as _, RandomIdGenerator, Sampler, SamplingResult, ShouldSample,
};
use serde::{Deserialize, Serialize};

/// The part of all traces that is sent, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct TraceRatio(f64);

/// A number is no part of a whole.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{0} is not between 0 and 1")]
pub struct NotARatio(f64);

impl TraceRatio {
    /// Everything.
    pub const ALL: Self = Self(1.0);
}

impl TryFrom<f64> for TraceRatio {
    type Error = NotARatio;

    fn try_from(ratio: f64) -> Result<Self, NotARatio> {
        if (0.0..=1.0).contains(&ratio) {
            Ok(Self(ratio))
        } else {
            Err(NotARatio(ratio))
        }
    }
}

impl From<TraceRatio> for f64 {
    fn from(ratio: TraceRatio) -> Self {
        ratio.0
    }
}

/// Follows the decision of the function that called, and decides by the ratio where a trace begins here.
///
/// A stranger may name its trace but does not decide: neither by the flag that it sends nor by choosing an
/// identifier that the ratio selects.
#[derive(Clone, Debug)]
pub(super) struct Sampling {
    ours: Sampler,
    ratio: Sampler,
    random: RandomIdGenerator,
}

impl Sampling {
    pub(super) fn new(ratio: TraceRatio) -> Self {
        let ratio = Sampler::TraceIdRatioBased(ratio.0);
        Self {
            ours: Sampler::ParentBased(Box::new(ratio.clone())),
            ratio,
            random: RandomIdGenerator::default(),
        }
    }
}

impl ShouldSample for Sampling {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        if parent.is_some_and(Stranger::is_parent_in) {
            let drawn = self.random.new_trace_id();
            self.ratio
                .should_sample(None, drawn, name, kind, attributes, links)
        } else {
            self.ours
                .should_sample(parent, trace_id, name, kind, attributes, links)
        }
    }
}

/// Marks a context whose span a stranger has named. What runs below inherits the mark, so it tells of which
/// span it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stranger(SpanId);

impl Stranger {
    pub(super) fn mark(context: Context) -> Context {
        let span = context.span().span_context().span_id();
        context.with_value(Self(span))
    }

    fn is_parent_in(context: &Context) -> bool {
        context.get::<Self>() == Some(&Self(context.span().span_context().span_id()))
    }
}

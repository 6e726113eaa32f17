//! Spans of calls, so that a trace goes from a device to what was written for it.

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use tracing::Span;
use tracing::field::Empty;

use crate::observe::{Call, Outcome};

/// Which store a span speaks of. Nothing else is told: keys may be identifiers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label {
    pub(crate) name: &'static str,
    pub(crate) system: &'static str,
}

/// The span of a call, where it belongs to a trace that is recorded; no trace begins here. Otherwise this costs a
/// look at the current context.
pub(crate) fn of(call: Call, label: Label) -> Span {
    if !Context::map_current(|context| context.span().span_context().is_sampled()) {
        return Span::none();
    }
    // Names of spans are constants.
    macro_rules! span {
        ($name:literal) => {
            tracing::info_span!(
                $name,
                otel.kind = "client",
                otel.status_code = Empty,
                db.system = label.system,
                store.name = label.name,
                store.class = call.class().map(crate::Class::name),
                store.outcome = Empty,
            )
        };
    }
    match call {
        Call::Read => span!("store.read"),
        Call::Scan => span!("store.scan"),
        Call::Commit(_) => span!("store.commit"),
    }
}

/// Notes how the call ended. A condition that does not hold is no fault.
pub(crate) fn end(span: &Span, outcome: Outcome) {
    if span.is_none() {
        return;
    }
    span.record("store.outcome", outcome.name());
    if matches!(outcome, Outcome::Failed | Outcome::Unknown) {
        span.record("otel.status_code", "ERROR");
    }
}

//! W3C trace context across calls and inside stored messages.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::sampling::Stranger;

/// The `traceparent` of the running code, to be stored with an entry that is worked on later.
/// W3C Trace Context 3.2.
pub fn current_traceparent() -> Option<String> {
    let mut headers = HeaderMap::new();
    inject(&Span::current(), &mut headers);
    headers.get(TRACEPARENT)?.to_str().ok().map(str::to_owned)
}

/// Makes a span that has not been entered yet the child of a stored `traceparent`. A malformed one
/// is ignored.
pub fn set_parent_from_traceparent(span: &Span, traceparent: &str) {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(traceparent) {
        headers.insert(TRACEPARENT, value);
        set_remote_parent(span, &headers);
    }
}

/// Makes a span the child of the caller's. Has an effect only before the span is first entered.
pub(crate) fn set_remote_parent(span: &Span, headers: &HeaderMap) {
    let context = TraceContextPropagator::new().extract(&Headers(headers));
    if context.span().span_context().is_valid() {
        // Fails only where no tracing is installed.
        let _ = span.set_parent(context);
    }
}

/// Makes a span part of the trace that a stranger names, a device or a browser. Whether it is recorded is for
/// us to decide, whatever the stranger's flags say. As with [`set_remote_parent`], before the span is entered.
pub fn set_stranger_as_parent(span: &Span, headers: &HeaderMap) {
    let context = TraceContextPropagator::new().extract(&Headers(headers));
    if context.span().span_context().is_valid() {
        // Fails only where no tracing is installed.
        let _ = span.set_parent(Stranger::mark(context));
    }
}

/// Writes the span's context into the headers of a request.
pub(crate) fn inject(span: &Span, headers: &mut HeaderMap) {
    TraceContextPropagator::new().inject_context(&span.context(), &mut HeadersMut(headers));
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct HeadersMut<'a>(&'a mut HeaderMap);

impl Injector for HeadersMut<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

const TRACEPARENT: &str = "traceparent";

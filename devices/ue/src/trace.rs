//! The trace that a step of the device belongs to, for the ways that can carry it: N1 and https.
//!
//! A device of the field has none. One that is played by a test, or by a person who looks for something, takes the
//! trace of whoever plays it, and the network may go on with it.

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Context, ContextGuard};

/// A trace and a place in it. W3C Trace Context 3.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traceparent(SpanContext);

/// The text names no place in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not of the form 00-<32 hexadecimal digits>-<16 digits>-<2 digits>")]
pub struct NotATraceparent;

impl std::str::FromStr for Traceparent {
    type Err = NotATraceparent;

    fn from_str(text: &str) -> Result<Self, NotATraceparent> {
        let parts: Vec<&str> = text.split('-').collect();
        let &["00", trace, span, flags] = parts.as_slice() else {
            return Err(NotATraceparent);
        };
        let digits = [(trace, 32), (span, 16), (flags, 2)];
        let is_hex = |octet: u8| octet.is_ascii_digit() || (b'a'..=b'f').contains(&octet);
        if !digits
            .iter()
            .all(|(part, digits)| part.len() == *digits && part.bytes().all(is_hex))
        {
            return Err(NotATraceparent);
        }
        let span = SpanContext::new(
            TraceId::from_hex(trace).map_err(|_| NotATraceparent)?,
            SpanId::from_hex(span).map_err(|_| NotATraceparent)?,
            TraceFlags::new(u8::from_str_radix(flags, 16).map_err(|_| NotATraceparent)?),
            true,
            TraceState::default(),
        );
        span.is_valid().then_some(Self(span)).ok_or(NotATraceparent)
    }
}

impl Traceparent {
    /// Puts what this thread does into the trace, until the guard is dropped.
    #[must_use]
    pub fn attach(&self) -> ContextGuard {
        Context::current()
            .with_remote_span_context(self.0.clone())
            .attach()
    }
}

/// The header value of the trace that the running code belongs to.
pub(crate) fn current() -> Option<String> {
    Context::map_current(|context| {
        let span = context.span();
        let span = span.span_context();
        let flags = span.trace_flags() & TraceFlags::SAMPLED;
        span.is_valid()
            .then(|| format!("00-{}-{}-{flags:02x}", span.trace_id(), span.span_id()))
    })
}

/// The header that carries it.
pub(crate) const HEADER: &str = "traceparent";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_taken_over_while_it_is_attached() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(current(), None);
        let attached = text.parse::<Traceparent>().map(|trace| trace.attach());
        assert_eq!(current().as_deref(), Some(text));
        drop(attached);
        assert_eq!(current(), None);
    }

    #[test]
    fn what_is_no_traceparent_is_refused() {
        for text in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333+-01",
        ] {
            assert_eq!(text.parse::<Traceparent>(), Err(NotATraceparent), "{text}");
        }
    }
}

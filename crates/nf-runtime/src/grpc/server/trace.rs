//! One span for each answered call, child of the caller's.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use tonic::{Code, Status};
use tracing::field::Empty;
use tracing::{Instrument as _, Span, info_span};

use super::stack::Access;
use crate::grpc::metrics::code_name;
use crate::grpc::{methods, wire};
use crate::telemetry::{set_remote_parent, set_stranger_as_parent};

/// Runs what lies inside in the span of the call.
///
/// The parent is set here and nowhere further in: a span that has been entered has started, and keeps
/// the parent it had.
pub(super) async fn server_span<B, F>(
    access: Access,
    request: Request<tonic::body::Body>,
    next: impl FnOnce(Request<tonic::body::Body>) -> F,
) -> Response<SpanBody<B>>
where
    F: Future<Output = Response<B>>,
{
    let rpc = methods::label(request.uri().path());
    let span = info_span!(
        "rpc.server",
        otel.name = rpc,
        otel.kind = "server",
        rpc.system = "grpc",
        rpc.method = rpc,
        rpc.response.status_code = Empty,
        berth.caller = Empty,
    );
    match access {
        Access::Functions => set_remote_parent(&span, request.headers()),
        Access::Radio => set_stranger_as_parent(&span, request.headers()),
    }
    let response = async { next(request).await }.instrument(span.clone()).await;
    if let Some(code) = wire::code(response.headers()) {
        record(&span, code);
    }
    response.map(|inner| SpanBody { inner, span })
}

/// Notes on the span of the call how it ended.
pub(crate) fn record(span: &Span, code: Code) {
    span.record("rpc.response.status_code", code_name(code));
}

/// A body whose stream runs in the span of its call.
pub(crate) struct SpanBody<B> {
    inner: B,
    span: Span,
}

impl<B> SpanBody<B> {
    pub(crate) const fn new(inner: B, span: Span) -> Self {
        Self { inner, span }
    }
}

impl<B: Default> Default for SpanBody<B> {
    fn default() -> Self {
        Self::new(B::default(), Span::none())
    }
}

impl<B: Body<Data = Bytes, Error = Status> + Unpin> Body for SpanBody<B> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let entered = this.span.enter();
        let frame = std::task::ready!(Pin::new(&mut this.inner).poll_frame(context));
        drop(entered);
        if let Some(code) = frame.as_ref().and_then(wire::code_of_frame) {
            record(&this.span, code);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

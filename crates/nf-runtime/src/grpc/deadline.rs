//! By when a call has to be answered.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use cause::Cause;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use nf_api::status::refuse;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};
use tonic::Status;

use crate::grpc::GrpcConfig;
use crate::grpc::methods;
use crate::grpc::wire::{self, trailers};

/// By when a call has to be answered.
///
/// The server side puts it into the extensions of each request that has one. When it passes, the
/// handler is dropped, and with it every call that the handler made. A handler that makes a call with
/// work behind it that cannot be interrupted hands its deadline on by inserting it into the extensions
/// of its own request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// So long from now.
    pub fn after(time: Duration) -> Self {
        Self(Instant::now() + time.min(FAR))
    }

    /// What is left of it.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    pub(crate) const fn instant(self) -> Instant {
        self.0
    }
}

/// A body that ends with DEADLINE_EXCEEDED when its deadline passes.
#[derive(Default)]
pub(crate) struct DeadlineBody<B> {
    inner: B,
    deadline: Option<Deadline>,
    timer: Option<Pin<Box<Sleep>>>,
    ended: bool,
}

impl<B> DeadlineBody<B> {
    pub(crate) const fn new(inner: B, deadline: Option<Deadline>) -> Self {
        Self {
            inner,
            deadline,
            timer: None,
            ended: false,
        }
    }
}

impl<B: Body<Data = Bytes, Error = Status> + Unpin> Body for DeadlineBody<B> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if this.ended {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(context) {
            return Poll::Ready(frame);
        }
        let Some(deadline) = this.deadline else {
            return Poll::Pending;
        };
        let timer = this
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(deadline.instant())));
        std::task::ready!(timer.as_mut().poll(context));
        this.ended = true;
        Poll::Ready(Some(Ok(trailers(&refuse(Cause::DeadlineExceeded)))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Answers MALFORMED_MESSAGE or DEADLINE_EXCEEDED in place of what lies inside, where the caller's
/// timeout cannot be read or has passed. Streams have no deadline unless their caller gives one; it
/// then bounds the whole stream.
pub(crate) async fn bound<B, F>(
    limits: &GrpcConfig,
    mut request: Request<tonic::body::Body>,
    next: impl FnOnce(Request<tonic::body::Body>) -> F,
) -> Response<DeadlineBody<B>>
where
    B: Body + Default,
    F: Future<Output = Response<B>>,
{
    let Ok(asked) = wire::timeout(request.headers()) else {
        return refuse(Cause::MalformedMessage).into_http();
    };
    let streams = methods::streams(request.uri().path());
    let time = match asked {
        asked if streams => asked,
        Some(asked) => Some(asked.min(limits.longest_deadline)),
        None => Some(limits.default_deadline),
    };
    let Some(deadline) = time.map(Deadline::after) else {
        return next(request)
            .await
            .map(|body| DeadlineBody::new(body, None));
    };
    request.extensions_mut().insert(deadline);
    match timeout_at(deadline.0, next(request)).await {
        // What a call without streams answers is complete.
        Ok(response) => response.map(|body| DeadlineBody::new(body, streams.then_some(deadline))),
        Err(_) => refuse(Cause::DeadlineExceeded).into_http(),
    }
}

/// Instants further away may not exist.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

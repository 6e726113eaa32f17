//! A panic in a handler ends its call, not its neighbours.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use cause::Cause;
use futures::FutureExt as _;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use nf_api::status::refuse;
use tonic::Status;
use tracing::error;

use crate::grpc::wire::trailers;
use crate::lifecycle::panic_text;

/// Answers INTERNAL where what lies inside panics, in the handler or in the stream that it returned.
///
/// Nothing of a call is used after its panic, so that no broken invariant of it can be seen.
pub(super) async fn caught<B, F>(
    request: Request<tonic::body::Body>,
    next: impl FnOnce(Request<tonic::body::Body>) -> F,
) -> Response<CaughtBody<B>>
where
    B: Default,
    F: Future<Output = Response<B>>,
{
    match AssertUnwindSafe(async { next(request).await })
        .catch_unwind()
        .await
    {
        Ok(response) => response.map(|inner| CaughtBody {
            inner,
            ended: false,
        }),
        Err(panic) => internal_error(&*panic).into_http(),
    }
}

/// A body that ends with INTERNAL when the stream inside panics.
#[derive(Default)]
pub(super) struct CaughtBody<B> {
    inner: B,
    ended: bool,
}

impl<B: Body<Data = Bytes, Error = Status> + Unpin> Body for CaughtBody<B> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let inner = Pin::new(&mut self.inner);
        catch_unwind(AssertUnwindSafe(|| inner.poll_frame(context))).unwrap_or_else(|panic| {
            self.ended = true;
            Poll::Ready(Some(Ok(trailers(&internal_error(&*panic)))))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn internal_error(panic: &(dyn Any + Send)) -> Status {
    error!(panic = panic_text(panic), "handler panicked");
    refuse(Cause::Internal)
}

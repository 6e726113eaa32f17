//! Streams end when the process stops; a drain must not wait for those that never would.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;

use crate::grpc::methods::{method, streams};
use crate::grpc::wire::trailers;

/// Ends streams when `token` is cancelled: a stream of answers with UNAVAILABLE, a stream of requests
/// with its regular end, after which its handler answers what it still owes.
pub(super) async fn ended_by<F>(
    token: &CancellationToken,
    request: Request<tonic::body::Body>,
    next: impl FnOnce(Request<tonic::body::Body>) -> F,
) -> Response<DrainBody<tonic::body::Body>>
where
    F: Future<Output = Response<tonic::body::Body>>,
{
    let path = request.uri().path();
    let (requests, answers) = match method(path) {
        Some(method) if method.request_stream => (Some(End::Regular), None),
        _ if streams(path) => (None, Some(End::Unavailable)),
        _ => (None, None),
    };
    let request = match requests {
        Some(end) => {
            request.map(|inner| tonic::body::Body::new(DrainBody::new(inner, token, Some(end))))
        }
        None => request,
    };
    next(request)
        .await
        .map(|inner| DrainBody::new(inner, token, answers))
}

/// How a stream ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Regular,
    Unavailable,
}

/// A body that ends when the process stops.
#[derive(Default)]
pub(super) struct DrainBody<B> {
    inner: B,
    stop: Option<(Pin<Box<WaitForCancellationFutureOwned>>, End)>,
    ended: bool,
}

impl<B> DrainBody<B> {
    fn new(inner: B, token: &CancellationToken, end: Option<End>) -> Self {
        let stop = end.map(|end| (Box::pin(token.clone().cancelled_owned()), end));
        Self {
            inner,
            stop,
            ended: false,
        }
    }
}

impl<B: Body<Data = Bytes, Error = Status> + Unpin> Body for DrainBody<B> {
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
        let Some((stop, end)) = &mut this.stop else {
            return Poll::Pending;
        };
        std::task::ready!(stop.as_mut().poll(context));
        this.ended = true;
        Poll::Ready(match end {
            End::Regular => None,
            End::Unavailable => Some(Ok(trailers(&Status::unavailable("the function stops")))),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

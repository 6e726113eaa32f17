//! Duration and outcome of calls, by RPC and gRPC code.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tonic::{Code, Status};

use crate::grpc::{methods, wire};
use crate::metrics::DurationFamily;

/// `berth_rpc_server_duration_seconds`, `berth_rpc_client_duration_seconds` and `berth_rpc_server_in_flight`.
#[derive(Clone, Debug)]
pub(crate) struct RpcMetrics {
    server: DurationFamily<Labels>,
    client: DurationFamily<Labels>,
    in_flight: Gauge,
}

/// Which side of a call is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Client,
    Server,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    rpc: &'static str,
    code: &'static str,
}

impl RpcMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let (server, client) = (DurationFamily::new(), DurationFamily::new());
        server.register(
            registry,
            "server_duration",
            "Duration of answered calls by RPC and gRPC code",
        );
        client.register(
            registry,
            "client_duration",
            "Duration of own calls by RPC and gRPC code",
        );
        let in_flight = Gauge::default();
        registry.register(
            "server_in_flight",
            "Calls that are being answered, streams included",
            in_flight.clone(),
        );
        Self {
            server,
            client,
            in_flight,
        }
    }

    /// Begins to measure the call of a path.
    pub(crate) fn start(&self, side: Side, path: &str) -> Measurement {
        let (family, in_flight) = match side {
            Side::Client => (&self.client, None),
            Side::Server => (&self.server, Some(InFlight::new(&self.in_flight))),
        };
        Measurement {
            running: Some(Call {
                family: family.clone(),
                started: Instant::now(),
                rpc: methods::label(path),
                _in_flight: in_flight,
            }),
        }
    }
}

/// A call that is being measured. Dropped early, it counts as cancelled, or as an internal error where
/// a panic drops it.
#[derive(Debug, Default)]
pub(crate) struct Measurement {
    running: Option<Call>,
}

#[derive(Debug)]
struct Call {
    family: DurationFamily<Labels>,
    started: Instant,
    rpc: &'static str,
    _in_flight: Option<InFlight>,
}

/// Counts a call as long as it lives.
#[derive(Debug)]
struct InFlight(Gauge);

impl InFlight {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Measurement {
    /// Counts the call once.
    pub(crate) fn finish(&mut self, code: Code) {
        if let Some(call) = self.running.take() {
            let labels = Labels {
                rpc: call.rpc,
                code: code_name(code),
            };
            call.family.observe(&labels, call.started.elapsed());
        }
    }
}

impl Drop for Measurement {
    fn drop(&mut self) {
        self.finish(if std::thread::panicking() {
            Code::Internal
        } else {
            Code::Cancelled
        });
    }
}

/// Counts the call by its status, which may come with its headers or after its body.
pub(crate) async fn measured<B, F>(
    metrics: &RpcMetrics,
    request: Request<tonic::body::Body>,
    next: impl FnOnce(Request<tonic::body::Body>) -> F,
) -> Response<MeasuredBody<B>>
where
    F: Future<Output = Response<B>>,
{
    let mut measurement = metrics.start(Side::Server, request.uri().path());
    let response = next(request).await;
    if let Some(code) = wire::code(response.headers()) {
        measurement.finish(code);
    }
    response.map(|inner| MeasuredBody::new(inner, measurement))
}

/// A body that counts its call when its trailers come.
#[derive(Default)]
pub(crate) struct MeasuredBody<B> {
    inner: B,
    measurement: Measurement,
}

impl<B> MeasuredBody<B> {
    pub(crate) const fn new(inner: B, measurement: Measurement) -> Self {
        Self { inner, measurement }
    }
}

impl<B: Body<Data = Bytes, Error = Status> + Unpin> Body for MeasuredBody<B> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = std::task::ready!(Pin::new(&mut self.inner).poll_frame(context));
        if let Some(code) = frame.as_ref().and_then(wire::code_of_frame) {
            self.measurement.finish(code);
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

/// The code as the gRPC specification writes it.
pub(crate) const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

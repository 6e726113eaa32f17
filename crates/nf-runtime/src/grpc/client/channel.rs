//! A callee as seen by its callers: the layers of the calling side around a transport.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use cause::Cause;
use futures::future::BoxFuture;
use http::{Request, Response};
use nf_api::status::refuse;
use nf_api::{Caller, NetworkFunction};
use tokio::time::timeout_at;
use tonic::Status;
use tonic::body::Body;
use tonic::service::Routes;
use tower::Service;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, info_span};

use super::pool::Pool;
use super::retry::{Budget, Unanswered, retried};
use super::targets::{Resolver, SystemResolver, TargetError, Targets};
use crate::grpc::deadline::{Deadline, DeadlineBody};
use crate::grpc::methods;
use crate::grpc::metrics::{MeasuredBody, Measurement, RpcMetrics, Side};
use crate::grpc::server::{Access, SpanBody, Stack, record};
use crate::grpc::{GrpcConfig, wire};
use crate::random::Random;
use crate::runtime::Runtime;
use crate::telemetry::inject;
use crate::tls::TlsIdentity;

/// A way to one network function, for the generated clients: `XServiceClient::new(channel)`. Clones are
/// the same way.
///
/// Each call has a deadline, is part of the caller's trace, and is repeated where the RPC is idempotent
/// and the callee was not available. Whatever breaks below becomes UNAVAILABLE.
#[derive(Clone)]
pub struct Channel(Arc<Inner>);

struct Inner {
    transport: Transport,
    limits: GrpcConfig,
    metrics: RpcMetrics,
    random: Random,
    budget: Budget,
}

enum Transport {
    InProcess { stack: Stack, caller: Caller },
    Network(Pool),
}

/// A way to services in the same process. They see `caller`, and every layer of a listener applies,
/// authorization included.
pub fn in_process(routes: Routes, caller: Caller, runtime: &Runtime) -> Channel {
    let stack = Stack::new(routes, Access::Functions, runtime);
    Channel::new(Transport::InProcess { stack, caller }, runtime)
}

/// A way to the replicas of a function. Nothing is opened before the first call.
///
/// `targets` is a list of `host:port` with commas between. Each host is resolved again from time to
/// time, and soon after a replica could not be reached; calls go round over all addresses that answer. Where none
/// does, a call that has a deadline waits for one until half of its time is over. Whoever does not prove to be
/// `callee` is not talked to.
///
/// # Errors
/// A target is not of the form `host:port`.
pub fn connect(
    targets: &str,
    identity: &TlsIdentity,
    callee: NetworkFunction,
    runtime: &Runtime,
) -> Result<Channel, TargetError> {
    connect_by(Arc::new(SystemResolver), targets, identity, callee, runtime)
}

/// As [`connect`], with addresses from another source than the system.
///
/// # Errors
/// As [`connect`].
pub fn connect_by(
    resolver: Arc<dyn Resolver>,
    targets: &str,
    identity: &TlsIdentity,
    callee: NetworkFunction,
    runtime: &Runtime,
) -> Result<Channel, TargetError> {
    let targets = Targets::parse(targets)?;
    let pool = Pool::new(targets, resolver, identity.clone(), callee, runtime);
    Ok(Channel::new(Transport::Network(pool), runtime))
}

impl Channel {
    fn new(transport: Transport, runtime: &Runtime) -> Self {
        Self(Arc::new(Inner {
            transport,
            limits: runtime.grpc.clone(),
            metrics: runtime.metrics.rpc().clone(),
            random: runtime.random.clone(),
            budget: Budget::new(),
        }))
    }
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Body>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let inner = Arc::clone(&self.0);
        let path = request.uri().path();
        let rpc = methods::label(path);
        let measurement = inner.metrics.start(Side::Client, path);
        let span = info_span!(
            "rpc.client",
            otel.name = rpc,
            otel.kind = "client",
            rpc.system = "grpc",
            rpc.method = rpc,
            rpc.response.status_code = Empty,
        );
        let call = inner
            .call(request, span.clone(), measurement)
            .instrument(span);
        Box::pin(call)
    }
}

impl Inner {
    async fn call(
        self: Arc<Self>,
        mut request: Request<Body>,
        span: Span,
        mut measurement: Measurement,
    ) -> Result<Response<Body>, Status> {
        let deadline = self.deadline(&request);
        inject(&span, request.headers_mut());
        let answered = match deadline {
            Some(deadline) => {
                timeout_at(deadline.instant(), self.attempts(request, Some(deadline)))
                    .await
                    .unwrap_or_else(|_| Err(refuse(Cause::DeadlineExceeded)))
            }
            None => self.attempts(request, None).await,
        };
        let code = match &answered {
            Ok(response) => wire::code(response.headers()),
            Err(status) => Some(status.code()),
        };
        if let Some(code) = code {
            measurement.finish(code);
            record(&span, code);
        }
        let body = |body| {
            Body::new(SpanBody::new(
                MeasuredBody::new(DeadlineBody::new(body, deadline), measurement),
                span,
            ))
        };
        answered.map(|response| response.map(body))
    }

    /// The earliest of what the request carries; without any, the default, unless it opens a stream.
    fn deadline(&self, request: &Request<Body>) -> Option<Deadline> {
        let handed_on = request.extensions().get::<Deadline>().copied();
        let asked = wire::timeout(request.headers())
            .ok()
            .flatten()
            .map(Deadline::after);
        let given = handed_on.into_iter().chain(asked).min();
        let streams = methods::streams(request.uri().path());
        given.or_else(|| (!streams).then(|| Deadline::after(self.limits.default_deadline)))
    }

    async fn attempts(
        &self,
        request: Request<Body>,
        deadline: Option<Deadline>,
    ) -> Result<Response<Body>, Status> {
        retried(&self.budget, &self.random, request, |request| {
            self.attempt(request, deadline)
        })
        .await
    }

    async fn attempt(
        &self,
        mut request: Request<Body>,
        deadline: Option<Deadline>,
    ) -> Result<Response<Body>, Unanswered> {
        match &self.transport {
            Transport::InProcess { stack, caller } => {
                if let Some(deadline) = deadline {
                    wire::set_timeout(request.headers_mut(), deadline.remaining());
                }
                request.extensions_mut().clear();
                Ok(stack.clone().answer(request, Some(caller.clone())).await)
            }
            Transport::Network(pool) => pool.send(request, deadline).await,
        }
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.transport {
            Transport::InProcess { caller, .. } => f
                .debug_struct("Channel")
                .field("in_process_as", caller)
                .finish(),
            Transport::Network(pool) => f.debug_struct("Channel").field("to", pool).finish(),
        }
    }
}

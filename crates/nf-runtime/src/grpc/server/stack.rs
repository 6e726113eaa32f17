//! The layers of the answering side, in the one order they have.

use std::convert::Infallible;
use std::sync::Arc;

use http::{Request, Response};
use nf_api::Caller;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::service::Routes;
use tower::ServiceExt as _;

use super::{access, drain, malformed, panic_guard, shed, trace};
use crate::grpc::GrpcConfig;
use crate::grpc::deadline::bound;
use crate::grpc::metrics::{RpcMetrics, measured};
use crate::runtime::Runtime;

/// Services with the layers that each call passes before it reaches them. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Stack(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    routes: Routes,
    access: Access,
    limits: GrpcConfig,
    metrics: RpcMetrics,
    permits: Arc<Semaphore>,
    draining: CancellationToken,
}

/// Who may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Callers with an identity, as the authorization table says.
    Functions,
    /// Devices, on the radio interface and nothing else.
    Radio,
}

impl Stack {
    /// Puts all layers around the services.
    pub(crate) fn new(routes: Routes, access: Access, runtime: &Runtime) -> Self {
        Self(Arc::new(Inner {
            routes: routes.prepare(),
            access,
            limits: runtime.grpc.clone(),
            metrics: runtime.metrics.rpc().clone(),
            permits: Arc::new(Semaphore::new(runtime.grpc.max_calls_in_flight)),
            draining: runtime.lifecycle.token(),
        }))
    }

    /// Answers one call. `caller` is what the transport has proven, if anything.
    pub(crate) async fn answer(
        self,
        request: Request<Body>,
        caller: Option<Caller>,
    ) -> Response<Body> {
        let Inner {
            routes,
            access,
            limits,
            metrics,
            permits,
            draining,
        } = &*self.0;
        let response = panic_guard::caught(request, |request| {
            trace::server_span(*access, request, |request| {
                measured(metrics, request, |request| {
                    shed::limited(permits, request, |request| {
                        bound(limits, request, |request| {
                            access::identified(caller, request, |request| {
                                access::authorized(*access, request, |request| {
                                    drain::ended_by(draining, request, |request| {
                                        routed(routes.clone(), request)
                                    })
                                })
                            })
                        })
                    })
                })
            })
        });
        response.await.map(Body::new)
    }
}

async fn routed(routes: Routes, request: Request<Body>) -> Response<Body> {
    let answered: Result<_, Infallible> = routes.oneshot(request).await;
    match answered {
        Ok(response) => malformed::refused(response),
        Err(impossible) => match impossible {},
    }
}

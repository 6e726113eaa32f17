//! Who calls, and whether it may. What no rule allows is refused.

use std::future::Future;

use cause::Cause;
use http::{Extensions, Request, Response};
use nf_api::Caller;
use nf_api::authorization::is_allowed;
use nf_api::status::refuse;
use tonic::Status;
use tonic::body::Body;
use tracing::{Span, field, warn};

use crate::grpc::server::Access;

/// The caller that the transport has proven, for edges whose answer depends on it.
///
/// # Errors
/// UNAUTHENTICATED where the request did not come through the layers.
pub fn caller(extensions: &Extensions) -> Result<&Caller, Status> {
    extensions
        .get::<Caller>()
        .ok_or_else(|| refuse(Cause::Unauthenticated))
}

/// Makes the proven caller part of the request. It replaces whatever an in-process caller put there.
pub(super) async fn identified<B, F>(
    proven: Option<Caller>,
    mut request: Request<Body>,
    next: impl FnOnce(Request<Body>) -> F,
) -> Response<B>
where
    F: Future<Output = Response<B>>,
{
    match proven {
        Some(caller) => {
            Span::current().record("berth.caller", field::display(&caller));
            request.extensions_mut().insert(caller);
        }
        None => {
            request.extensions_mut().remove::<Caller>();
        }
    }
    next(request).await
}

/// Lets pass what the table allows; everything else is refused.
pub(super) async fn authorized<B, F>(
    access: Access,
    request: Request<Body>,
    next: impl FnOnce(Request<Body>) -> F,
) -> Response<B>
where
    B: Default,
    F: Future<Output = Response<B>>,
{
    let path = request.uri().path();
    match verdict(access, path, request.extensions().get::<Caller>()) {
        Ok(()) => next(request).await,
        Err(cause) => {
            warn!(path, cause = cause.name(), "call refused");
            refuse(cause).into_http()
        }
    }
}

fn verdict(access: Access, path: &str, caller: Option<&Caller>) -> Result<(), Cause> {
    match (access, caller) {
        (Access::Radio, _) if path.starts_with(RADIO) => Ok(()),
        (Access::Functions, Some(caller)) if may_call(path, caller) => Ok(()),
        (Access::Functions, None) => Err(Cause::Unauthenticated),
        (Access::Radio | Access::Functions, _) => Err(Cause::NotAuthorized),
    }
}

fn may_call(path: &str, caller: &Caller) -> bool {
    if path.starts_with(HEALTH) {
        return true;
    }
    if path.starts_with(REFLECTION) {
        return matches!(caller, Caller::Operator { .. });
    }
    is_allowed(path, caller)
}

const RADIO: &str = "/berth.access_gateway.v1.";
const HEALTH: &str = "/grpc.health.v1.Health/";
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/";

//! Refuses at once what would only wait.

use std::future::Future;
use std::time::Duration;

use cause::Cause;
use http::{Request, Response};
use nf_api::status::refuse;
use tokio::sync::Semaphore;
use tonic::Status;
use tonic::body::Body;
use tonic_types::StatusExt as _;

/// Answers OVERLOADED where all permits are taken. A call holds its permit until its handler has
/// answered; what a stream does afterwards does not count.
pub(super) async fn limited<B, F>(
    permits: &Semaphore,
    request: Request<Body>,
    next: impl FnOnce(Request<Body>) -> F,
) -> Response<B>
where
    B: Default,
    F: Future<Output = Response<B>>,
{
    let Ok(_permit) = permits.try_acquire() else {
        return overloaded().into_http();
    };
    next(request).await
}

fn overloaded() -> Status {
    let refusal = refuse(Cause::Overloaded);
    let mut details = refusal.get_error_details();
    details.set_retry_info(Some(RETRY_AFTER));
    Status::with_error_details(refusal.code(), refusal.message(), details)
}

const RETRY_AFTER: Duration = Duration::from_millis(500);

//! Repeats calls that may be repeated, within a budget.

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use tonic::body::Body;
use tonic::{Code, Status};
use tracing::debug;

use crate::grpc::methods::method;
use crate::grpc::wire;
use crate::random::Random;

/// An attempt that got no answer.
pub(super) struct Unanswered {
    /// Why.
    pub(super) status: Status,
    /// Whether another attempt may fare better. Where no replica could be reached, one was waited for already.
    pub(super) may_repeat: bool,
}

/// Makes one attempt, and further ones where the RPC is idempotent, the answer is UNAVAILABLE and the
/// budget allows, with random pauses in between.
pub(super) async fn retried<F>(
    budget: &Budget,
    random: &Random,
    request: Request<Body>,
    attempt: impl Fn(Request<Body>) -> F,
) -> Result<Response<Body>, Status>
where
    F: Future<Output = Result<Response<Body>, Unanswered>>,
{
    let path = request.uri().path();
    if !method(path)
        .and_then(|method| method.rule)
        .is_some_and(|rule| rule.idempotent)
    {
        return attempt(request).await.map_err(|failed| failed.status);
    }
    // One message, as no idempotent RPC has a stream of requests.
    let (parts, body) = request.into_parts();
    let message: Bytes = body.collect().await?.to_bytes();
    let mut pause = FIRST_PAUSE;
    for _ in 1..MAX_ATTEMPTS {
        let request = Request::from_parts(parts.clone(), Body::new(Full::new(message.clone())));
        let answered = match attempt(request).await {
            Err(failed) if !failed.may_repeat => return Err(failed.status),
            answered => answered.map_err(|failed| failed.status),
        };
        if !is_unavailable(&answered) {
            budget.deposit();
            return answered;
        }
        if !budget.withdraw() {
            return answered;
        }
        debug!(path = parts.uri.path(), "call is repeated");
        let bound = u64::try_from(pause.as_micros()).unwrap_or(u64::MAX);
        tokio::time::sleep(Duration::from_micros(random.up_to(bound))).await;
        pause *= 2;
    }
    attempt(Request::from_parts(parts, Body::new(Full::new(message))))
        .await
        .map_err(|failed| failed.status)
}

/// What a channel may spend on repetition: ten calls that succeed pay for one that is repeated, so that
/// a callee that is down is not buried under repetitions.
#[derive(Debug)]
pub(super) struct Budget(AtomicU32);

impl Budget {
    pub(super) const fn new() -> Self {
        Self(AtomicU32::new(FULL))
    }

    fn deposit(&self) {
        self.update(|tokens| (tokens < FULL).then_some(tokens.saturating_add(1)));
    }

    fn withdraw(&self) -> bool {
        self.update(|tokens| tokens.checked_sub(COST))
    }

    fn update(&self, change: impl Fn(u32) -> Option<u32>) -> bool {
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, change)
            .is_ok()
    }
}

fn is_unavailable(answered: &Result<Response<Body>, Status>) -> bool {
    let code = match answered {
        Ok(response) => wire::code(response.headers()),
        Err(status) => Some(status.code()),
    };
    code == Some(Code::Unavailable)
}

const MAX_ATTEMPTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const FULL: u32 = 1000;
const COST: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_runs_out_and_recovers_with_success() {
        let budget = Budget::new();
        assert_eq!((0..200).filter(|_| budget.withdraw()).count(), 100);
        (0..9).for_each(|_| budget.deposit());
        assert!(!budget.withdraw());
        budget.deposit();
        assert!(budget.withdraw());
    }
}

//! What a function needs at its start from something that starts as well, or that is away for a moment.

use std::error::Error;
use std::time::Duration;

use cause::Cause;
use tokio::time::{Instant, sleep};

use crate::procedure::chain;

/// How long a start waits.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Time between two attempts.
pub const RETRY: Duration = Duration::from_millis(500);

/// Does what a start needs from the store, again while the store is away, has lost its replicas for a moment or does
/// not confirm in time. It must do no harm twice: an attempt whose outcome is unknown is repeated too.
///
/// # Errors
/// What the last attempt answers after [`PATIENCE`], and any other error at once.
pub async fn patiently<T, E: Error, Attempt: Future<Output = Result<T, E>>>(
    mut attempt: impl FnMut() -> Attempt,
    cause_of: impl Fn(&E) -> Cause,
) -> Result<T, E> {
    let begun = Instant::now();
    loop {
        match attempt().await {
            Err(error)
                if begun.elapsed() < PATIENCE
                    && matches!(
                        cause_of(&error),
                        Cause::StoreUnavailable | Cause::OutcomeUnknown
                    ) =>
            {
                tracing::warn!(error = chain(&error), "the start waits for the store");
                sleep(RETRY).await;
            }
            answer => return answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, thiserror::Error)]
    #[error("{0:?}")]
    struct Failed(Cause);

    /// The answer of a start to whose attempts the store answers one after the other, and with success in the end.
    async fn started(answers: &[Cause]) -> (Result<(), Failed>, Duration) {
        let begun = Instant::now();
        let mut attempts = 0;
        let attempt = || {
            let answer = answers.get(attempts).copied();
            attempts += 1;
            std::future::ready(answer.map_or(Ok(()), |cause| Err(Failed(cause))))
        };
        let answer = patiently(attempt, |error| error.0).await;
        (answer, begun.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_is_away_is_waited_for_and_not_for_ever() {
        let (answer, waited) = started(&[Cause::StoreUnavailable, Cause::OutcomeUnknown]).await;
        assert_eq!((answer, waited), (Ok(()), 2 * RETRY));
        let (answer, waited) = started(&[Cause::StoreUnavailable; 100]).await;
        assert_eq!(
            (answer, waited),
            (Err(Failed(Cause::StoreUnavailable)), PATIENCE)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_no_wait_mends_is_told_at_once() {
        let (answer, waited) = started(&[Cause::Internal]).await;
        assert_eq!(
            (answer, waited),
            (Err(Failed(Cause::Internal)), Duration::ZERO)
        );
    }
}

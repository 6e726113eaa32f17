//! What an edge does with every procedure: time it, count it, log it once, refuse with its cause.

use std::error::Error;
use std::fmt::Write as _;

use cause::Cause;
use tonic::Status;

use crate::metrics::ProcedureMetrics;

/// Runs a procedure for an edge and answers its result, or the status of its cause.
///
/// A failure is logged here, once, with its whole chain: as a warning where we are at fault, otherwise at
/// debug level. Nothing of the chain reaches the caller.
///
/// # Errors
/// The status that [`nf_api::status::refuse`] makes of the cause.
pub async fn answer<T, E: Error>(
    metrics: &ProcedureMetrics,
    procedure: &'static str,
    work: impl Future<Output = Result<T, E>>,
    cause_of: impl FnOnce(&E) -> Cause,
) -> Result<T, Status> {
    let running = metrics.start(procedure);
    let outcome = work.await;
    let cause = outcome.as_ref().err().map(cause_of);
    running.finish(cause);
    outcome.map_err(|error| {
        let cause = cause.unwrap_or(Cause::Internal);
        if is_ours(cause) {
            tracing::warn!(
                procedure,
                cause = cause.name(),
                error = chain(&error),
                "procedure failed"
            );
        } else {
            tracing::debug!(
                procedure,
                cause = cause.name(),
                error = chain(&error),
                "procedure refused"
            );
        }
        nf_api::status::refuse(cause)
    })
}

/// An error and everything below it, in one line. Some libraries end their text with that of what is below: it is not
/// said twice.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        let more = error.to_string();
        if !text.ends_with(&more) {
            // Writing to a String cannot fail.
            let _ = write!(text, ": {more}");
        }
        below = error.source();
    }
    text
}

/// Whether a person running the network, rather than the caller, has to look at it.
const fn is_ours(cause: Cause) -> bool {
    cause.http() >= 500
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Above {
        #[error("the server cannot be reached")]
        Silent(#[source] io::Error),
        #[error("the server cannot be reached: {0}")]
        Telling(#[source] io::Error),
    }

    #[test]
    fn what_an_error_has_said_is_not_said_again() {
        let refused = || io::Error::other("connection refused");
        let text = "the server cannot be reached: connection refused";
        assert_eq!(chain(&Above::Silent(refused())), text);
        assert_eq!(chain(&Above::Telling(refused())), text);
    }
}

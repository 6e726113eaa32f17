//! Naanf_AKMA_AnchorKey_Register.

use std::time::Duration;

use akma::{AnchorKey, RegisterError, Registration};
use cause::Cause;
use identifiers::Supi;

use crate::contexts::{ContextError, Contexts};

/// An anchor key was not registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterAnchorKeyError {
    /// The context refuses it.
    #[error("the context refuses the anchor key")]
    Refused(#[from] RegisterError),
    /// The A-KID belongs to another SUPI.
    #[error("the A-KID belongs to another SUPI")]
    Collision,
    /// The context could not be stored.
    #[error("the context cannot be stored")]
    Context(#[from] ContextError),
}

impl From<store::Error> for RegisterAnchorKeyError {
    fn from(error: store::Error) -> Self {
        Self::Context(error.into())
    }
}

impl RegisterAnchorKeyError {
    /// The cause to answer with.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Refused(error) => error.cause(),
            Self::Collision => Cause::AKidCollision,
            Self::Context(error) => error.cause(),
        }
    }
}

/// Stores the latest anchor key of a SUPI; the one before it stays known for `grace`. Durable when it returns.
///
/// # Errors
/// [`RegisterAnchorKeyError`]
///
/// Source: TS 33.535 6.1 steps 4 and 5.
#[tracing::instrument(skip_all, name = "aanf.register_anchor_key", fields(nf.clause = "TS 33.535 6.1"))]
pub async fn register_anchor_key(
    contexts: &Contexts,
    supi: &Supi,
    anchor_key: AnchorKey,
    grace: Duration,
    now_ms: u64,
) -> Result<(), RegisterAnchorKeyError> {
    if contexts.index(&anchor_key.a_kid, supi).await? != *supi {
        tracing::error!(supi = %supi.redacted(), "A-KID of another subscriber registered");
        return Err(RegisterAnchorKeyError::Collision);
    }
    let registration: Registration = contexts
        .change::<_, RegisterAnchorKeyError>(supi, |context| {
            Ok(context.register(anchor_key.clone(), grace, now_ms)?)
        })
        .await?;
    if let Registration::Stored { forgotten } = registration {
        contexts.forget(&forgotten).await?;
    }
    Ok(())
}

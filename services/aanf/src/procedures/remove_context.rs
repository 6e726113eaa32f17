//! Naanf_AKMA_Context_Remove.

use identifiers::Supi;

use crate::contexts::{ContextError, Contexts};

/// Ends the context of a SUPI with no grace; one that has none stays so. Durable when it returns.
///
/// # Errors
/// [`ContextError`]
///
/// Source: TS 33.535 7.1, TS 29.535 4.2.2.4.
#[tracing::instrument(skip_all, name = "aanf.remove_context", fields(nf.clause = "TS 33.535 7.1"))]
pub async fn remove_context(contexts: &Contexts, supi: &Supi) -> Result<(), ContextError> {
    let forgotten = contexts
        .change::<_, ContextError>(supi, |context| Ok(context.remove()))
        .await?;
    contexts.forget(&forgotten).await
}

//! Ending a credential set.

use cause::Cause;
use identifiers::CredentialSetId;

use crate::credentials::CredentialError;
use crate::vault::Vault;

/// A credential set was not destroyed.
#[derive(Debug, thiserror::Error)]
pub enum DestroyError {
    /// There never was such a credential set.
    #[error("no such credential set")]
    NotFound,
    /// Credentials could not be read or written.
    #[error("the credential set cannot be read or stored")]
    Credentials(#[from] CredentialError),
}

impl From<store::Error> for DestroyError {
    fn from(error: store::Error) -> Self {
        Self::Credentials(error.into())
    }
}

impl DestroyError {
    /// The cause to answer with.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::NotFound => Cause::NotFound,
            Self::Credentials(error) => error.cause(),
        }
    }
}

/// Erases the keys of a credential set; repeating it changes nothing. Durable when it returns.
///
/// Once no set of a SUPI is alive, the SUPI may be given to another subscription. Its authentication epoch goes on.
///
/// # Errors
/// [`DestroyError`]
#[tracing::instrument(skip_all, name = "vault.destroy", fields(nf.clause = "berth protocol 7"))]
pub async fn destroy(vault: &Vault, id: &CredentialSetId) -> Result<(), DestroyError> {
    let supi = vault
        .credentials
        .supi_of(id)
        .await?
        .ok_or(DestroyError::NotFound)?;
    vault
        .credentials
        .change::<_, DestroyError>(&supi, |subscriber| {
            for set in subscriber
                .sets
                .iter_mut()
                .filter(|set| set.credential_set_id == id.as_str())
            {
                set.destroy();
            }
            Ok(())
        })
        .await?;
    tracing::info!(credential_set = %id.redacted(), supi = %supi.redacted(), "credential set destroyed");
    Ok(())
}

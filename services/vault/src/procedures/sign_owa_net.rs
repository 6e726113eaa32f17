//! Signing the network's part of a Challenge.

use cause::Cause;
use cose::ObjectType;
use onboarding::{NetworkProofError, sign_network_proof};

use crate::vault::Vault;

/// A Challenge to sign.
#[derive(Clone, Debug)]
pub struct SignOwaNet {
    /// SHA-256 of the Start that it answers.
    pub start_hash: [u8; 32],
    /// Its body without label 8.
    pub challenge: Vec<u8>,
}

/// A Challenge was not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignOwaNetError {
    /// It is no Challenge without network proof, or signing failed.
    #[error("challenge cannot be signed")]
    Refused(#[from] NetworkProofError),
}

impl SignOwaNetError {
    /// The cause to answer with.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Refused(error) => error.cause(),
        }
    }
}

/// Signs a Challenge with the network key: an object of type `owa-net` with the certificates up to the root.
///
/// # Errors
/// [`SignOwaNetError`]
///
/// Source: Berth protocol, OWA version 1.
#[tracing::instrument(skip_all, name = "vault.sign_owa_net", fields(nf.clause = "berth protocol 3"))]
pub fn sign_owa_net(vault: &Vault, request: &SignOwaNet) -> Result<Vec<u8>, SignOwaNetError> {
    let operator = &vault.operator;
    let chain = operator.network_chain();
    let signed = sign_network_proof(
        &request.start_hash,
        &request.challenge,
        &chain,
        operator.network_key(),
    )?;
    vault.signed.count(ObjectType::OwaNet);
    Ok(signed)
}

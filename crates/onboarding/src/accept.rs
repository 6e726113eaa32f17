//! Accept: the parameters of the session, sealed to one Proof.
//!
//! That it opens is the network's key confirmation.

use crate::key_schedule::KeySchedule;
use crate::session_parameters::SessionParameters;
use crate::transcript::Transcript;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use alloc::vec::Vec;
use cause::Cause;
use cose::cbor::{self, DecodeError, Item};

/// The sealed parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accept {
    /// AES-256-GCM ciphertext and tag.
    pub sealed: Vec<u8>,
}

impl Accept {
    /// Seals parameters.
    ///
    /// The nonce is fixed, and the key belongs to one Proof: for one transcript the parameters must
    /// always be the same, so that a repeated Proof gets the same octets.
    ///
    /// # Errors
    /// [`AcceptError::Seal`] if the cipher refuses, which no input of this size makes it do.
    pub fn seal(
        schedule: &KeySchedule,
        transcript: &Transcript<'_>,
        parameters: &SessionParameters,
    ) -> Result<Self, AcceptError> {
        let plaintext = parameters.encode();
        let sealed = cipher(schedule, transcript)
            .encrypt(
                &Nonce::default(),
                Payload {
                    msg: &plaintext,
                    aad: &transcript.accept_aad(),
                },
            )
            .map_err(|_| AcceptError::Seal)?;
        Ok(Self { sealed })
    }

    /// Opens the parameters.
    ///
    /// # Errors
    /// [`AcceptError::Open`] if the network holds other keys or saw other messages;
    /// [`AcceptError::Parameters`] if it sealed nonsense.
    pub fn open(
        &self,
        schedule: &KeySchedule,
        transcript: &Transcript<'_>,
    ) -> Result<SessionParameters, AcceptError> {
        let plaintext = cipher(schedule, transcript)
            .decrypt(
                &Nonce::default(),
                Payload {
                    msg: &self.sealed,
                    aad: &transcript.accept_aad(),
                },
            )
            .map_err(|_| AcceptError::Open)?;
        SessionParameters::decode(&plaintext).map_err(AcceptError::Parameters)
    }

    /// Reads the body of an Accept.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let map = Item::decode(octets)?.map(&[SEALED])?;
        Ok(Self {
            sealed: map.required(SEALED, Item::bytes)?.to_vec(),
        })
    }

    /// Encodes the body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        cbor::map()
            .with(SEALED, cbor::bytes(&self.sealed))
            .build()
            .into_vec()
    }
}

/// Accept cannot be made or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AcceptError {
    /// The parameters could not be sealed.
    #[error("session parameters could not be sealed")]
    Seal,
    /// The seal does not fit: other keys or other messages.
    #[error("session parameters do not open")]
    Open,
    /// The opened parameters are not as defined.
    #[error("session parameters are not as defined")]
    Parameters(#[source] DecodeError),
}

impl AcceptError {
    /// The cause to report.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Seal => Cause::Internal,
            Self::Open => Cause::ProofInvalid,
            Self::Parameters(error) => error.cause(),
        }
    }
}

fn cipher(schedule: &KeySchedule, transcript: &Transcript<'_>) -> Aes256Gcm {
    let key = schedule.accept(&transcript.proof_digest());
    Aes256Gcm::new(key.expose().into())
}

const SEALED: i64 = 1;

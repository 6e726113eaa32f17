//! The second step: the network's contribution.

use super::start::CheckedStart;
use crate::challenge::Challenge;
use crate::kex::{AgreementKey, KexError};
use crate::key_schedule::KeySchedule;
use crate::transcript::start_and_challenge_hash;
use alloc::string::String;
use alloc::vec::Vec;
use cose::sha256;
use identifiers::OnboardingSession;
use secret::SharedSecret;

/// What the network adds to a Challenge.
#[derive(Clone, Debug)]
pub struct ChallengeParameters {
    /// A new session; random.
    pub session: OnboardingSession,
    /// 32 random octets.
    pub nonce: [u8; 32],
    /// Name of this function.
    pub authenticator: String,
    /// The time, in seconds since 1970, UTC.
    pub now: u64,
}

/// A Challenge that may still get a network proof.
#[derive(Clone)]
pub struct ChallengeDraft {
    start: Vec<u8>,
    challenge: Challenge,
    shared: SharedSecret,
}

/// A Challenge to send.
#[derive(Clone)]
pub struct IssuedChallenge {
    /// The encoded body.
    pub octets: Vec<u8>,
    /// The keys that follow; its root goes, sealed, into the session record.
    pub schedule: KeySchedule,
}

/// Makes the Challenge for a Start, still without network proof, and agrees on Z.
///
/// # Errors
/// [`KexError`] if `ephemeral` is not of the chosen suite or does not agree with the device's key.
pub fn make_challenge(
    start: &CheckedStart,
    parameters: ChallengeParameters,
    ephemeral: &AgreementKey,
) -> Result<ChallengeDraft, KexError> {
    if ephemeral.suite() != start.suite {
        return Err(KexError::PrivateKey);
    }
    let peer = start
        .start
        .public_key(start.suite)
        .ok_or(KexError::PublicKey)?;
    Ok(ChallengeDraft {
        shared: ephemeral.agree(peer)?,
        start: start.octets.clone(),
        challenge: Challenge {
            session: parameters.session,
            suite: start.suite.number(),
            nonce: parameters.nonce,
            public_key: ephemeral.public().to_vec(),
            serving_network: start.start.serving_network.clone(),
            authenticator: parameters.authenticator,
            time: parameters.now,
            network_proof: None,
        },
    })
}

impl ChallengeDraft {
    /// SHA-256 of the Start, for [`crate::sign_network_proof`].
    #[must_use]
    pub fn start_hash(&self) -> [u8; 32] {
        sha256(&self.start)
    }

    /// The body without network proof, for [`crate::sign_network_proof`].
    #[must_use]
    pub fn octets(&self) -> Vec<u8> {
        self.challenge.encode()
    }

    /// Adds the network proof, if there is one, and derives the keys.
    #[must_use]
    pub fn issue(mut self, network_proof: Option<Vec<u8>>) -> IssuedChallenge {
        self.challenge.network_proof = network_proof;
        let octets = self.challenge.encode();
        let hash = start_and_challenge_hash(&self.start, &octets);
        IssuedChallenge {
            schedule: KeySchedule::new(&hash, &self.shared, self.challenge.serving_network),
            octets,
        }
    }
}

//! From Start to Proof.

use super::accept::AwaitingAccept;
use super::error::DeviceError;
use crate::challenge::Challenge;
use crate::frame::Frame;
use crate::kex::AgreementKey;
use crate::key_schedule::KeySchedule;
use crate::network_proof::{NetworkProof, OperatorRoots, verify_network_proof};
use crate::proof::{ProofPayload, Recipient};
use crate::reject::Reject;
use crate::retry::Retry;
use crate::start::{NetworkProofLevel, Start};
use crate::suite::Suite;
use crate::transcript::start_and_challenge_hash;
use alloc::boxed::Box;
use alloc::vec::Vec;
use cose::{ObjectType, Signing, SigningKey};

/// Start is sent.
#[derive(Clone)]
pub struct AwaitingChallenge {
    keys: Vec<AgreementKey>,
    start: Start,
    octets: Vec<u8>,
    retries: u8,
}

/// What the network answered to Start.
pub enum ChallengeAnswer {
    /// Send this frame, the same Start with a cookie, and go on waiting.
    Retry(Vec<u8>),
    /// Go on to the Proof.
    Challenged(Box<Challenged>),
    /// Advice of an unknown sender; the state stays.
    Rejected(Reject),
}

impl AwaitingChallenge {
    pub(super) const fn new(keys: Vec<AgreementKey>, start: Start, octets: Vec<u8>) -> Self {
        Self {
            keys,
            start,
            octets,
            retries: 0,
        }
    }

    /// Takes a frame of the network.
    ///
    /// `now` is the time in seconds since 1970, UTC, if the device has a clock.
    ///
    /// # Errors
    /// [`DeviceError`]; the state is as before, and another frame may follow.
    pub fn receive(
        &mut self,
        frame: &[u8],
        roots: &OperatorRoots,
        now: Option<u64>,
    ) -> Result<ChallengeAnswer, DeviceError> {
        match Frame::decode(frame)? {
            Frame::Retry(body) => self.retry(body).map(ChallengeAnswer::Retry),
            Frame::Challenge(body) => self
                .challenged(body, roots, now)
                .map(|challenged| ChallengeAnswer::Challenged(Box::new(challenged))),
            Frame::Reject(body) => Ok(ChallengeAnswer::Rejected(Reject::decode(body)?)),
            _ => Err(DeviceError::Unexpected),
        }
    }

    fn retry(&mut self, body: &[u8]) -> Result<Vec<u8>, DeviceError> {
        let retry = Retry::decode(body)?;
        if self.retries >= MAX_RETRIES {
            return Err(DeviceError::TooManyRetries);
        }
        self.retries += 1;
        self.start.cookie = Some(retry.cookie);
        self.octets = self.start.encode();
        Ok(Frame::Start(&self.octets).encode())
    }

    fn challenged(
        &self,
        body: &[u8],
        roots: &OperatorRoots,
        now: Option<u64>,
    ) -> Result<Challenged, DeviceError> {
        let challenge = Challenge::decode(body)?;
        if challenge.serving_network != self.start.serving_network {
            return Err(DeviceError::ServingNetwork);
        }
        let key = Suite::from_number(challenge.suite)
            .and_then(|suite| self.keys.iter().find(|key| key.suite() == suite))
            .ok_or(DeviceError::Suite)?;
        let network_proof = match &challenge.network_proof {
            Some(proof) => {
                let now = now.unwrap_or(challenge.time);
                Some(verify_network_proof(&self.octets, body, proof, roots, now)?)
            }
            None if self.start.demanded == NetworkProofLevel::OperatorChain => {
                return Err(DeviceError::NetworkProofMissing(self.start.demanded));
            }
            None => None,
        };
        let transcript_hash = start_and_challenge_hash(&self.octets, body);
        let shared = key.agree(&challenge.public_key)?;
        Ok(Challenged {
            schedule: KeySchedule::new(
                &transcript_hash,
                &shared,
                challenge.serving_network.clone(),
            ),
            start: self.start.clone(),
            start_octets: self.octets.clone(),
            challenge_octets: body.to_vec(),
            challenge,
            network_proof,
            transcript_hash,
        })
    }
}

/// A good Challenge has come.
#[derive(Clone)]
pub struct Challenged {
    schedule: KeySchedule,
    start: Start,
    start_octets: Vec<u8>,
    challenge: Challenge,
    challenge_octets: Vec<u8>,
    network_proof: Option<NetworkProof>,
    transcript_hash: [u8; 32],
}

/// What the device says in its Proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofOptions {
    /// Which key packages are sealed to.
    pub recipient: Recipient,
    /// Evidence of the device's state.
    pub evidence: Option<Vec<u8>>,
    /// A counter that only grows.
    pub counter: Option<u64>,
}

impl Challenged {
    /// The Challenge.
    #[must_use]
    pub const fn challenge(&self) -> &Challenge {
        &self.challenge
    }

    /// The operator chain that signed the Challenge, if one did.
    #[must_use]
    pub const fn network_proof(&self) -> Option<&NetworkProof> {
        self.network_proof.as_ref()
    }

    /// Makes Proof: the state to wait in and the frame to send.
    ///
    /// The key travels in the Proof unless its certificate did in Start.
    ///
    /// # Errors
    /// [`DeviceError::Identity`] if `identity` is not the key that Start names;
    /// [`DeviceError::Sign`].
    pub fn prove(
        self,
        identity: &SigningKey,
        options: ProofOptions,
    ) -> Result<(AwaitingAccept, Vec<u8>), DeviceError> {
        if identity.key_id() != self.start.key_id {
            return Err(DeviceError::Identity);
        }
        let payload = ProofPayload {
            transcript_hash: self.transcript_hash,
            recipient: options.recipient,
            evidence: options.evidence,
            counter: options.counter,
        }
        .encode();
        let signing = Signing::new(ObjectType::OwaProof, &payload);
        let proof = if self.start.chain.is_empty() {
            signing.with_spki().sign(identity)?
        } else {
            signing.sign(identity)?
        };
        let frame = Frame::Proof(&proof, self.challenge.session).encode();
        let state = AwaitingAccept {
            schedule: self.schedule,
            session: self.challenge.session,
            start: self.start_octets,
            challenge: self.challenge_octets,
            proof,
            network_proof: self.network_proof,
            transcript_hash: self.transcript_hash,
        };
        Ok((state, frame))
    }
}

/// Most Retry that a device follows.
const MAX_RETRIES: u8 = 2;

//! From Proof to the session.

use super::error::DeviceError;
use crate::accept::Accept;
use crate::frame::Frame;
use crate::key_schedule::{KeySchedule, SessionKeys};
use crate::network_proof::NetworkProof;
use crate::reject::Reject;
use crate::session_parameters::SessionParameters;
use crate::transcript::Transcript;
use alloc::boxed::Box;
use alloc::vec::Vec;
use identifiers::OnboardingSession;

/// Proof is sent.
#[derive(Clone)]
pub struct AwaitingAccept {
    pub(super) schedule: KeySchedule,
    pub(super) session: OnboardingSession,
    pub(super) start: Vec<u8>,
    pub(super) challenge: Vec<u8>,
    pub(super) proof: Vec<u8>,
    pub(super) network_proof: Option<NetworkProof>,
    pub(super) transcript_hash: [u8; 32],
}

/// What the network answered to Proof.
pub enum AcceptAnswer {
    /// The session is open.
    Onboarded(Box<Onboarded>),
    /// Advice of an unknown sender; the state stays.
    Rejected(Reject),
}

/// An open session.
#[derive(Clone)]
pub struct Onboarded {
    /// What the network said about the session.
    pub parameters: SessionParameters,
    /// The keys.
    pub keys: SessionKeys,
    /// SHA-256 of Start and Challenge; it enters the sealing of packages.
    pub transcript_hash: [u8; 32],
    /// The operator chain that signed the Challenge, if one did.
    pub network_proof: Option<NetworkProof>,
}

impl AwaitingAccept {
    /// The frame to send again while no answer comes; a Proof may be repeated octet for octet.
    #[must_use]
    pub fn proof_frame(&self) -> Vec<u8> {
        Frame::Proof(&self.proof, self.session).encode()
    }

    /// Takes a frame of the network.
    ///
    /// # Errors
    /// [`DeviceError`]; the state is as before, and another frame may follow.
    pub fn receive(&self, frame: &[u8]) -> Result<AcceptAnswer, DeviceError> {
        match Frame::decode(frame)? {
            Frame::Accept(body) => self
                .accepted(body)
                .map(|onboarded| AcceptAnswer::Onboarded(Box::new(onboarded))),
            Frame::Reject(body) => Ok(AcceptAnswer::Rejected(Reject::decode(body)?)),
            _ => Err(DeviceError::Unexpected),
        }
    }

    fn accepted(&self, body: &[u8]) -> Result<Onboarded, DeviceError> {
        let transcript = Transcript {
            start: &self.start,
            challenge: &self.challenge,
            proof: &self.proof,
        };
        let parameters = Accept::decode(body)?.open(&self.schedule, &transcript)?;
        if parameters.session != self.session {
            return Err(DeviceError::Session);
        }
        Ok(Onboarded {
            parameters,
            keys: self.schedule.session_keys(),
            transcript_hash: self.transcript_hash,
            network_proof: self.network_proof,
        })
    }
}

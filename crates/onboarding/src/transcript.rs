//! The messages of one authentication and the hashes over them.

use cose::{cbor, sha256};

/// The bodies of one authentication, as they were sent and received.
#[derive(Clone, Copy)]
pub struct Transcript<'a> {
    /// The Start that was answered with the Challenge, its cookie included.
    pub start: &'a [u8],
    /// The Challenge, the network's proof included.
    pub challenge: &'a [u8],
    /// The Proof: an encoded COSE_Sign1.
    pub proof: &'a [u8],
}

impl Transcript<'_> {
    /// `th`: SHA-256 over Start and Challenge.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        start_and_challenge_hash(self.start, self.challenge)
    }

    /// SHA-256 of the Proof; the digest that a session record keeps.
    #[must_use]
    pub fn proof_digest(&self) -> [u8; 32] {
        sha256(self.proof)
    }

    /// SHA-256 over all three, the additional data of Accept.
    #[must_use]
    pub fn accept_aad(&self) -> [u8; 32] {
        let bodies = cbor::array([
            cbor::bytes(self.start),
            cbor::bytes(self.challenge),
            cbor::bytes(self.proof),
        ]);
        sha256(bodies.as_slice())
    }
}

/// `th`: SHA-256 over a Start and a Challenge, before there is a Proof.
#[must_use]
pub fn start_and_challenge_hash(start: &[u8], challenge: &[u8]) -> [u8; 32] {
    let bodies = cbor::array([cbor::bytes(start), cbor::bytes(challenge)]);
    sha256(bodies.as_slice())
}

//! The network's steps.
//!
//! [`check_start`] → Retry, or [`make_challenge`] → [`verify_proof`] → [`check_certificate`] and path
//! validation → [`make_accept`]. Each is a function of octets, so that the record between two steps
//! is a few octet strings: Start, Challenge, and the sealed root of the [`crate::KeySchedule`].

mod accept;
mod challenge;
mod proof;
mod start;

pub use accept::{AcceptedSession, make_accept};
pub use challenge::{ChallengeDraft, ChallengeParameters, IssuedChallenge, make_challenge};
pub use proof::{BindingError, ProofError, VerifiedProof, check_certificate, verify_proof};
pub use start::{CheckedStart, CookieDemand, StartContext, StartError, StartOutcome, check_start};

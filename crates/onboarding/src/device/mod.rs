//! The device's states.
//!
//! [`Offer::start`] → [`AwaitingChallenge`] → [`Challenged`] → [`AwaitingAccept`] → [`Onboarded`].
//! A frame that is refused leaves the state as it is, so that a forged frame ends nothing.

mod accept;
mod challenge;
mod error;
mod offer;

pub use accept::{AcceptAnswer, AwaitingAccept, Onboarded};
pub use challenge::{AwaitingChallenge, ChallengeAnswer, Challenged, ProofOptions};
pub use error::DeviceError;
pub use offer::Offer;

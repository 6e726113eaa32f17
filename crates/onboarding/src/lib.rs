//! OWA, one-way authentication of a device by its certificate, version 1.
//!
//! A device without a subscription names its certificate, signs a transcript that holds fresh
//! nonces and ephemeral keys of both sides, and thereby opens a limited session. Both sides derive
//! the keys of that session from the transcript.
//!
//! The crate computes and decides; it opens no connection, reads no clock and draws no random
//! number. Nonces, ephemeral private keys and the time are arguments.
//!
//! - [`server`]: the steps of the network: check Start, make Challenge, verify Proof, make Accept;
//! - [`device`]: the states of the device from Start to the accepted session;
//! - [`certificate`] and [`certificate_url`]: path validation and the rules for certificate URLs;
//! - the messages ([`Start`], [`Retry`], [`Challenge`], [`ProofPayload`], [`Accept`], [`Reject`])
//!   and the frames around them ([`Frame`]).
//!
//! Source: Berth protocol, OWA version 1.

#![no_std]

extern crate alloc;

mod accept;
pub mod certificate;
pub mod certificate_url;
mod challenge;
mod cookie;
pub mod device;
mod frame;
pub mod fuzz;
mod kex;
mod key_schedule;
mod network_proof;
mod pdp_identity;
mod proof;
mod reject;
mod retry;
pub mod server;
mod session_parameters;
mod start;
mod suite;
mod transcript;

pub use accept::{Accept, AcceptError};
pub use challenge::Challenge;
pub use cookie::{CookieKey, Source};
pub use frame::Frame;
pub use kex::{AgreementKey, KexError};
pub use key_schedule::{KeySchedule, SessionKeys};
pub use network_proof::{NetworkProof, NetworkProofError, OperatorRoots, sign_network_proof};
pub use pdp_identity::{NotAPdpIdentity, parse_pdp_identity, pdp_identity};
pub use proof::{Kem, ProofPayload, Recipient, RecipientKey};
pub use reject::Reject;
pub use retry::Retry;
pub use session_parameters::SessionParameters;
pub use start::{CertificateReference, DecodeStartError, DeviceClass, NetworkProofLevel, Start};
pub use suite::Suite;
pub use transcript::{Transcript, start_and_challenge_hash};

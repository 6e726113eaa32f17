//! Sealed profile packages, keysets, receipts and commits.
//!
//! A [`Profile`] is what turns a bare device into a subscriber. The subscription manager builds it
//! without its secret part; the vault inserts that part ([`insert_secret`]), seals the whole to the
//! key that the device's own Proof names ([`seal_for_proof`]), and signs. The device opens it
//! ([`open_package`]) after every check that does not need its private key, answers with a
//! [`Receipt`], and gets a [`Commit`] once the credentials have worked.
//!
//! - [`hpke`]: RFC 9180, base and PSK mode, single shot;
//! - [`Keyset`]: which keys of an operator sign what, under its root;
//! - [`ClaimSecret`] and [`package_psk`]: what the label of a headless device adds.
//!
//! Source: Berth protocol, limited session and provisioning, version 1.

#![no_std]

extern crate alloc;

mod claim_secret;
mod commit;
pub mod fuzz;
mod header;
pub mod hpke;
mod keyset;
mod open;
pub mod profile;
mod read;
mod receipt;
mod seal;

pub use claim_secret::{ClaimSecret, ClaimSecretError, package_psk};
pub use commit::{Commit, CommitError, CommittedBy};
pub use header::PackageHeader;
pub use keyset::{Keyset, KeysetError, KeysetKey, VerifiedKeyset};
pub use open::{Installed, OpenContext, OpenError, OpenedPackage, open_package};
pub use profile::{Profile, SecretPart, insert_secret};
pub use receipt::{Receipt, ReceiptError, ReceiptResult};
pub use seal::{
    MAX_CHALLENGE_AGE_SECONDS, SealError, SealForProof, SealPackage, SealedPackage, seal_for_proof,
    seal_package,
};

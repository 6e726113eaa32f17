//! Packages, keysets, receipts and commits.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod claim_secret;
mod objects;
mod packages;
mod refusals;
mod robustness;
mod support;

//! One-way authentication, both sides.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod certificate;
mod certificate_url;
mod pki;
mod refusals;
mod robustness;
mod runs;
mod support;

//! One-way authentication, both sides.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod refusals;
mod runs;
mod support;

//! Every derivation against its vectors.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod files;
mod hierarchy;
mod milenage;
mod suci;

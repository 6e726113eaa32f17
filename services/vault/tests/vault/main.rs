//! The function alone, on real stores.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod at_rest;
mod grpc;
mod life;
mod operator_keys;
mod sealing;
mod suci;
mod support;
mod vectors;

//! The runtime as functions see it: over real sockets and in process.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod about;
mod admin;
mod authorization;
mod calls;
mod certificates;
mod drain;
mod replicas;
mod support;
mod telemetry;

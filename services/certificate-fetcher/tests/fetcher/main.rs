//! The certificate fetcher against real https servers on loopback.
#![expect(clippy::unwrap_used, reason = "a failed preparation fails the test")]

mod bounds;
mod edge;
mod fetching;
mod server;

//! The AuSF alone: real store, scripted peers, manual clock; devices are played by the crates that devices use.
#![expect(clippy::unwrap_used, reason = "a failed preparation fails the test")]

mod activation;
mod aka;
mod anchor_keys;
mod at_rest;
mod certificates;
mod device;
mod edge;
mod owa;
mod owa_refusals;
mod peers;
mod registry;
mod retries;
mod stream;
mod world;

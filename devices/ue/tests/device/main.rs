//! The device against a real access gateway and a scripted home network, on real sockets.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod authentication;
mod failover;
mod home;
mod messaging;
mod messaging_server;
mod onboarding;
mod operator;
mod portal;
mod provisioning_server;
mod state;

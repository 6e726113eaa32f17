//! The gateway alone: real sockets, scripted AuSF and subscription manager.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod authentication;
mod connectivity;
mod one_way;
mod scripted;

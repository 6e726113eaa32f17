//! The server on a real store, over DTLS, with scripted peers.

mod delivery;
mod harness;
mod log;
mod messages;
mod peers;
mod registration;
mod revocation;

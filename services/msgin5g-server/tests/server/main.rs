//! The server on a real store, over DTLS, with scripted peers.

mod delivery;
mod harness;
mod log;
mod messages;
mod peers;
mod redis_server;
mod registration;
mod replicas;
mod revocation;
mod trace;

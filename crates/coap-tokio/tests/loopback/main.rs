//! Servers and clients on sockets of the loopback interface.

mod foreign;
mod harness;
mod lifecycle;
mod observe;
mod push;
mod refusal;
mod relay;
mod requests;

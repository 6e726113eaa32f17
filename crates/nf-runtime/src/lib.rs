//! What every network function runs on: configuration, identity, authorization, telemetry and
//! shutdown. Nothing here takes a 3GPP decision.
//!
//! A function is a library: its `build` takes its configuration, its peers as [`grpc::Channel`]s and a
//! [`Runtime`], and answers a [`Function`]. The binary then serves it with [`grpc::serve`], or
//! hands it to its neighbours in the same process with [`grpc::in_process`]; either way every call
//! passes the same layers.

pub mod about;
pub mod admin;
pub mod clock;
pub mod config;
pub mod feed;
pub mod grpc;
pub mod lifecycle;
pub mod metrics;
pub mod pki;
pub mod procedure;
pub mod random;
mod readiness;
mod runtime;
pub mod start;
pub mod telemetry;
pub mod tls;

pub use crate::readiness::{Latch, Readiness};
pub use crate::runtime::{Function, Runtime};

//! Calls between network functions: one stack of layers on each side, whatever lies between.
//!
//! Outermost first, the server side is: panic guard, span, metrics, load shed, deadline, caller
//! identity, authorization, drain. The client side is: span, metrics, deadline, retry, trace context,
//! transport. Services add no layers of their own.

mod client;
mod config;
mod deadline;
mod methods;
mod server;
mod wire;

pub use self::client::{Channel, Resolver, TargetError, connect, connect_by, in_process};
pub use self::config::GrpcConfig;
pub use self::deadline::Deadline;
pub(crate) use self::metrics::RpcMetrics;
pub use self::server::{caller, serve, serve_radio};

mod metrics;

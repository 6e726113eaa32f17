//! Where requests enter and where other functions are asked.

pub(crate) mod coap;
pub(crate) mod grpc;
pub(crate) mod peers;
pub(crate) mod watch;

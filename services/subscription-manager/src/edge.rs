//! Where requests enter and leave: decode, call a procedure, encode.

pub(crate) mod coap;
pub(crate) mod grpc;
pub(crate) mod http;
pub(crate) mod peers;

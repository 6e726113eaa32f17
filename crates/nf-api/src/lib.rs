//! The gRPC interfaces between network functions.
//!
//! This crate alone sees generated types. Edges of functions decode them into the vocabulary with
//! [`convert`], and refuse with a [`Cause`](cause::Cause) that [`status`] turns into a gRPC status
//! and back. [`authorization`] says who may call what; nothing else may be called.

pub mod authorization;
pub mod convert;
pub mod identity;
pub mod pb;
pub mod status;

pub use identity::{Caller, NetworkFunction};

/// All interfaces as an encoded `google.protobuf.FileDescriptorSet`, for reflection and for tests.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

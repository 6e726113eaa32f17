//! Certificates of devices and operators (RFC 5280).
//!
//! [`Certificate`] reads the fields that Berth uses, [`validate_path`] finds and checks a path to an
//! anchor. Both are used by the network for devices and by a device for operator chains.

mod algorithms;
mod error;
mod fields;
mod path;

pub use algorithms::ALGORITHMS;
pub use error::CertificateError;
pub use fields::Certificate;
pub use path::{
    KeyPurposes, MAX_CLOCK_SKEW_SECONDS, PathPolicy, Revocation, ValidatedPath, validate_path,
};

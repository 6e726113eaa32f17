//! Key types that erase themselves, compare in constant time and cannot be printed.
//!
//! Every key of the system crosses a function boundary as one of these types, never as `[u8; 32]`
//! or `Vec<u8>`. Each of them
//!
//! - is overwritten with zeros when it is dropped,
//! - compares in constant time (`==`, or [`subtle::ConstantTimeEq`]),
//! - has no `Debug`, no `Display` and no `Serialize`, so that it cannot reach a log line, an error
//!   message or a document by accident.
//!
//! The octets come out by `expose`, and only there: a search for that word finds every place that
//! touches a key. An array that was handed to `new` is a copy, so the caller's own array stays
//! where it was; whoever derives a key into a local buffer wraps the buffer in
//! [`zeroize::Zeroizing`].
//!
//! A key cannot be printed:
//!
//! ```compile_fail,E0277
//! let key = secret::KAusf::new([0; 32]);
//! println!("{key:?}");
//! ```
//!
//! ```compile_fail,E0277
//! let key = secret::KAusf::new([0; 32]);
//! println!("{key}");
//! ```
//!
//! ```compile_fail,E0277
//! println!("{:?}", secret::SecretBytes::new(vec![0; 32]));
//! ```
//!
//! and cannot be serialised:
//!
//! ```compile_fail,E0277
//! fn document<T: serde::Serialize>(_: &T) {}
//! document(&secret::KAusf::new([0; 32]));
//! ```
//!
//! ```compile_fail,E0277
//! fn document<T: serde::Serialize>(_: &T) {}
//! document(&secret::SecretBytes::new(vec![0; 32]));
//! ```

#![no_std]

extern crate alloc;

mod bytes;
mod fixed;

pub use bytes::SecretBytes;
pub use fixed::{
    AnonymityKey, Ck, Ik, K, KAf, KAkma, KAmf, KAusf, KSeaf, Opc, OwaKey, PrivateKey, ResStar,
    SealingKey, SharedSecret, WrongLength, XresStar,
};

use subtle::ConstantTimeEq;

/// Compares two octet strings without telling by its duration where they differ.
///
/// For tags, digests and codes that are no key type of this crate. The lengths are not secret:
/// unequal lengths answer `false` at once.
#[must_use]
pub fn ct_eq(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

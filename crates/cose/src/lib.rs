//! Deterministic CBOR and typed COSE_Sign1 objects.
//!
//! Every Berth message that is stored, hashed or signed is CBOR in the one deterministic encoding of
//! RFC 8949 4.2.1, and every signed object is an untagged COSE_Sign1 (RFC 9052 4.2) of a named type.
//!
//! - [`cbor`]: an encoder that sorts, and a decoder that refuses whatever the encoder would not emit;
//! - [`ObjectType`], [`Signing`], [`SignedObject`]: making and checking signed objects;
//! - [`SigningKey`], [`VerificationKey`], [`KeyId`]: keys by their SubjectPublicKeyInfo.
//!
//! Checks run in one order everywhere: CBOR, COSE form, protected header, type, key, key id,
//! algorithm, signature, payload schema, content.
//!
//! Source: Berth protocol, encoding and signatures, version 1.

#![no_std]

extern crate alloc;

pub mod cbor;
pub mod fuzz;
mod header;
mod key;
mod object_type;
mod sign;
mod signed_object;
pub mod spki;

pub use header::{Algorithm, Header};
pub use key::{KeyError, KeyId, SigningKey, VerificationKey};
pub use object_type::ObjectType;
pub use sign::{SignError, Signing};
pub use signed_object::{CoseError, SignedObject};

use sha2::{Digest, Sha256};

/// SHA-256 of some octets.
#[must_use]
pub fn sha256(octets: &[u8]) -> [u8; 32] {
    Sha256::digest(octets).into()
}

//! The 3GPP key derivation function, every derivation Berth needs, MILENAGE and SUCI.
//!
//! Pure functions from key types to key types: no clock, no randomness, no IO. What is random
//! (RAND, ephemeral private keys) is an argument. One file per family:
//!
//! | Module | Source |
//! |---|---|
//! | [`kdf`] | TS 33.220 B.2 |
//! | [`milenage`] | TS 35.206 |
//! | [`five_g_aka`] | TS 33.501 A.2, A.4 to A.10 |
//! | [`eap_aka_prime`] | TS 33.501 A.3, Annex F, RFC 9048 |
//! | [`parameters_update`] | TS 33.501 A.17 to A.20 |
//! | [`akma`] | TS 33.535 Annex A |
//! | [`suci`], [`ecies`] | TS 33.501 Annex C |
//!
//! Keys come in and go out as types of the crate `secret`, or of [`keys`] for those that only a
//! derivation makes; names come in as types of `identifiers`. A SUPI enters a derivation as
//! [`identifiers::SupiKdf`] only, the form without prefix (TS 33.501 A.7.0).

#![no_std]

extern crate alloc;

pub mod akma;
mod bcd;
pub mod eap_aka_prime;
pub mod ecies;
pub mod five_g_aka;
pub mod fuzz;
pub mod kdf;
pub mod keys;
pub mod milenage;
pub mod parameters_update;
pub mod suci;
mod vector;

pub use vector::{Amf, Rand};

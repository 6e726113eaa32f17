//! 5G AKA, home side and UE side, with SQN management.
//!
//! The crate computes and decides; the caller stores. At the home network a vector is made in three
//! steps: [`Sqn::next`], an atomic and durable write of the new number, [`generate_vector`]. At the UE
//! [`Usim::challenge`] answers, and the caller stores [`Usim::sqn`] before the response leaves.
//!
//! Source: TS 33.501 6.1.3.2, TS 33.102 6.3 and Annex C. RAND and everything random are arguments.

#![no_std]

pub mod fuzz;
mod home;
mod sqn;
mod token;
mod usim;

pub use home::{
    AutsRejected, HomeVector, ResStarMismatch, Resynchronization, SeparationBitMissing, confirm,
    generate_vector, resynchronize, verify_auts,
};
pub use key_hierarchy::five_g_aka::HxresStar;
pub use key_hierarchy::{Amf, Rand};
pub use sqn::{Sqn, SqnExhausted};
pub use token::{Autn, Auts, TokenLength};
pub use usim::{AuthenticationFailure, DEFAULT_DELTA, SqnArray, UeResult, Usim};

use secret::AnonymityKey;

/// SQN ⊕ AK, and back: the same operation in both directions. TS 33.102 6.3.2, 6.3.3.
fn concealed(sqn: [u8; 6], ak: &AnonymityKey) -> [u8; 6] {
    let mut octets = sqn;
    for (octet, key) in octets.iter_mut().zip(ak.expose()) {
        *octet ^= key;
    }
    octets
}

//! AKMA: A-KID, AF_ID and the life of an AKMA context.
//!
//! - [`AKidFormat`] makes the A-KID, equally at the AUSF and at the UE.
//! - [`psk_identity`] and [`parse_psk_identity`] carry it through a (D)TLS handshake with a shared key.
//! - [`AkmaContext`] is what the AAnF keeps about one SUPI: which registration counts, which A-KID is
//!   still known, when a K_AF ends.
//!
//! Pure state and computation: times are arguments, in milliseconds since the Unix epoch; nothing is
//! stored or sent here. Source: TS 33.535.

#![no_std]

extern crate alloc;

mod a_kid;
mod context;
pub mod fuzz;
mod psk_identity;

pub use a_kid::{AKidFormat, ATidEncoding, Realm};
pub use context::{
    AkmaContext, AnchorKey, ApplicationKey, GetApplicationKeyError, RegisterError, Registered,
    Registration, Superseded,
};
pub use key_hierarchy::akma::{ATid, AfId, a_tid, k_af, k_akma};
pub use psk_identity::{
    PSK_IDENTITY_HINT, PskIdentityError, hint_lists_akma, parse_psk_identity, psk_identity,
};

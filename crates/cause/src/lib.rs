//! One table of causes, mapped to gRPC, CoAP, HTTP, 3GPP and OWA.
//!
//! Every error of the system answers `cause() -> Cause`, and a [`Cause`] alone knows which code each
//! protocol uses for it. The table is in one place, [`Cause::ALL`] lists it, and the numbers and
//! names are stable: they are on the wire and in dashboards.
//!
//! | Numbers | Area |
//! |---|---|
//! | 1–20 | OWA, one-way authentication; also the causes of an OWA Reject |
//! | 100–199 | any procedure |
//! | 200–299 | primary authentication (TS 29.509) |
//! | 300–399 | AKMA (TS 29.535) |
//! | 400–499 | limited session, profiles and packages |
//! | 500–599 | MSGin5G (TS 24.538) |

#![no_std]

mod code;
mod table;

pub use table::Cause;

use core::fmt;

impl Cause {
    /// The cause with this number, if there is one.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        // The table is in the order of its numbers; a test holds it to that.
        let index = Self::ALL
            .binary_search_by_key(&number, |cause| cause.number())
            .ok()?;
        Self::ALL.get(index).copied()
    }

    /// The cause with this name, if there is one. Names are compared exactly.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|cause| cause.name() == name)
    }

    /// The number in an OWA Reject, for the causes that OWA itself defines (1–20).
    ///
    /// Source: Berth protocol, OWA version 1.
    #[must_use]
    pub const fn owa(self) -> Option<u16> {
        match self.number() {
            number @ 1..=20 => Some(number),
            _ => None,
        }
    }

    /// The cause that OWA gives this number; `None` outside 1–20.
    #[must_use]
    pub fn from_owa(number: u16) -> Option<Self> {
        Self::from_number(number).filter(|cause| cause.owa().is_some())
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

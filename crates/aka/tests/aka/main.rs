//! 5G AKA at both ends.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod both_ends;
mod home;
mod sides;
mod usim;
mod vectors;

//! What tests of many crates share: the registry of all decoders with inputs for them, and mutation of inputs.
//!
//! [`fuzz::TARGETS`] lists every decoder that reads strangers' octets. The ordinary tests run each with seeded
//! mutations ([`mutation::Mutator`]); libFuzzer drives the same functions (`cargo xtask fuzz NAME`).

pub mod fuzz;
pub mod mutation;
mod seeds;

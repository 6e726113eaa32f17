//! The engine as its owner sees it: two machines, a network that misbehaves, and virtual time.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed step ends the test, and seeds are printed to repeat it"
)]

mod cookie;
mod handshake;
mod hostile;
mod limits;
mod lookup;
mod loss;
mod pair;
mod session;
mod wire;

//! The answering side.

mod access;
mod drain;
mod info;
mod listener;
mod malformed;
mod panic_guard;
mod services;
mod shed;
mod stack;
mod trace;

pub use self::access::caller;
pub use self::listener::{serve, serve_radio};
pub(super) use self::stack::{Access, Stack};
pub(super) use self::trace::{SpanBody, record};

#[cfg(test)]
mod tests;

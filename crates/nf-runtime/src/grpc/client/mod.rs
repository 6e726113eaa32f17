//! The calling side.

mod backend;
mod channel;
mod pool;
mod retry;
mod targets;

pub use self::channel::{Channel, connect, connect_by, in_process};
pub use self::targets::{Resolver, TargetError};

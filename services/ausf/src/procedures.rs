//! One file a procedure.

pub(crate) mod confirm_aka;
pub(crate) mod device_certificate;
mod owa_session;
pub(crate) mod prove;
pub(crate) mod start;
pub(crate) mod start_aka;

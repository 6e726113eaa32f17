//! One procedure a file.

pub(crate) mod accept_message;
pub(crate) mod accept_report;
pub(crate) mod deliver;
pub(crate) mod deregister;
pub(crate) mod expire;
pub(crate) mod find_application_key;
pub(crate) mod register;

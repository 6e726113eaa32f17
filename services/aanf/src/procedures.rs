//! One file a procedure.

pub(crate) mod get_application_key;
pub(crate) mod register_anchor_key;
pub(crate) mod remove_context;

//! One file a procedure.

pub(crate) mod close_association;
pub(crate) mod free_claims;
pub(crate) mod look_up_by_ue_id;
pub(crate) mod open_association;
pub(crate) mod resolve_service_id;

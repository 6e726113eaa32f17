//! What the function does, one procedure a file.

pub(crate) mod activate_credential;
pub(crate) mod begin_enrolment;
pub(crate) mod create_order;
pub(crate) mod deliver_package;
pub(crate) mod end_session;
pub(crate) mod enrol;
pub(crate) mod find_session;
pub(crate) mod free_labels;
pub(crate) mod keep_plans;
pub(crate) mod link_browser;
pub(crate) mod open_session;
pub(crate) mod redeem_order;
pub(crate) mod sign_up;
pub(crate) mod take_receipt;

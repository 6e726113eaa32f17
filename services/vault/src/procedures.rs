//! One file a procedure.

pub(crate) mod destroy;
pub(crate) mod get_vector;
pub(crate) mod mint;
pub(crate) mod promote;
pub(crate) mod rewrap;
pub(crate) mod seal;
pub(crate) mod sign_owa_net;

//! Credential vault: the only place that holds K.

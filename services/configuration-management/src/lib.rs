//! Associations of UE ID and UE Service ID, UE configuration.

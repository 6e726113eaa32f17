//! Fetches device certificates, alone with egress.

//! Portal, limited sessions, profiles and delivery.

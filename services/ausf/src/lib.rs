//! Authentication server: OWA and 5G AKA.

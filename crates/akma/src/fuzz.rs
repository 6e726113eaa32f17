//! Entry points for fuzzing: each takes any octets and must return.

use crate::{hint_lists_akma, parse_psk_identity, psk_identity};

/// Reads a `psk_identity`; what is accepted is written back as it was.
pub fn fuzz_psk_identity(data: &[u8]) {
    if let Ok(a_kid) = parse_psk_identity(data) {
        assert_eq!(psk_identity(&a_kid), data);
        let _routing_indicator = a_kid.routing_indicator();
    }
}

/// Reads a `psk_identity_hint`.
pub fn fuzz_psk_identity_hint(data: &[u8]) {
    let _offered = hint_lists_akma(data);
}

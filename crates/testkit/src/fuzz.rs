//! The registry of fuzz targets: every `pub fn fuzz_*` of the project, with inputs that go deep.

use crate::seeds::{self, text, vectors};

/// A decoder under fuzzing.
pub struct Target {
    /// Crate and function, e.g. `cose::fuzz_cbor`.
    pub name: &'static str,
    /// Takes any octets; must return.
    pub run: fn(&[u8]),
    /// Makes inputs to start from: valid ones, and those that the vectors name as refused.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

macro_rules! target {
    ($package:ident, $function:ident, $seeds:expr) => {
        Target {
            name: concat!(stringify!($package), "::", stringify!($function)),
            run: $package::fuzz::$function,
            seeds: $seeds,
        }
    };
}

/// Every decoder of the project.
pub const TARGETS: &[Target] = &[
    target!(identifiers, fuzz_supi, text::subscriber),
    target!(identifiers, fuzz_suci, text::suci),
    target!(identifiers, fuzz_gpsi, text::subscriber),
    target!(identifiers, fuzz_a_kid, text::a_kid),
    target!(identifiers, fuzz_ue_service_id, text::names),
    target!(identifiers, fuzz_serving_network_name, text::names),
    target!(identifiers, fuzz_fqdn, text::names),
    target!(identifiers, fuzz_network_codes, text::codes),
    target!(identifiers, fuzz_own_identifiers, text::own),
    target!(identifiers, fuzz_link_identifiers, text::codes),
    target!(cose, fuzz_cbor, vectors::cbor),
    target!(cose, fuzz_signed_object, vectors::signed_objects),
    target!(cose, fuzz_spki, vectors::keys),
    target!(key_hierarchy, fuzz_suci, vectors::concealed),
    target!(key_hierarchy, fuzz_msin, vectors::concealed),
    target!(aka, fuzz_autn, vectors::challenges),
    target!(aka, fuzz_auts, vectors::challenges),
    target!(aka, fuzz_vector, vectors::challenges),
    target!(akma, fuzz_psk_identity, text::a_kid),
    target!(akma, fuzz_psk_identity_hint, text::a_kid),
    target!(onboarding, fuzz_messages, vectors::onboarding),
    target!(onboarding, fuzz_check_start, vectors::onboarding),
    target!(onboarding, fuzz_verify_proof, vectors::transcripts),
    target!(onboarding, fuzz_certificate, vectors::certificates),
    target!(onboarding, fuzz_text, text::onboarding),
    target!(provisioning, fuzz_payloads, vectors::packages),
    target!(provisioning, fuzz_signed, vectors::signed_objects),
    target!(provisioning, fuzz_open_package, vectors::packages),
    target!(dtls, fuzz_record, seeds::dtls::datagrams),
    target!(dtls, fuzz_handshake_message, seeds::dtls::bodies),
    target!(dtls, fuzz_server_datagram, seeds::dtls::datagrams),
    target!(dtls, fuzz_server_states, seeds::dtls::server_scripts),
    target!(dtls, fuzz_server_after_prefix, seeds::dtls::staged_scripts),
    target!(dtls, fuzz_client, seeds::dtls::staged_scripts),
    target!(coap, fuzz_message, seeds::coap::datagrams),
    target!(coap, fuzz_endpoint, seeds::coap::scripts),
    target!(msgin5g, fuzz_request, vectors::messages),
    target!(msgin5g, fuzz_answer, vectors::messages),
    target!(msgin5g, fuzz_time, text::times),
];

/// The target of that name.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

//! Entry points for fuzzing: no input may make them panic.
//!
//! Each reads the octets as one identifier. What is accepted must read back from its own text as the
//! same identifier.

use crate::{
    AKid, CredentialSetId, DeviceId, Fqdn, Gpsi, Layer2Id, Nid, OnboardingSession, OperatorId,
    Plmn, RoutingIndicator, ServingNetworkName, Suci, Supi, UaStarId, UeServiceId,
};

macro_rules! round_trip {
    ($data:expr, $name:ident, $text:ident) => {
        if let Some(Ok(identifier)) = text($data).map($name::parse) {
            assert!($name::parse(&identifier.$text()).is_ok_and(|again| again == identifier));
        }
    };
}

/// SUPI.
pub fn fuzz_supi(data: &[u8]) {
    round_trip!(data, Supi, as_text);
    if let Some(Ok(supi)) = text(data).map(Supi::parse) {
        assert!(
            supi.as_text()
                .as_bytes()
                .ends_with(supi.kdf_form().as_bytes())
        );
    }
}

/// SUCI.
pub fn fuzz_suci(data: &[u8]) {
    round_trip!(data, Suci, to_text);
    if let Some(Ok(suci)) = text(data).map(Suci::parse) {
        let again = Suci::new(
            suci.home_network().clone(),
            suci.routing_indicator().clone(),
            suci.scheme(),
            suci.home_network_key_id(),
            suci.scheme_output().into(),
        );
        assert!(again.is_ok_and(|again| again == suci));
    }
}

/// GPSI.
pub fn fuzz_gpsi(data: &[u8]) {
    round_trip!(data, Gpsi, as_str);
}

/// A-KID and its routing indicator.
pub fn fuzz_a_kid(data: &[u8]) {
    round_trip!(data, AKid, as_str);
    if let Some(Ok(a_kid)) = text(data).map(AKid::parse)
        && let Some(routing_indicator) = a_kid.routing_indicator()
    {
        assert!(a_kid.as_str().starts_with(routing_indicator.as_str()));
    }
}

/// UE Service ID and its domain.
pub fn fuzz_ue_service_id(data: &[u8]) {
    round_trip!(data, UeServiceId, as_str);
    if let Some(Ok(id)) = text(data).map(UeServiceId::parse)
        && let Some(domain) = id.domain()
    {
        assert!(!domain.is_empty() && !domain.contains(|c: char| c.is_ascii_uppercase()));
    }
}

/// Serving network name.
pub fn fuzz_serving_network_name(data: &[u8]) {
    round_trip!(data, ServingNetworkName, as_str);
}

/// FQDN.
pub fn fuzz_fqdn(data: &[u8]) {
    round_trip!(data, Fqdn, as_str);
}

/// PLMN, NID and routing indicator.
pub fn fuzz_network_codes(data: &[u8]) {
    round_trip!(data, Plmn, as_str);
    round_trip!(data, Nid, as_str);
    round_trip!(data, RoutingIndicator, as_str);
}

/// Identifiers that Berth gives out: device, ULIDs, names, session.
pub fn fuzz_own_identifiers(data: &[u8]) {
    round_trip!(data, DeviceId, as_str);
    round_trip!(data, CredentialSetId, as_str);
    round_trip!(data, OperatorId, as_str);
    round_trip!(data, OnboardingSession, base64url);
}

/// Layer-2 ID and Ua* identifier.
pub fn fuzz_link_identifiers(data: &[u8]) {
    round_trip!(data, Layer2Id, as_str);
    if let Ok(id) = UaStarId::try_from_slice(data) {
        assert_eq!(id.as_bytes().as_slice(), data);
    }
}

fn text(data: &[u8]) -> Option<&str> {
    core::str::from_utf8(data).ok()
}

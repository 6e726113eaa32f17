//! Entry points for fuzzing: each takes any octets and must return.

use identifiers::{HomeNetwork, Plmn, RoutingIndicator, Suci};
use secret::PrivateKey;

use crate::bcd;
use crate::ecies::{HomeNetworkKey, Profile};
use crate::suci::deconceal;

/// Recovers a SUPI from a SUCI whose scheme (first bit of the first octet), key identifier (second
/// octet) and scheme output (the rest) are arbitrary; then reads the rest as a SUCI in text form.
pub fn fuzz_suci(data: &[u8]) {
    let keys: [Option<HomeNetworkKey>; 2] = [(1, Profile::A), (2, Profile::B)]
        .map(|(id, profile)| HomeNetworkKey::new(id, profile, PrivateKey::new([0x42; 32])).ok());
    let [Some(profile_a), Some(profile_b)] = keys else {
        return;
    };
    let keys = [profile_a, profile_b];
    let [selector, key_id, output @ ..] = data else {
        return;
    };
    let profile = if selector & 1 == 0 {
        Profile::A
    } else {
        Profile::B
    };
    if let (Ok(plmn), Ok(routing_indicator)) = (Plmn::parse("00101"), RoutingIndicator::parse("0"))
        && let Ok(suci) = Suci::new(
            HomeNetwork::Plmn(plmn),
            routing_indicator,
            profile.scheme(),
            *key_id,
            output.to_vec(),
        )
    {
        let _supi = deconceal(&suci, &keys);
    }
    if let Some(Ok(suci)) = core::str::from_utf8(output).ok().map(Suci::parse) {
        let _supi = deconceal(&suci, &keys);
    }
}

/// Unpacks the decimal digits of an MSIN; what is accepted packs to the same octets.
pub fn fuzz_msin(data: &[u8]) {
    let Some(digits) = bcd::unpack(data) else {
        return;
    };
    let packed = core::str::from_utf8(&digits).ok().and_then(bcd::pack);
    assert!(packed.is_some_and(|packed| packed.as_slice() == data));
}

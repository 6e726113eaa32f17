//! Between messages and the vocabulary: the one place where a key leaves or enters a message.
//!
//! Every function that reads a message answers the cause of its refusal, so that edges pass it on
//! with `?` and [`status::refuse`](crate::status::refuse).

use std::time::Duration;

use cause::Cause;
use identifiers::{
    AKid, DeviceId, Fqdn, OnboardingSession, ServingNetworkName, Supi, UaStarId, UeServiceId,
};
use prost_types::Timestamp;

use crate::pb::common::{Cause as PbCause, KeyMaterial};

/// Puts key octets into a message.
pub fn key(octets: &[u8]) -> KeyMaterial {
    KeyMaterial {
        value: octets.to_vec(),
    }
}

macro_rules! keys {
    ($($name:ident -> $type:ident),* $(,)?) => { $(
        #[doc = concat!("Reads a `", stringify!($type), "`; a missing or mis-sized one is `MANDATORY_ELEMENT_INCORRECT`.")]
        pub fn $name(message: Option<KeyMaterial>) -> Result<secret::$type, Cause> {
            let octets = secret::SecretBytes::new(message.ok_or(Cause::MandatoryElementMissing)?.value);
            secret::$type::try_from_slice(octets.expose()).map_err(|_| Cause::MandatoryElementIncorrect)
        }
    )* };
}

keys! {
    k_akma -> KAkma,
    k_af -> KAf,
    k_ausf -> KAusf,
    k_seaf -> KSeaf,
    xres_star -> XresStar,
    owa_key -> OwaKey,
}

/// Reads key octets of a length that is checked later; a missing message is `MANDATORY_ELEMENT_MISSING`.
pub fn secret_bytes(message: Option<KeyMaterial>) -> Result<secret::SecretBytes, Cause> {
    Ok(secret::SecretBytes::new(
        message.ok_or(Cause::MandatoryElementMissing)?.value,
    ))
}

/// Reads a SUPI in text form.
pub fn supi(text: &str) -> Result<Supi, Cause> {
    Supi::parse(text).map_err(|_| incorrect(text))
}

/// Reads a serving network name.
pub fn serving_network_name(text: &str) -> Result<ServingNetworkName, Cause> {
    ServingNetworkName::parse(text).map_err(|_| incorrect(text))
}

/// Reads an A-KID.
pub fn a_kid(text: &str) -> Result<AKid, Cause> {
    AKid::parse(text).map_err(|_| incorrect(text))
}

/// Reads the FQDN of an application function.
pub fn fqdn(text: &str) -> Result<Fqdn, Cause> {
    Fqdn::parse(text).map_err(|_| incorrect(text))
}

/// Reads a Ua* security protocol identifier, five octets.
pub fn ua_star_id(octets: &[u8]) -> Result<UaStarId, Cause> {
    fixed(octets).map(UaStarId::new)
}

/// Reads a device identity.
pub fn device_id(text: &str) -> Result<DeviceId, Cause> {
    DeviceId::parse(text).map_err(|_| incorrect(text))
}

/// Reads a UE Service ID.
pub fn ue_service_id(text: &str) -> Result<UeServiceId, Cause> {
    UeServiceId::parse(text).map_err(|_| incorrect(text))
}

/// Reads an onboarding session, 16 octets.
pub fn session(octets: &[u8]) -> Result<OnboardingSession, Cause> {
    fixed(octets).map(OnboardingSession::new)
}

/// Reads octets of a known length.
pub fn fixed<const N: usize>(octets: &[u8]) -> Result<[u8; N], Cause> {
    octets.try_into().map_err(|_| {
        if octets.is_empty() {
            Cause::MandatoryElementMissing
        } else {
            Cause::MandatoryElementIncorrect
        }
    })
}

/// A time in milliseconds since 1970, UTC, as a message.
pub fn timestamp(unix_ms: u64) -> Timestamp {
    let time = Duration::from_millis(unix_ms);
    Timestamp {
        seconds: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(time.subsec_nanos()).unwrap_or_default(),
    }
}

/// Milliseconds since 1970, UTC; a time before that or a missing one is refused.
pub fn unix_ms(message: Option<Timestamp>) -> Result<u64, Cause> {
    let time = message.ok_or(Cause::MandatoryElementMissing)?;
    let seconds = u64::try_from(time.seconds).map_err(|_| Cause::MandatoryElementIncorrect)?;
    let millis =
        u64::try_from(time.nanos).map_err(|_| Cause::MandatoryElementIncorrect)? / 1_000_000;
    seconds
        .checked_mul(1_000)
        .and_then(|ms| ms.checked_add(millis))
        .ok_or(Cause::MandatoryElementIncorrect)
}

/// A cause as the proto enum.
pub fn pb_cause(cause: Cause) -> PbCause {
    PbCause::try_from(i32::from(cause.number())).unwrap_or(PbCause::Internal)
}

/// The cause that a proto number names; `None` when unspecified, `INTERNAL` when it is not known here.
pub fn cause(number: i32) -> Option<Cause> {
    if number == 0 {
        return None;
    }
    Some(
        u16::try_from(number)
            .ok()
            .and_then(Cause::from_number)
            .unwrap_or(Cause::Internal),
    )
}

const fn incorrect(text: &str) -> Cause {
    if text.is_empty() {
        Cause::MandatoryElementMissing
    } else {
        Cause::MandatoryElementIncorrect
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_the_wire() {
        for ms in [0, 1, 999, 1_000, 1_790_000_000_123] {
            assert_eq!(unix_ms(Some(timestamp(ms))), Ok(ms));
        }
        assert_eq!(
            unix_ms(Some(Timestamp {
                seconds: -1,
                nanos: 0
            })),
            Err(Cause::MandatoryElementIncorrect)
        );
        assert_eq!(unix_ms(None), Err(Cause::MandatoryElementMissing));
    }

    #[test]
    fn keys_of_a_wrong_length_are_refused() {
        assert_eq!(k_af(None).err(), Some(Cause::MandatoryElementMissing));
        assert_eq!(
            k_af(Some(key(&[0; 31]))).err(),
            Some(Cause::MandatoryElementIncorrect)
        );
        assert!(k_af(Some(key(&[7; 32]))).is_ok());
    }

    #[test]
    fn messages_with_keys_print_their_name_alone() {
        let printed = format!(
            "{:?}",
            crate::pb::aanf::RegisterRequest {
                a_kid: "0.secret@example".to_owned(),
                k_akma: Some(key(&[0x5a; 32])),
                ..Default::default()
            }
        );
        assert!(
            !printed.contains("secret") && !printed.contains("90"),
            "{printed}"
        );
    }
}

//! Identifiers that Berth gives out: device, ULIDs, names, session.

use identifiers::{
    CredentialSetId, DeviceId, OnboardingSession, OperatorId, OrderId, OwnerId, PackageId, PlanId,
    SubscriptionId, TenantId,
};

#[test]
fn a_device_is_named_by_the_first_20_octets_of_the_hash_of_its_key() {
    let mut hash = [0; 32];
    assert_eq!(
        DeviceId::from_spki_sha256(&hash).as_str(),
        format!("dev_{}", "a".repeat(32))
    );
    hash[19] = 0x1f;
    hash[20] = 0xff;
    assert_eq!(
        DeviceId::from_spki_sha256(&hash).as_str(),
        format!("dev_{}7", "a".repeat(31))
    );
}

#[test]
fn a_device_id_is_read_only_in_its_one_form() {
    let text = "dev_otd33q6vyfeddciqlka2ekk32fqxt5eu";
    assert_eq!(DeviceId::parse(text).expect("a device id").as_str(), text);
    for text in [
        "",
        "dev_",
        "otd33q6vyfeddciqlka2ekk32fqxt5eu",
        "dev_otd33q6vyfeddciqlka2ekk32fqxt5e",
        "dev_otd33q6vyfeddciqlka2ekk32fqxt5euu",
        "dev_OTD33Q6VYFEDDCIQLKA2EKK32FQXT5EU",
        "dev_otd33q6vyfeddciqlka2ekk32fqxt5e1",
        "dev_otd33q6vyfeddciqlka2ekk32fqxt5e=",
        "sub_otd33q6vyfeddciqlka2ekk32fqxt5eu",
    ] {
        assert!(DeviceId::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_ulid_is_the_time_followed_by_randomness() {
    // 1469922850259 is 01ARZ3NDEK, the example of the ULID specification.
    let id = SubscriptionId::generate(1_469_922_850_259, [0; 10]);
    assert_eq!(id.as_str(), "sub_01ARZ3NDEK0000000000000000");
    let id = CredentialSetId::generate(0, [0xff; 10]);
    assert_eq!(id.as_str(), "crd_0000000000ZZZZZZZZZZZZZZZZ");
    let id = PackageId::generate(0, [0, 0, 0, 0, 0, 0, 0, 0, 0, 33]);
    assert_eq!(id.as_str(), "pkg_00000000000000000000000011");
    let latest = OwnerId::generate((1 << 48) - 1, [0xff; 10]);
    assert_eq!(latest.as_str(), "own_7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
}

#[test]
fn later_ulids_order_after_earlier_ones() {
    let mut times: Vec<u64> = (0..48).map(|bit| 1 << bit).collect();
    times.extend([3, 31, 32, 1_469_922_850_259, 1_800_000_000_000]);
    times.sort_unstable();
    times.dedup();
    let ids: Vec<_> = times
        .iter()
        .map(|time| OrderId::generate(*time, [!(*time as u8); 10]))
        .collect();
    assert!(ids.is_sorted());
    assert!(OrderId::generate(7, [0; 10]) < OrderId::generate(7, [1; 10]));
}

#[test]
fn time_beyond_48_bits_is_cut_and_leaves_the_form_intact() {
    assert_eq!(
        OwnerId::generate(1 << 48, [0; 10]),
        OwnerId::generate(0, [0; 10])
    );
    let id = OwnerId::generate(u64::MAX, [0xff; 10]);
    assert_eq!(OwnerId::parse(id.as_str()), Ok(id));
}

#[test]
fn the_prefix_keeps_kinds_of_ulid_apart() {
    let text = "sub_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    assert_eq!(
        SubscriptionId::parse(text)
            .expect("a subscription")
            .as_str(),
        text
    );
    assert!(CredentialSetId::parse(text).is_err());
    assert!(PackageId::parse(text).is_err());
    assert!(OwnerId::parse(text).is_err());
    assert!(OrderId::parse(text).is_err());
}

#[test]
fn a_ulid_is_read_only_in_upper_case_without_ambiguous_letters() {
    for text in [
        "",
        "sub_",
        "sub_01ARZ3NDEKTSV4RRFFQ69G5FA",
        "sub_01ARZ3NDEKTSV4RRFFQ69G5FAVV",
        "sub_01arz3ndektsv4rrffq69g5fav",
        "sub_01ARZ3NDEKTSV4RRFFQ69G5FAI",
        "sub_01ARZ3NDEKTSV4RRFFQ69G5FAL",
        "sub_01ARZ3NDEKTSV4RRFFQ69G5FAO",
        "sub_01ARZ3NDEKTSV4RRFFQ69G5FAU",
        "SUB_01ARZ3NDEKTSV4RRFFQ69G5FAV",
    ] {
        assert!(SubscriptionId::parse(text).is_err(), "{text}");
    }
}

#[test]
fn names_are_short_and_plain() {
    for text in ["a", "vector-operator", "Plan_7.5:b", &"x".repeat(64)] {
        assert_eq!(OperatorId::parse(text).expect("a name").as_str(), text);
        assert_eq!(TenantId::parse(text).expect("a name").as_str(), text);
        assert_eq!(PlanId::parse(text).expect("a name").as_str(), text);
    }
    for text in [
        "",
        &"x".repeat(65),
        "two words",
        "{a}",
        "a/b",
        "ä",
        "a\n",
        "<b>",
    ] {
        assert!(OperatorId::parse(text).is_err(), "{text}");
        assert!(TenantId::parse(text).is_err(), "{text}");
        assert!(PlanId::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_session_is_16_octets_in_unpadded_base64url() {
    let session = OnboardingSession::new([0xfb; 16]);
    assert_eq!(session.base64url(), "-_v7-_v7-_v7-_v7-_v7-w");
    assert_eq!(
        OnboardingSession::parse("-_v7-_v7-_v7-_v7-_v7-w"),
        Ok(session)
    );
    assert_eq!(OnboardingSession::try_from_slice(&[0xfb; 16]), Ok(session));
    assert_eq!(session.as_bytes(), &[0xfb; 16]);
}

#[test]
fn a_session_has_one_text() {
    for text in [
        "",
        "-_v7-_v7-_v7-_v7-_v7-",
        "-_v7-_v7-_v7-_v7-_v7-w==",
        "+/v7+/v7+/v7+/v7+/v7+w",
        // The last character has four bits too many; they are not zero here.
        "-_v7-_v7-_v7-_v7-_v7-x",
    ] {
        assert!(OnboardingSession::parse(text).is_err(), "{text}");
    }
    for length in [0, 15, 17] {
        assert!(OnboardingSession::try_from_slice(&vec![0; length]).is_err());
    }
}

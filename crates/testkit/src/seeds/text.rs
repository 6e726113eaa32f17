//! Inputs of decoders that read text.

/// SUPIs and GPSIs.
pub(crate) fn subscriber() -> Vec<Vec<u8>> {
    octets(&[
        "imsi-001010000000001",
        "imsi-274012001002086",
        "nai-sensor42@factory.example.com",
        "msisdn-491700000001",
        "extid-sensor42@factory.example.com",
    ])
}

/// SUCIs of each scheme and type.
pub(crate) fn suci() -> Vec<Vec<u8>> {
    octets(&[
        "suci-0-001-01-0-0-0-0000000001",
        "suci-0-274-012-678-1-27-b2e92f836055a255837debf850b528997ce0201cb82adfe4be1f587d07d8457dcb02352410cddd9e730ef3fa87",
        "suci-0-001-01-0-2-2-039aab8376597021e855679a9778ea0b67396e68c66df32c0f41e9acca2da9b9d146a33fc2716ac7dae96aa30a4d",
        "suci-1-factory.example.com-0-0-0-sensor42",
    ])
}

/// A-KIDs, alone and as `psk_identity`, and hints.
pub(crate) fn a_kid() -> Vec<Vec<u8>> {
    octets(&[
        "0.pHY_9qVCfFj6UfYuA2wqozyINDzdpfF9uGzxq3tWYbY@5gc.mnc001.mcc001.3gppnetwork.org",
        "3GPP-AKMA;0.pHY_9qVCfFj6UfYuA2wqozyINDzdpfF9uGzxq3tWYbY@5gc.mnc001.mcc001.3gppnetwork.org",
        "1234.23E@5gc.nid0123456789a.mnc001.mcc001.3gppnetwork.org",
        "3GPP-AKMA",
        "3GPP-bootstrapping;3GPP-AKMA",
    ])
}

/// Names with dots.
pub(crate) fn names() -> Vec<Vec<u8>> {
    octets(&[
        "ue-7k2m4qxa@msgin5g.berth.test",
        "sip:ue@MSGin5G.berth.test",
        "https://msgin5g.berth.test/ue/1",
        "msgin5g.berth.test",
        "5G:mnc001.mcc001.3gppnetwork.org",
        "5G:mnc012.mcc274.3gppnetwork.org:0123456789A",
    ])
}

/// Short codes.
pub(crate) fn codes() -> Vec<Vec<u8>> {
    octets(&[
        "00101",
        "274012",
        "0123456789a",
        "0",
        "678",
        "ff",
        "A1B2C3",
        "0123ef",
        "\u{1}\0\u{1}\0\u{7}",
    ])
}

/// Identifiers that Berth gives out.
pub(crate) fn own() -> Vec<Vec<u8>> {
    octets(&[
        "dev_otd33q6vyfeddciqlka2ekk32fqxt5eu",
        "sub_0J232VFd6K1BZR9DK8MZ4Z34YZ",
        "crd_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "crd_01arz3ndektsv4rrffq69g5fav",
        "vector-operator",
        "PtrfWJGctFmyUEq-dDOYgw",
    ])
}

/// Certificate URLs, prefixes and DTLS-PSK identities of devices in a limited session.
pub(crate) fn onboarding() -> Vec<Vec<u8>> {
    octets(&[
        "https://localhost:8443/DeviceID=BAND-4711",
        "https://certificates.example.com/a/b/../DeviceID=BAND-4711",
        "https://[2001:db8::1]:8443/x/DeviceID=BAND%2D4711",
        "HTTPS://EXAMPLE.com./DeviceID=1?",
        "berth-owa:PtrfWJGctFmyUEq-dDOYgw",
    ])
}

/// Times and times of day.
pub(crate) fn times() -> Vec<Vec<u8>> {
    octets(&[
        "2026-01-02T03:04:05Z",
        "2024-02-29T23:59:59.999+14:00",
        "2026-12-31T00:00:00-00:30",
        "03:04:05Z",
        "23:59:59+01:00",
    ])
}

fn octets(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

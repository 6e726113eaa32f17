//! Which certificates are believed.

use std::sync::atomic::Ordering;

use ausf::Manufacturer;
use cause::Cause;
use onboarding::Recipient;
use rcgen::KeyUsagePurpose;

use crate::device::{Authority, Device, factory, maker, trust, trusting};
use crate::world::World;

/// Puts a chain at the URL of the device, and sees what becomes of the device.
async fn fetched(world: &World, device: &Device, chain: &[&[u8]]) -> Option<Cause> {
    let chain = chain.iter().map(|der| der.to_vec()).collect();
    let url = device.url.clone();
    world.fetcher.answers.lock().unwrap().insert(url, chain);
    let outcome = device.onboard(world).await;
    outcome.err().map(|error| error.cause())
}

#[tokio::test]
async fn devices_of_unknown_manufacturers_are_refused_before_anything_is_kept() {
    let world = World::new().await;
    let world = &world;
    let stranger = |device: Device| async move {
        let outcome = device.challenge(world).await;
        outcome.err().map(|error| error.cause())
    };
    assert_eq!(
        stranger(Device::inline()).await,
        Some(Cause::UnknownManufacturer)
    );
    trust(world, &maker()).await;
    for url in [
        "https://certificates.other.test/DeviceID=BAND-4711",
        "https://certificates.maker.test.evil.test/DeviceID=BAND-4711",
        "https://certificates.maker.test@evil.test/DeviceID=BAND-4711",
        "https://evil.test/?https://certificates.maker.test/DeviceID=BAND-4711",
        "https://certificates.maker.test:444/DeviceID=BAND-4711",
        "https://certificates.maker.test/other/DeviceID=BAND-4711",
        "https://certificates.maker.test/x/../DeviceID=BAND-4711",
        "https://certificates.maker.test/%2e%2e/DeviceID=BAND-4711",
        "https://certificates.maker.test/deviceid=BAND-4711",
        "https://certificates.maker.test/DeviceID",
        "http://certificates.maker.test/DeviceID=BAND-4711",
        "https://127.0.0.1/DeviceID=BAND-4711",
        "https://[::1]/DeviceID=BAND-4711",
        "",
    ] {
        let device = Device {
            url: url.to_owned(),
            ..Device::by_url()
        };
        assert_eq!(
            stranger(device).await,
            Some(Cause::UnknownManufacturer),
            "{url}"
        );
    }
    for url in [
        "certificates.maker.test/DeviceID=BAND-4711",
        "https://CERTIFICATES.maker.test:443/DeviceID=BAND-4711",
    ] {
        let device = Device {
            url: url.to_owned(),
            ..Device::by_url()
        };
        assert_eq!(stranger(device).await, None, "{url}");
    }
    assert!(world.fetcher.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_url_alone_needs_an_entry_that_allows_it() {
    let world = trusting().await;
    let device = Device {
        hash: false,
        ..Device::by_url()
    };
    let error = device.challenge(&world).await.err().unwrap();
    assert_eq!(error.cause(), Cause::CertificateHashMismatch);
    let generous = Manufacturer {
        allow_bare_url: true,
        ..maker()
    };
    trust(&world, &generous).await;
    assert_eq!(fetched(&world, &device, &[&device.certificate]).await, None);
}

#[tokio::test]
async fn url_certificate_and_start_name_one_device() {
    let world = trusting().await;
    let device = Device::by_url();
    // The same device, certified under another name.
    let renamed = factory().certify("BAND-4712", device.seed);
    let impostor = Device {
        certificate: renamed.clone(),
        ..Device::by_url()
    };
    assert_eq!(
        fetched(&world, &impostor, &[&renamed]).await,
        Some(Cause::DeviceIdentityMismatch)
    );
    // Another certificate than the one whose hash stands in Start.
    assert_eq!(
        fetched(&world, &device, &[&renamed]).await,
        Some(Cause::CertificateHashMismatch)
    );
    // Nothing of it was remembered.
    assert_eq!(fetched(&world, &device, &[&device.certificate]).await, None);
}

#[tokio::test]
async fn a_certificate_of_another_key_is_refused() {
    let world = trusting().await;
    let other = factory().certify("BAND-4711", 0x22);
    let device = Device {
        certificate: other.clone(),
        ..Device::by_url()
    };
    assert_eq!(
        fetched(&world, &device, &[&other]).await,
        Some(Cause::DeviceIdentityMismatch)
    );
    let device = Device {
        certificate: other,
        ..Device::inline()
    };
    let error = device.onboard(&world).await.unwrap_err();
    assert_eq!(error.cause(), Cause::DeviceIdentityMismatch);
    assert_eq!(world.manager.calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn only_the_manufacturers_own_anchors_end_a_chain() {
    let world = trusting().await;
    let stranger = Authority::new("factory", 0x62);
    let forged = stranger.certify("BAND-4711", 0x21);
    for inline in [true, false] {
        let device = Device {
            certificate: forged.clone(),
            inline,
            ..Device::inline()
        };
        assert_eq!(
            fetched(&world, &device, &[&forged]).await,
            Some(Cause::CertificateChainInvalid)
        );
    }
    // The stranger is a manufacturer too, but not the one of this URL.
    let other = Manufacturer {
        name: "other".to_owned(),
        url_prefixes: vec!["https://certificates.other.test/DeviceID=".to_owned()],
        device_anchors: vec![stranger.certificate],
        ..maker()
    };
    trust(&world, &other).await;
    let device = Device {
        certificate: forged,
        ..Device::inline()
    };
    let error = device.onboard(&world).await.unwrap_err();
    assert_eq!(error.cause(), Cause::CertificateChainInvalid);
}

#[tokio::test]
async fn expired_certificates_and_garbage_are_refused() {
    let world = trusting().await;
    let usages = [KeyUsagePurpose::DigitalSignature];
    let expired = factory().certify_with("BAND-4711", 0x21, &usages, 2020);
    let device = Device {
        certificate: expired.clone(),
        ..Device::by_url()
    };
    assert_eq!(
        fetched(&world, &device, &[&expired]).await,
        Some(Cause::CertificateExpired)
    );
    let device = Device::by_url();
    let whole = device.certificate.clone();
    for garbage in [&b""[..], b"\x30", &whole[..whole.len() - 1], &[0x30; 4_000]] {
        assert_eq!(
            fetched(&world, &device, &[garbage]).await,
            Some(Cause::CertificateChainInvalid)
        );
    }
    assert_eq!(
        fetched(&world, &device, &[]).await,
        Some(Cause::CertificateNotReachable)
    );
    for end in (0..whole.len()).step_by(7) {
        let device = Device {
            certificate: whole[..end].to_vec(),
            ..Device::inline()
        };
        let error = device.onboard(&world).await.unwrap_err();
        assert_ne!(error.cause(), Cause::Internal);
    }
}

#[tokio::test]
async fn a_certificate_that_was_replaced_is_fetched_anew() {
    let world = trusting().await;
    let old = Device::by_url();
    assert_eq!(fetched(&world, &old, &[&old.certificate]).await, None);
    let usages = [KeyUsagePurpose::DigitalSignature];
    let certificate = factory().certify_with("BAND-4711", old.seed, &usages, 3_000);
    let renewed = Device {
        certificate,
        ..Device::by_url()
    };
    assert_eq!(
        fetched(&world, &renewed, &[&renewed.certificate]).await,
        None
    );
    assert_eq!(world.fetcher.asked.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_cached_certificate_is_worth_nothing_when_its_manufacturer_is_gone() {
    let world = trusting().await;
    let device = Device::by_url();
    assert_eq!(fetched(&world, &device, &[&device.certificate]).await, None);
    ausf::Manufacturers::new(world.store.clone())
        .delete("maker")
        .await
        .unwrap();
    let error = device.challenge(&world).await.err().unwrap();
    assert_eq!(error.cause(), Cause::UnknownManufacturer);
}

#[tokio::test]
async fn packages_go_to_the_certificate_key_only_where_registry_and_certificate_allow_it() {
    let world = trusting().await;
    let both = [
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyAgreement,
    ];
    let agreeing = factory().certify_with("BAND-4711", 0x21, &both, 4_000);
    let direct = |certificate: Option<&[u8]>| Device {
        recipient: Recipient::CertDirect,
        certificate: certificate.map_or_else(|| Device::inline().certificate, <[u8]>::to_vec),
        ..Device::inline()
    };
    let world = &world;
    let cause = |device: Device| async move {
        let outcome = device.onboard(world).await;
        outcome.err().map(|error| error.cause())
    };
    assert_eq!(
        cause(direct(Some(&agreeing))).await,
        Some(Cause::SuiteUnsupported)
    );
    trust(
        world,
        &Manufacturer {
            allow_cert_direct: true,
            ..maker()
        },
    )
    .await;
    assert_eq!(cause(direct(None)).await, Some(Cause::SuiteUnsupported));
    assert_eq!(cause(direct(Some(&agreeing))).await, None);
}

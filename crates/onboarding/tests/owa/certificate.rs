//! Path validation (RFC 5280, IEEE 802.1AR).

use crate::pki::{Key, NOW, Template, revocation_list};
use crate::support::{octets, vectors};
use cause::Cause;
use cose::KeyId;
use onboarding::certificate::{
    Certificate, CertificateError, KeyPurposes, PathPolicy, Revocation, validate_path,
};
use onboarding::certificate_url::DeviceSerial;
use x509_cert::ext::pkix::KeyUsages;

const ROOT: &str = "CN=root";
const INTERMEDIATE: &str = "CN=intermediate";
const HOUR: u64 = 3600;
const STRICT: KeyPurposes<'_> = KeyPurposes {
    listed: &[],
    any: false,
};

/// A root, and what is issued under it.
struct Maker {
    root_key: Key,
    root: Vec<u8>,
}

impl Maker {
    fn new() -> Self {
        Self::with_key(Key::p256(1))
    }

    fn with_key(root_key: Key) -> Self {
        let root = Template::issuer(ROOT).issue(&root_key, ROOT, &root_key);
        Self { root_key, root }
    }

    fn device(&self, template: &Template) -> Vec<u8> {
        template.issue(&Key::p256(2), ROOT, &self.root_key)
    }

    fn validate(&self, template: &Template) -> Result<(), CertificateError> {
        self.validate_with(template, STRICT, Revocation::Unchecked)
    }

    fn validate_with(
        &self,
        template: &Template,
        key_purposes: KeyPurposes<'_>,
        revocation: Revocation<'_>,
    ) -> Result<(), CertificateError> {
        let anchors = [self.root.as_slice()];
        let policy = PathPolicy {
            key_purposes,
            revocation,
            ..PathPolicy::new(&anchors, NOW)
        };
        validate_path(&[&self.device(template)], &policy).map(|_| ())
    }

    fn validate_through(&self, intermediate: &Template) -> Result<(), CertificateError> {
        let key = Key::p256(3);
        let device = Template::device().issue(&Key::p256(2), INTERMEDIATE, &key);
        let intermediate = intermediate.issue(&key, ROOT, &self.root_key);
        let anchors = [self.root.as_slice()];
        let policy = PathPolicy::new(&anchors, NOW);
        validate_path(&[&device, &intermediate], &policy).map(|_| ())
    }
}

#[test]
fn the_device_of_the_vectors_is_valid_under_its_manufacturer() {
    let identities = vectors("identities.json");
    let device = octets(&identities["device_certificate"]);
    let maker = octets(&identities["manufacturer_root"]);
    let operator = octets(&identities["operator_root_certificate"]);
    let anchors = [operator.as_slice(), maker.as_slice()];
    let path = validate_path(&[&device], &PathPolicy::new(&anchors, NOW)).unwrap();
    let certificate = &path.certificate;
    assert_eq!(certificate.spki(), octets(&identities["device_spki"]));
    assert_eq!(certificate.subject_serial_number(), Some("BAND-4711"));
    for (serial, issued) in [("BAND-4711", true), ("BAND-4712", false)] {
        let serial = DeviceSerial::parse(serial).unwrap();
        assert_eq!(certificate.is_issued_to(&serial), issued);
    }
    assert_eq!(certificate.device_id().as_str(), identities["device_id"]);
    assert_eq!(certificate.serial_number(), [2]);
    assert_eq!(certificate.sha256(), &cose::sha256(&device));
    assert!(certificate.allows_signing() && certificate.allows_key_agreement());
    assert!(!certificate.allows_issuing());
    let maker = Certificate::from_der(&maker).unwrap();
    assert_eq!(path.anchor, KeyId::of_spki(maker.spki()));

    let outcome = validate_path(&[&device], &PathPolicy::new(&[&operator], NOW));
    assert_eq!(outcome, Err(CertificateError::Untrusted));
    let outcome = validate_path(&[&device], &PathPolicy::new(&[], NOW));
    assert_eq!(outcome, Err(CertificateError::Untrusted));
    let outcome = validate_path(&[], &PathPolicy::new(&[], NOW));
    assert_eq!(outcome, Err(CertificateError::Malformed));
}

#[test]
fn an_end_entity_that_may_not_sign_is_refused() {
    let maker = Maker::new();
    assert_eq!(maker.validate(&Template::device()), Ok(()));
    let mut template = Template::device();
    template.key_usage = None;
    assert_eq!(maker.validate(&template), Ok(()));
    template.key_usage = Some(KeyUsages::KeyAgreement);
    assert_eq!(maker.validate(&template), Err(CertificateError::Usage));
}

#[test]
fn an_issuer_that_may_not_issue_is_refused() {
    let maker = Maker::new();
    let mut intermediate = Template::issuer(INTERMEDIATE);
    assert_eq!(maker.validate_through(&intermediate), Ok(()));
    intermediate.key_usage = None;
    assert_eq!(maker.validate_through(&intermediate), Ok(()));
    intermediate.key_usage = Some(KeyUsages::DigitalSignature);
    assert_eq!(
        maker.validate_through(&intermediate),
        Err(CertificateError::Usage)
    );
    let mut intermediate = Template::issuer(INTERMEDIATE);
    intermediate.ca = false;
    assert_eq!(
        maker.validate_through(&intermediate),
        Err(CertificateError::Usage)
    );
}

#[test]
fn an_issuer_as_end_entity_is_refused() {
    let mut template = Template::device();
    template.ca = true;
    assert_eq!(
        Maker::new().validate(&template),
        Err(CertificateError::Usage)
    );
}

#[test]
fn key_purposes_are_absent_client_auth_or_listed() {
    const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
    const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";
    const ANY: &str = "2.5.29.37.0";
    /// 1.2.3.4 in DER.
    const LISTED: &[u8] = &[0x2a, 3, 4];
    let any = KeyPurposes {
        listed: &[],
        any: true,
    };
    let listed = KeyPurposes {
        listed: &[LISTED],
        any: false,
    };
    let maker = Maker::new();
    let cases: [(&'static [&'static str], KeyPurposes<'_>, bool); 8] = [
        (&[], STRICT, true),
        (&[CLIENT_AUTH], STRICT, true),
        (&[SERVER_AUTH, CLIENT_AUTH], STRICT, true),
        (&[SERVER_AUTH], STRICT, false),
        (&[ANY], STRICT, false),
        (&[ANY], any, true),
        (&["1.2.3.4"], STRICT, false),
        (&["1.2.3.4"], listed, true),
    ];
    for (purposes, accepted, good) in cases {
        let mut template = Template::device();
        template.purposes = purposes;
        let outcome = maker.validate_with(&template, accepted, Revocation::Unchecked);
        let expected = if good {
            Ok(())
        } else {
            Err(CertificateError::Usage)
        };
        assert_eq!(outcome, expected, "{purposes:?}");
    }
}

#[test]
fn an_unknown_critical_extension_is_refused() {
    let mut template = Template::device();
    template.unknown_critical = true;
    assert_eq!(
        Maker::new().validate(&template),
        Err(CertificateError::Malformed)
    );
}

#[test]
fn validity_may_be_missed_by_a_day_and_no_more() {
    let maker = Maker::new();
    for (not_before, not_after, good) in [
        (NOW - 1, NOW + 1, true),
        (NOW + 23 * HOUR, NOW + 100 * HOUR, true),
        (NOW + 25 * HOUR, NOW + 100 * HOUR, false),
        (NOW - 100 * HOUR, NOW - 23 * HOUR, true),
        (NOW - 100 * HOUR, NOW - 25 * HOUR, false),
    ] {
        let mut template = Template::device();
        template.not_before = not_before;
        template.not_after = not_after;
        let expected = if good {
            Ok(())
        } else {
            Err(CertificateError::Validity)
        };
        assert_eq!(maker.validate(&template), expected);
    }
    assert_eq!(
        CertificateError::Validity.cause(),
        Cause::CertificateExpired
    );
}

#[test]
fn revocation_lists_count_while_they_are_valid() {
    let maker = Maker::new();
    let device = Template::device();
    let revoked = revocation_list(ROOT, &maker.root_key, &[device.serial], NOW + HOUR);
    let clean = revocation_list(ROOT, &maker.root_key, &[9], NOW + HOUR);
    let expired = revocation_list(ROOT, &maker.root_key, &[device.serial], NOW - 1);
    let foreign = revocation_list("CN=other", &Key::p256(8), &[device.serial], NOW + HOUR);
    let forged = revocation_list(ROOT, &Key::p256(8), &[device.serial], NOW + HOUR);
    let unknown = Err(CertificateError::RevocationUnknown);
    assert_eq!(
        maker.validate_with(&device, STRICT, Revocation::Required(&[&revoked])),
        Err(CertificateError::Revoked)
    );
    assert_eq!(
        maker.validate_with(
            &device,
            STRICT,
            Revocation::WhereListed(&[&foreign, &revoked])
        ),
        Err(CertificateError::Revoked)
    );
    assert_eq!(
        maker.validate_with(&device, STRICT, Revocation::Required(&[&clean])),
        Ok(())
    );
    assert_eq!(
        maker.validate_with(&device, STRICT, Revocation::Required(&[&expired])),
        unknown
    );
    assert_eq!(
        maker.validate_with(&device, STRICT, Revocation::Required(&[&foreign])),
        unknown
    );
    assert_eq!(
        maker.validate_with(&device, STRICT, Revocation::Required(&[&forged])),
        unknown
    );
    assert_eq!(
        maker.validate_with(&device, STRICT, Revocation::Required(&[])),
        unknown
    );
    assert_eq!(
        maker.validate_with(&device, STRICT, Revocation::WhereListed(&[&foreign])),
        Ok(())
    );
    assert_eq!(
        maker.validate_with(&device, STRICT, Revocation::WhereListed(&[])),
        Ok(())
    );
    assert_eq!(
        maker.validate_with(&device, STRICT, Revocation::Required(&[b"no list"])),
        Err(CertificateError::Configuration)
    );
}

#[test]
fn issuers_with_p384_and_ed25519_are_accepted() {
    for key in [Key::p384(4), Key::ed25519(4)] {
        let maker = Maker::with_key(key);
        assert_eq!(maker.validate(&Template::device()), Ok(()));
    }
}

#[test]
fn a_signature_by_another_key_is_refused() {
    let maker = Maker::new();
    let forged = Template::device().issue(&Key::p256(2), ROOT, &Key::p256(9));
    let outcome = validate_path(&[&forged], &PathPolicy::new(&[&maker.root], NOW));
    assert_eq!(outcome, Err(CertificateError::Untrusted));
    let no_anchor = validate_path(
        &[&maker.device(&Template::device())],
        &PathPolicy::new(&[b"no certificate"], NOW),
    );
    assert_eq!(no_anchor, Err(CertificateError::Configuration));
}

#[test]
fn two_serial_numbers_name_no_device() {
    let mut template = Template::device();
    template.subject = "serialNumber=BAND-4711,serialNumber=BAND-4712";
    assert_eq!(
        Maker::new().validate(&template),
        Err(CertificateError::Malformed)
    );
    template.subject = "CN=nameless";
    let certificate = Certificate::from_der(&Maker::new().device(&template)).unwrap();
    assert_eq!(certificate.subject_serial_number(), None);
}

#[test]
fn sealing_to_a_certificate_needs_its_issuers_word() {
    for (usage, allowed) in [
        (Some(KeyUsages::KeyAgreement), true),
        (Some(KeyUsages::DigitalSignature), false),
        (None, false),
    ] {
        let mut template = Template::device();
        template.key_usage = usage;
        let certificate = Certificate::from_der(&Maker::new().device(&template)).unwrap();
        assert_eq!(certificate.allows_key_agreement(), allowed);
    }
}

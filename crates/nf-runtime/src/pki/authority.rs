//! A certificate authority in memory.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use nf_api::Caller;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SanType,
};

use super::{CertificateFacts, Issued, PkiError};

/// Who is certified by a leaf, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Leaf<'a> {
    /// The identity of a function or an operator, for both sides of TLS. `None`: a server that is no function,
    /// for example the portal.
    pub caller: Option<&'a Caller>,
    /// Names of hosts.
    pub dns: &'a [&'a str],
    /// Addresses of hosts.
    pub ips: &'a [IpAddr],
    /// How long it is good; never longer than its authority.
    pub lifetime: Duration,
}

/// A certificate authority: P-256, valid for ten years.
pub struct Authority {
    trust_domain: String,
    certificate_pem: String,
    facts: CertificateFacts,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Draws the key of a new authority and certifies it, from `now` on.
    ///
    /// # Errors
    /// The trust domain cannot stand in a URI.
    pub fn draw(trust_domain: &str, now: SystemTime) -> Result<Issued, PkiError> {
        let mut params = params("Berth authority", now, now + AUTHORITY_LIFETIME);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let uri = format!("{SPIFFE}{trust_domain}");
        params.subject_alt_names = vec![SanType::URI(Ia5String::try_from(uri)?)];
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        Ok(Issued {
            certificate_pem: params.self_signed(&key)?.pem(),
            key_pem: key.serialize_pem(),
        })
    }

    /// Opens what [`Authority::draw`] made.
    ///
    /// # Errors
    /// Certificate or key are damaged, do not belong together, or are no authority's.
    pub fn open(certificate_pem: &str, key_pem: &str) -> Result<Self, PkiError> {
        let facts = CertificateFacts::read(certificate_pem).ok_or(PkiError::NoAuthority)?;
        let trust_domain = match facts.uris.as_slice() {
            [uri] => uri.strip_prefix(SPIFFE),
            _ => None,
        };
        let trust_domain = trust_domain.ok_or(PkiError::NoAuthority)?.to_owned();
        let key = KeyPair::from_pem(key_pem)?;
        if key.subject_public_key_info() != facts.public_key {
            return Err(PkiError::OtherKey);
        }
        Ok(Self {
            trust_domain,
            certificate_pem: certificate_pem.to_owned(),
            facts,
            issuer: Issuer::from_ca_cert_pem(certificate_pem, key)?,
        })
    }

    /// Its certificate, as PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// What its certificate says.
    pub const fn facts(&self) -> &CertificateFacts {
        &self.facts
    }

    /// The first part of all identities.
    pub fn trust_domain(&self) -> &str {
        &self.trust_domain
    }

    /// Draws a key and certifies it, from `now` on.
    ///
    /// # Errors
    /// A name cannot stand in a certificate.
    pub fn issue(&self, leaf: &Leaf<'_>, now: SystemTime) -> Result<Issued, PkiError> {
        let common_name = match leaf.caller {
            Some(caller) => caller.to_string(),
            None => leaf
                .dns
                .first()
                .copied()
                .unwrap_or("Berth server")
                .to_owned(),
        };
        let end = self.facts.not_after.min(now + leaf.lifetime);
        let mut params = params(&common_name, now, end);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let names = &mut params.subject_alt_names;
        for name in leaf.dns {
            names.push(SanType::DnsName(Ia5String::try_from(*name)?));
        }
        names.extend(leaf.ips.iter().copied().map(SanType::IpAddress));
        if let Some(caller) = leaf.caller {
            let uri = caller.to_uri(&self.trust_domain);
            names.push(SanType::URI(Ia5String::try_from(uri)?));
            let usages = &mut params.extended_key_usages;
            usages.push(ExtendedKeyUsagePurpose::ClientAuth);
        }
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Issued {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        })
    }
}

fn params(common_name: &str, now: SystemTime, end: SystemTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    // Machines of one installation do not agree on the time to the second.
    params.not_before = (now - CLOCK_SKEW).into();
    params.not_after = end.into();
    params
}

const SPIFFE: &str = "spiffe://";
const CLOCK_SKEW: Duration = Duration::from_secs(300);
const AUTHORITY_LIFETIME: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

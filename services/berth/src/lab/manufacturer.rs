//! The laboratory's manufacturer: a certificate authority and the https server behind its certificate URLs.
//!
//! Folder layout, shared with `ue new --lab`:
//! `manufacturer/ca.cer` (DER), `manufacturer/ca.key` (PKCS#8 PEM), `certificates/<serial>.cer` (DER).

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use axum::extract::{Path as RoutePath, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::data_dir::write_atomically;

/// What the manufacturer's machines present and trust.
pub(crate) struct LabManufacturer {
    folder: PathBuf,
    ca_certificate: Vec<u8>,
    server_certificate: Vec<u8>,
    server_key: Vec<u8>,
}

impl LabManufacturer {
    /// Opens the manufacturer of a laboratory folder, making it at the first time. Its certificate server is `host`,
    /// at `address`.
    pub(crate) fn open(folder: &Path, host: &str, address: IpAddr) -> Result<Self> {
        let authority = folder.join("manufacturer");
        fs::create_dir_all(&authority)?;
        fs::create_dir_all(folder.join("certificates"))?;
        let key_file = authority.join("ca.key");
        if !key_file.exists() {
            let key = KeyPair::generate()?;
            let certificate = authority_parameters()?.self_signed(&key)?;
            fs::write(authority.join("ca.cer"), certificate.der())?;
            write_atomically(&key_file, &key.serialize_pem())?;
        }
        let ca_certificate = fs::read(authority.join("ca.cer"))
            .context("the laboratory lost its manufacturer certificate")?;
        let ca_key = KeyPair::from_pem(&fs::read_to_string(&key_file)?)?;
        let issuer = rcgen::Issuer::from_ca_cert_der(
            &CertificateDer::from(ca_certificate.as_slice()),
            &ca_key,
        )?;

        let server = KeyPair::generate()?;
        let mut parameters = CertificateParams::new(vec![host.to_owned()])?;
        parameters
            .distinguished_name
            .push(DnType::CommonName, "Laboratory certificate server");
        parameters
            .subject_alt_names
            .push(SanType::IpAddress(address));
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = parameters.signed_by(&server, &issuer)?;
        Ok(Self {
            folder: folder.to_owned(),
            ca_certificate,
            server_certificate: certificate.der().to_vec(),
            server_key: server.serialize_der(),
        })
    }

    /// DER certificate in which device and server chains end.
    pub(crate) fn anchor(&self) -> &[u8] {
        &self.ca_certificate
    }

    /// The TLS side of the certificate server.
    pub(crate) fn tls(&self) -> Result<Arc<rustls::ServerConfig>> {
        let key = PrivateKeyDer::try_from(self.server_key.clone()).map_err(anyhow::Error::msg)?;
        let chain = vec![CertificateDer::from(self.server_certificate.clone())];
        let config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        Ok(Arc::new(config))
    }

    /// Serves `GET /DeviceID=<serial>` from the folder of certificates.
    pub(crate) fn routes(&self) -> axum::Router {
        let certificates = Arc::new(self.folder.join("certificates"));
        axum::Router::new()
            .route("/{name}", get(certificate))
            .with_state(certificates)
    }
}

/// The prefix of the certificate URLs that a server answers.
pub(crate) fn url_prefix(host: &str, port: u16) -> String {
    format!("https://{host}:{port}/DeviceID=")
}

async fn certificate(
    State(folder): State<Arc<PathBuf>>,
    RoutePath(name): RoutePath<String>,
) -> impl IntoResponse {
    let serial = name
        .strip_prefix("DeviceID=")
        .filter(|serial| is_serial(serial));
    let found = match serial {
        Some(serial) => tokio::fs::read(folder.join(format!("{serial}.cer")))
            .await
            .ok(),
        None => None,
    };
    match found {
        Some(certificate) => (
            [(header::CONTENT_TYPE, "application/pkix-cert")],
            certificate,
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn is_serial(text: &str) -> bool {
    (4..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn authority_parameters() -> Result<CertificateParams> {
    let mut parameters = CertificateParams::new(Vec::new())?;
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters
        .distinguished_name
        .push(DnType::CommonName, "Laboratory manufacturer root");
    parameters.not_after = rcgen::date_time_ymd(9999, 12, 31);
    Ok(parameters)
}

//! The way to the receiver of traces.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http::uri::Scheme;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithTonicConfig as _};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

/// Why no way to the receiver of traces can be made.
#[derive(Debug, thiserror::Error)]
pub enum ExporterError {
    /// The endpoint is no URL, or its certificates are none.
    #[error("endpoint is not usable")]
    Endpoint(#[source] tonic::transport::Error),
    /// The endpoint is neither `http` nor `https`.
    #[error("endpoint begins neither with http:// nor with https://")]
    Scheme,
    /// The certificates of the authority cannot be read.
    #[error("{} cannot be read", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The exporter refuses its settings.
    #[error("exporter cannot be built")]
    Build(#[source] ExporterBuildError),
}

/// An exporter that connects when there is something to send.
pub(super) fn exporter(
    endpoint: &str,
    authority: Option<&Path>,
) -> Result<SpanExporter, ExporterError> {
    let endpoint = Endpoint::from_shared(endpoint.to_owned()).map_err(ExporterError::Endpoint)?;
    let scheme = endpoint.uri().scheme().cloned();
    let endpoint = if scheme == Some(Scheme::HTTPS) {
        let path = authority.unwrap_or_else(|| Path::new(SYSTEM_AUTHORITIES));
        let pem = std::fs::read(path).map_err(|source| ExporterError::Authority {
            path: path.to_owned(),
            source,
        })?;
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem));
        endpoint.tls_config(tls).map_err(ExporterError::Endpoint)?
    } else if scheme == Some(Scheme::HTTP) {
        endpoint
    } else {
        return Err(ExporterError::Scheme);
    };
    SpanExporter::builder()
        .with_tonic()
        .with_channel(endpoint.timeout(EXPORT_LIMIT).connect_lazy())
        .build()
        .map_err(ExporterError::Build)
}

/// Where Debian and our images keep the authorities that everybody trusts.
const SYSTEM_AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";
const EXPORT_LIMIT: Duration = Duration::from_secs(10);

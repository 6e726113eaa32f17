//! A handshake with a replica: which certificate it presents, and whether it takes that of this command.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use nf_api::NetworkFunction;
use nf_runtime::pki::CertificateFacts;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, Error};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::operator::{Operator, Site};

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// How long after it something may come that tells whether the certificate of this command was taken.
const FIRST_WORD: Duration = Duration::from_secs(1);

/// Opens a connection of its own, to see which certificate is presented, and whether ours is taken.
pub(super) async fn shaken(
    function: NetworkFunction,
    address: SocketAddr,
    operator: &Operator<'_>,
) -> Result<CertificateFacts> {
    let site = operator.site;
    let config = operator.identity.client_config(function)?;
    let attempt = async {
        let tcp = TcpStream::connect(address)
            .await
            .context("it does not answer")?;
        let name = ServerName::IpAddress(address.ip().into());
        let mut stream = TlsConnector::from(config)
            .connect(name, tcp)
            .await
            .map_err(|error| explained(&error, function, site))?;
        let chain = stream.get_ref().1.peer_certificates();
        let first = chain
            .and_then(<[_]>::first)
            .context("it has no certificate")?;
        let facts = CertificateFacts::of(first).context("its certificate cannot be read")?;
        // A client is done before its certificate is looked at. Who takes it begins with the settings of HTTP/2.
        if let Ok(Err(error)) = timeout(FIRST_WORD, stream.read_u8()).await
            && alert(&error).is_some()
        {
            return Err(explained(&error, function, site));
        }
        Ok(facts)
    };
    match timeout(HANDSHAKE, attempt).await {
        Ok(outcome) => outcome,
        Err(_) => bail!("it does not answer within {HANDSHAKE:?}"),
    }
}

/// What a failed handshake means.
fn explained(error: &io::Error, function: NetworkFunction, site: &Site) -> anyhow::Error {
    if let Some(alert) = alert(error) {
        return anyhow!(
            "it refuses the certificate of this command, {}: {alert:?}",
            site.tls.certificate.display()
        );
    }
    let Some(Error::InvalidCertificate(reason)) = tls_error(error) else {
        return anyhow!("its TLS is refused: {error}");
    };
    match reason {
        CertificateError::ApplicationVerificationFailure => anyhow!(
            "its certificate names another identity than spiffe://{}/nf/{}",
            site.tls.trust_domain,
            function
        ),
        CertificateError::UnknownIssuer => anyhow!(
            "its certificate is of another authority than {}",
            site.tls.ca.display()
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            anyhow!("its certificate has ended: renew it")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            anyhow!(
                "its certificate is not valid yet: set the clock right here, or of who issued it"
            )
        }
        other => anyhow!("its certificate is refused: {other:?}"),
    }
}

fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// What a peer says of the certificate that it was shown.
fn alert(error: &io::Error) -> Option<AlertDescription> {
    let Some(Error::AlertReceived(alert)) = tls_error(error) else {
        return None;
    };
    let about_ours = matches!(
        alert,
        AlertDescription::AccessDenied
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::DecryptError
            | AlertDescription::UnknownCA
            | AlertDescription::UnsupportedCertificate
    );
    about_ours.then_some(*alert)
}

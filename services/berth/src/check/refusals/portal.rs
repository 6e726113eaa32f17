//! The portal, visited by somebody who has no business there.

use std::fs;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use cause::Cause;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, StatusCode, Uri, header};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use ue::{NetworkChoice, Progress, SignUp, Ue};

use super::{Trial, is_refused};
use crate::http::exchange;
use crate::lab::LabConfig;

/// Larger than any page.
const LARGEST_PAGE: usize = 256 * 1024;

/// Visits the portal by the link of a device that waits meanwhile.
pub(super) async fn try_all(device: &mut Ue, lab: &LabConfig, trial: &mut Trial) -> Result<()> {
    let (sender, mut links) = mpsc::unbounded_channel();
    let progress = &mut |progress| {
        if let Progress::PortalLink(link) = progress {
            // Nobody waits for a second one.
            let _ = sender.send(link);
        }
    };
    let waiting = device.onboard(&NetworkChoice::Auto, &SignUp::Portal, progress);
    let visiting = async {
        let link = links.recv().await.context("there is no link")?;
        let portal = Portal::of(&link, lab)?;
        for path in ["/sign-up", "/status"] {
            trial
                .refuses(&format!("portal: {path} without cookie"), async {
                    portal.refuses(path, Cause::NotAuthorized).await
                })
                .await?;
        }
        trial
            .refuses("portal: link code, used twice", async {
                let entrance = portal
                    .link
                    .path_and_query()
                    .context("the link is no link")?;
                let (status, _) = portal.get(entrance.as_str()).await?;
                ensure!(
                    status == StatusCode::SEE_OTHER,
                    "the first use was not let in ({status})"
                );
                portal
                    .refuses(entrance.as_str(), Cause::LinkCodeInvalid)
                    .await
            })
            .await
    };
    tokio::select! {
        ended = Box::pin(waiting) => match ended {
            Ok(_) => bail!("the device was signed up by nobody"),
            Err(error) => Err(error).context("a device that should be let in is not"),
        },
        visited = visiting => visited,
    }
}

/// The portal that a link leads to.
struct Portal {
    link: Uri,
    tls: TlsConnector,
}

impl Portal {
    fn of(link: &str, lab: &LabConfig) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        let authority = fs::read(&lab.portal_ca)?;
        for certificate in CertificateDer::pem_slice_iter(&authority) {
            roots.add(certificate.context("lab.portal_ca is not readable")?)?;
        }
        let config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            link: link.parse().context("the link is no link")?,
            tls: TlsConnector::from(Arc::new(config)),
        })
    }

    /// Gets a page without a cookie, which has to be refused with this cause.
    async fn refuses(&self, path: &str, expected: Cause) -> Result<String> {
        let (status, page) = self.get(path).await?;
        ensure!(
            status.is_client_error() || status.is_server_error(),
            "let in ({status})"
        );
        let told = Cause::ALL.iter().find(|cause| {
            // Whole words: some names are part of others.
            page.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .any(|word| word == cause.name())
        });
        let told = told.with_context(|| format!("refused with {status}, but without a cause"))?;
        is_refused(*told, expected)
    }

    async fn get(&self, path: &str) -> Result<(StatusCode, String)> {
        let host = self.link.host().context("the link names no host")?;
        let port = self.link.port_u16().unwrap_or(443);
        let bare = host.trim_matches(['[', ']']);
        let tcp = TcpStream::connect((bare, port))
            .await
            .with_context(|| format!("{host}:{port} does not answer"))?;
        let name = ServerName::try_from(bare.to_owned())?;
        let stream = self.tls.connect(name, tcp).await?;
        let request = Request::get(path)
            .header(header::HOST, format!("{host}:{port}"))
            .header(header::CONNECTION, "close")
            .body(Full::<Bytes>::default())?;
        let (status, page) = exchange(stream, request, LARGEST_PAGE).await?;
        Ok((status, String::from_utf8_lossy(&page).into_owned()))
    }
}

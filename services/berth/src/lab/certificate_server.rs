//! https of the laboratory's manufacturer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use nf_runtime::Runtime;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::manufacturer::LabManufacturer;

/// A client that takes longer has no certificate to fetch.
const CONNECTION: Duration = Duration::from_secs(10);

/// Answers certificate URLs until the process stops; answers the address that is listened on.
pub(super) async fn serve(
    address: SocketAddr,
    manufacturer: &LabManufacturer,
    runtime: &Runtime,
) -> Result<SocketAddr> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("{address} cannot be listened on"))?;
    let address = listener.local_addr()?;
    let acceptor = TlsAcceptor::from(manufacturer.tls()?);
    let routes = Arc::new(manufacturer.routes());
    let lifecycle = runtime.lifecycle.clone();
    runtime.lifecycle.spawn("certificate server", async move {
        let stop = lifecycle.token();
        while let Some(Ok((stream, _))) = stop.run_until_cancelled(listener.accept()).await {
            let (acceptor, routes) = (acceptor.clone(), Arc::clone(&routes));
            lifecycle.spawn("certificate connection", async move {
                // A client that breaks off gets no certificate; that is all there is to it.
                let _ = timeout(CONNECTION, answer(stream, acceptor, (*routes).clone())).await;
            });
        }
    });
    Ok(address)
}

async fn answer(stream: TcpStream, acceptor: TlsAcceptor, routes: axum::Router) -> Result<()> {
    let stream = acceptor.accept(stream).await?;
    let connection = Builder::new(TokioExecutor::new());
    let served = connection
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes))
        .await;
    served.map_err(|error| anyhow::anyhow!(error))
}

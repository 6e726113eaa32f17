//! One request over one connection.

use std::io;

use anyhow::Result;
use futures::future::{Either, select};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// Sends a request over HTTP/1.1 and reads the whole answer, of `largest` octets at most.
pub(crate) async fn exchange<S>(
    stream: S,
    request: Request<Full<Bytes>>,
    largest: usize,
) -> Result<(StatusCode, Bytes)>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let exchange = Box::pin(async move {
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), largest)
            .collect()
            .await
            .map_err(io::Error::other)?;
        Ok((status, body.to_bytes()))
    });
    match select(exchange, Box::pin(connection)).await {
        Either::Left((answer, _)) => answer,
        // The server has closed: what is left is to take what it sent.
        Either::Right((_, exchange)) => exchange.await,
    }
}

//! A laboratory of certificates, servers that answer anything, and calls by path.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::Router;
use http::Response;
use nf_api::{Caller, NetworkFunction};
use nf_runtime::Runtime;
use nf_runtime::grpc::{self, Channel};
use nf_runtime::pki::LabAuthority;
use nf_runtime::tls::{TlsConfig, TlsIdentity};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::service::Routes;
use tonic::{Request, Status, Streaming};
use tonic_prost::ProstCodec;

pub(crate) const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Not idempotent.
pub(crate) const GET_VECTOR: &str = "/berth.vault.v1.VaultService/GetVector";
/// Idempotent.
pub(crate) const PROMOTE: &str = "/berth.vault.v1.VaultService/Promote";
/// Answers a stream.
pub(crate) const WATCH: &str =
    "/berth.configuration_management.v1.AssociationService/WatchAssociations";
/// Streams both ways.
pub(crate) const GET_VECTOR_STREAM: &str = "/berth.vault.v1.VaultService/GetVectorStream";

pub(crate) const AUSF: Caller = Caller::function(NetworkFunction::Ausf);
pub(crate) const VAULT: Caller = Caller::function(NetworkFunction::Vault);

/// An authority in a folder of its own.
pub(crate) struct Lab {
    pub(crate) authority: LabAuthority,
    pub(crate) folder: TempDir,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            authority: LabAuthority::create(folder.path(), "berth.test").unwrap(),
            folder,
        }
    }

    pub(crate) fn files(&self, caller: &Caller) -> TlsConfig {
        self.authority
            .install(caller, &["localhost"], &[LOCALHOST])
            .unwrap()
    }

    pub(crate) fn identity(&self, caller: &Caller) -> TlsIdentity {
        TlsIdentity::load(&self.files(caller)).unwrap()
    }

    /// Serves with the identity of the vault.
    pub(crate) async fn serve(&self, routes: Routes, runtime: &Runtime) -> SocketAddr {
        self.serve_as(&self.identity(&VAULT), routes, runtime).await
    }

    pub(crate) async fn serve_as(
        &self,
        identity: &TlsIdentity,
        routes: Routes,
        runtime: &Runtime,
    ) -> SocketAddr {
        let listener = TcpListener::bind((LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (identity, serving) = (identity.clone(), runtime.clone());
        runtime.lifecycle.spawn("server", async move {
            grpc::serve(listener, routes, &identity, &serving).await
        });
        address
    }

    /// A way to the vault.
    pub(crate) fn connect(
        &self,
        address: SocketAddr,
        caller: &Caller,
        runtime: &Runtime,
    ) -> Channel {
        grpc::connect(
            &address.to_string(),
            &self.identity(caller),
            NetworkFunction::Vault,
            runtime,
        )
        .unwrap()
    }
}

/// Services that do the same for every path.
pub(crate) fn every_path<F, A>(answer: F) -> Routes
where
    F: Fn(http::Request<axum::body::Body>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<(), Status>> + Send + 'static,
{
    let handler = move |request: http::Request<axum::body::Body>| {
        let answer = answer.clone();
        async move {
            match answer(request).await {
                Ok(()) => message(),
                Err(status) => status.into_http(),
            }
        }
    };
    Routes::from(Router::new().fallback(handler))
}

/// An empty message and the status OK, as one body.
pub(crate) fn message() -> Response<Body> {
    let ok = http::HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        http::HeaderValue::from(0),
    )]);
    let frames = [
        http_body::Frame::data(bytes::Bytes::from_static(&[0; 5])),
        http_body::Frame::trailers(ok),
    ];
    let frames = tokio_stream::iter(frames.map(Ok::<_, Status>));
    let mut response = Response::new(Body::new(http_body_util::StreamBody::new(frames)));
    response.headers_mut().insert(
        "content-type",
        http::HeaderValue::from_static("application/grpc"),
    );
    response
}

pub(crate) async fn unary(channel: &Channel, path: &str) -> Result<(), Status> {
    unary_with(channel, path, Request::new(())).await
}

pub(crate) async fn unary_with(
    channel: &Channel,
    path: &str,
    request: Request<()>,
) -> Result<(), Status> {
    let codec: ProstCodec<(), ()> = ProstCodec::default();
    let answer = Grpc::new(channel.clone())
        .unary(request, PathAndQuery::try_from(path).unwrap(), codec)
        .await;
    answer.map(tonic::Response::into_inner)
}

pub(crate) async fn server_stream(channel: &Channel, path: &str) -> Result<Streaming<()>, Status> {
    let codec: ProstCodec<(), ()> = ProstCodec::default();
    let path = PathAndQuery::try_from(path).unwrap();
    let answer = Grpc::new(channel.clone())
        .server_streaming(Request::new(()), path, codec)
        .await;
    answer.map(tonic::Response::into_inner)
}

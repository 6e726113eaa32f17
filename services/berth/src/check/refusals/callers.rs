//! Callers of functions: strangers to their TLS, and identities that may not call what they call.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use cause::Cause;
use nf_api::authorization::{TABLE, is_allowed};
use nf_api::status::cause_of;
use nf_api::{Caller, NetworkFunction};
use nf_runtime::grpc::Channel;
use nf_runtime::pki::LabAuthority;
use nf_runtime::tls::{TlsConfig, TlsIdentity};
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use super::{Bench, Trial};
use crate::check::replicas::addresses;

/// What lists the interface of a function, where it is switched on.
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

pub(super) async fn try_all(bench: &Bench<'_>, trial: &mut Trial) -> Result<()> {
    let operator = bench.operator;
    let foreigner = foreigner(bench)?;
    for (callee, targets) in &operator.site.peers {
        let callee = *callee;
        trial
            .refuses(&format!("{callee}: no certificate"), async {
                let mut config = (*operator.identity.client_config(callee)?).clone();
                config.client_auth_cert_resolver = Arc::new(NoCertificate);
                each_hangs_up(targets, callee, &Arc::new(config)).await
            })
            .await?;
        trial
            .refuses(&format!("{callee}: foreign certificate"), async {
                let config = foreigner.client_config(callee)?;
                each_hangs_up(targets, callee, &config).await
            })
            .await?;
        let gateway = Caller::Function {
            function: NetworkFunction::AccessGateway,
            instance: Some(bench.laboratory.config.name.clone()),
        };
        trial
            .refuses(&format!("{callee}: access gateway"), async {
                may_call_nothing_else(&bench.as_gateway(callee)?, callee, &gateway).await
            })
            .await?;
        trial
            .refuses(&format!("{callee}: operator"), async {
                may_call_nothing_else(&operator.channel(callee)?, callee, &an_operator()).await
            })
            .await?;
        trial
            .refuses(&format!("{callee}: reflection"), async {
                let status = called(&operator.channel(callee)?, REFLECTION).await?;
                match status.code() {
                    Code::Unimplemented => Ok("off".to_owned()),
                    code => bail!("it is on ({code:?}): set grpc.reflection = false"),
                }
            })
            .await?;
    }
    Ok(())
}

/// An operator's identity under an authority that nobody trusts.
fn foreigner(bench: &Bench<'_>) -> Result<TlsIdentity> {
    let ours = &bench.operator.site.tls;
    let folder = bench.laboratory.folder().join("foreign-authority");
    let authority = LabAuthority::create(&folder, &ours.trust_domain)?;
    let foreign = authority.install(&an_operator(), &["localhost"], &[])?;
    Ok(TlsIdentity::load(&TlsConfig {
        ca: ours.ca.clone(),
        ..foreign
    })?)
}

fn an_operator() -> Caller {
    Caller::Operator {
        name: "admin".to_owned(),
    }
}

/// Connects to each replica, which has to end the connection without a word but TLS's.
async fn each_hangs_up(
    targets: &str,
    callee: NetworkFunction,
    config: &Arc<rustls::ClientConfig>,
) -> Result<String> {
    let mut told = BTreeSet::new();
    for address in addresses(targets).await? {
        let ended = hangs_up(address, config).await;
        told.insert(ended.with_context(|| format!("{callee} at {address}"))?);
    }
    let told = told.into_iter().collect::<Vec<_>>().join(", ");
    Ok(format!("refused: {told}"))
}

/// With TLS 1.3 a client is done before its certificate is looked at, so what counts is what comes next: HTTP/2 would
/// begin with settings.
async fn hangs_up(address: SocketAddr, config: &Arc<rustls::ClientConfig>) -> Result<String> {
    let tcp = TcpStream::connect(address)
        .await
        .context("it does not answer")?;
    let name = ServerName::IpAddress(address.ip().into());
    let connected = TlsConnector::from(Arc::clone(config)).connect(name, tcp);
    let error = match connected.await {
        Ok(mut stream) => match stream.read(&mut [0; 64]).await {
            Ok(0) => bail!("it ended the connection without an alert"),
            Ok(_) => bail!("let in"),
            Err(error) => error,
        },
        Err(error) => error,
    };
    let refused = error.get_ref().and_then(|inner| inner.downcast_ref());
    match refused {
        Some(rustls::Error::AlertReceived(alert)) => Ok(format!("TLS alert {alert:?}")),
        _ => Err(anyhow::Error::from(error).context("no alert of TLS came")),
    }
}

/// Calls, with nothing in it, every RPC of a function that the caller may not call.
async fn may_call_nothing_else(
    channel: &Channel,
    callee: NetworkFunction,
    caller: &Caller,
) -> Result<String> {
    let theirs = TABLE
        .iter()
        .filter(|rule| rule.callee.is_none_or(|answers| answers == callee));
    let mut count = 0;
    for rule in theirs.filter(|rule| !is_allowed(rule.path, caller)) {
        let cause = cause_of(&called(channel, rule.path).await?);
        let expected = Cause::NotAuthorized;
        ensure!(
            cause == expected,
            "{} answered {cause} instead of {expected}",
            rule.path
        );
        count += 1;
    }
    Ok(format!("{count} RPCs of others refused: NOT_AUTHORIZED"))
}

/// How a call is refused.
async fn called(channel: &Channel, path: &'static str) -> Result<Status> {
    let mut client = tonic::client::Grpc::new(channel.clone());
    client
        .ready()
        .await
        .map_err(|_| anyhow::anyhow!("it does not answer"))?;
    let path_and_query = PathAndQuery::from_static(path);
    let answered = client.unary(
        Request::new(()),
        path_and_query,
        ProstCodec::<(), ()>::default(),
    );
    match answered.await {
        Ok(_) => bail!("{path} was answered"),
        Err(status) => Ok(status),
    }
}

/// Presents nothing.
#[derive(Debug)]
struct NoCertificate;

impl ResolvesClientCert for NoCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

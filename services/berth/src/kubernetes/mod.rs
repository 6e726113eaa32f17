//! A small client of the Kubernetes API: single requests under one identity, in one namespace. A general client
//! library would add more to the binary than everything else that speaks https in it.

mod access;
mod issued;
mod verify;

use std::io;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode, header};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use self::access::Access;
use crate::http::exchange;

/// The API server, as this process may use it.
pub(crate) struct Kubernetes {
    access: Access,
    namespace: String,
    patience: Duration,
}

/// A resource of the namespace.
#[derive(Clone, Copy)]
pub(crate) struct Resource {
    /// For example `api/v1` or `apis/apps/v1`.
    pub(crate) group: &'static str,
    /// Plural, for example `secrets`.
    pub(crate) plural: &'static str,
}

/// How a change ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// Somebody else was faster: what was read before is no longer so.
    Conflict,
}

impl Kubernetes {
    /// Inside a pod: with its service account. Elsewhere: as kubectl does, with its current context. Without a
    /// namespace it is the pod's or the context's.
    pub(crate) async fn connect(namespace: Option<&str>, patience: Duration) -> Result<Self> {
        let (access, default) = match access::of_pod()? {
            Some(found) => found,
            None => access::of_kubectl().await?,
        };
        Ok(Self {
            access,
            namespace: namespace.map_or(default, str::to_owned),
            patience,
        })
    }

    /// The namespace.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// One object, `None` when there is none with this name.
    pub(crate) async fn get(&self, resource: Resource, name: &str) -> Result<Option<Value>> {
        let path = format!("{}/{name}", self.path(resource));
        let (status, body) = self.call(&Method::GET, &path, None).await?;
        match status {
            StatusCode::OK => Ok(Some(parse(&body)?)),
            StatusCode::NOT_FOUND => Ok(None),
            _ => bail!(self.refusal("get", resource, name, status, &body)),
        }
    }

    /// All objects with these labels (`a=b,c=d`); all there are when none are given.
    pub(crate) async fn list(&self, resource: Resource, labels: &str) -> Result<Value> {
        let path = format!(
            "{}?labelSelector={}",
            self.path(resource),
            encode_query(labels)
        );
        let (status, body) = self.call(&Method::GET, &path, None).await?;
        match status {
            StatusCode::OK => parse(&body),
            _ => bail!(self.refusal("list", resource, "", status, &body)),
        }
    }

    /// Makes an object; a conflict means that there is one of its name.
    pub(crate) async fn create(&self, resource: Resource, object: &Value) -> Result<Outcome> {
        let path = self.path(resource);
        let (status, body) = self.call(&Method::POST, &path, Some(object)).await?;
        match status {
            StatusCode::CREATED | StatusCode::OK => Ok(Outcome::Done),
            StatusCode::CONFLICT => Ok(Outcome::Conflict),
            StatusCode::NOT_FOUND => bail!("there is no namespace {}", self.namespace),
            _ => bail!(self.refusal("create", resource, "", status, &body)),
        }
    }

    /// Replaces an object that was read before and has not changed since.
    pub(crate) async fn replace(
        &self,
        resource: Resource,
        name: &str,
        object: &Value,
    ) -> Result<Outcome> {
        let path = format!("{}/{name}", self.path(resource));
        let (status, body) = self.call(&Method::PUT, &path, Some(object)).await?;
        match status {
            StatusCode::OK | StatusCode::CREATED => Ok(Outcome::Done),
            // Deleted meanwhile: it has changed as well.
            StatusCode::CONFLICT | StatusCode::NOT_FOUND => Ok(Outcome::Conflict),
            _ => bail!(self.refusal("update", resource, name, status, &body)),
        }
    }

    /// The last lines of a container's log; of its last run with `previous`. They are many, and several are on their
    /// way at once, so that a wait for one may go beyond the patience.
    pub(crate) async fn log(
        &self,
        pod: &str,
        container: &str,
        previous: bool,
        lines: u32,
    ) -> Result<Bytes> {
        let way = format!(
            "{}/{pod}/log?container={container}&previous={previous}&tailLines={lines}",
            self.path(PODS)
        );
        let (status, body) = self
            .repeat(&Method::GET, &way, Bytes::new(), ATTEMPT)
            .await?;
        match status {
            StatusCode::OK => Ok(body),
            _ => bail!(self.refusal("get", LOG, pod, status, &body)),
        }
    }

    /// What a pod answers to a GET, by way of the API server, asked once. Not ready is an answer too, and the one that
    /// matters most. `port` is a name or a number.
    pub(crate) async fn get_from_pod(&self, pod: &str, port: &str, path: &str) -> Result<Bytes> {
        let pod = format!("{pod}:{port}");
        let way = format!("{}/{pod}/proxy{path}", self.path(PODS));
        let (status, body) = self
            .once(&Method::GET, &way, Bytes::new(), self.longest())
            .await?;
        match status {
            StatusCode::OK => Ok(body),
            StatusCode::SERVICE_UNAVAILABLE if !is_of_server(&body) => Ok(body),
            _ => bail!(self.refusal("get", PROXY, &pod, status, &body)),
        }
    }

    fn path(&self, resource: Resource) -> String {
        format!(
            "/{}/namespaces/{}/{}",
            resource.group, self.namespace, resource.plural
        )
    }

    /// How long one wait is: no longer than the patience goes.
    fn longest(&self) -> Duration {
        ATTEMPT.min(self.patience)
    }

    async fn call(
        &self,
        method: &Method,
        path: &str,
        object: Option<&Value>,
    ) -> Result<(StatusCode, Bytes)> {
        let body = match object {
            Some(object) => Bytes::from(serde_json::to_vec(object)?),
            None => Bytes::new(),
        };
        self.repeat(method, path, body, self.longest()).await
    }

    /// Sends until somebody answers. Repeating is harmless: a repeated create or replace ends in a conflict.
    async fn repeat(
        &self,
        method: &Method,
        path: &str,
        body: Bytes,
        longest: Duration,
    ) -> Result<(StatusCode, Bytes)> {
        let end = Instant::now() + self.patience;
        let mut pause = Duration::from_millis(200);
        loop {
            let failure = match self.once(method, path, body.clone(), longest).await {
                Ok((status, body)) if !is_passing(status) => return Ok((status, body)),
                Ok((status, body)) => {
                    self.useless(anyhow::anyhow!("it answers {status}: {}", message(&body)))
                }
                Err(error) if is_distrust(&error) => return Err(error),
                Err(error) => error,
            };
            if Instant::now() + pause > end {
                return Err(failure);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(3));
        }
    }

    /// Sends once.
    async fn once(
        &self,
        method: &Method,
        path: &str,
        body: Bytes,
        longest: Duration,
    ) -> Result<(StatusCode, Bytes)> {
        match tokio::time::timeout(longest, self.attempt(method, path, body)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) if is_distrust(&error) => Err(error.context(format!(
                "{} is not the API server that is expected there",
                self.access.authority()
            ))),
            Ok(Err(error)) => Err(self.useless(error)),
            Err(_) => Err(self.useless(anyhow::anyhow!(
                "no answer within {} s",
                longest.as_secs_f32()
            ))),
        }
    }

    fn useless(&self, why: anyhow::Error) -> anyhow::Error {
        why.context(format!(
            "the Kubernetes API server {} cannot be used",
            self.access.authority()
        ))
    }

    async fn attempt(
        &self,
        method: &Method,
        path: &str,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes)> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.access.prefix))
            .header(header::HOST, self.access.authority())
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONNECTION, "close");
        if let Some(token) = self.access.token.read()? {
            let mut value = header::HeaderValue::from_str(&format!("Bearer {}", token.as_str()))
                .context("the token has another form than a token")?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        let request = request.body(Full::new(body))?;

        let stream = TcpStream::connect((self.access.host.as_str(), self.access.port)).await?;
        let connector = TlsConnector::from(self.access.tls.clone());
        let stream = connector
            .connect(self.access.server_name()?, stream)
            .await?;
        exchange(stream, request, LARGEST_ANSWER).await
    }

    fn refusal(
        &self,
        verb: &str,
        resource: Resource,
        name: &str,
        status: StatusCode,
        body: &[u8],
    ) -> String {
        let what = format!("{verb} {} {name}", resource.plural);
        let (what, namespace) = (what.trim_end(), &self.namespace);
        let said = message(body);
        match status {
            StatusCode::FORBIDDEN => format!(
                "not allowed to {what} in namespace {namespace}: give the verb {verb} on {} to whom this runs as \
                 ({said})",
                resource.plural
            ),
            StatusCode::UNAUTHORIZED => {
                format!(
                    "the API server does not know who asks: token or certificate are not valid ({said})"
                )
            }
            _ => format!("{what} in namespace {namespace}: {status}: {said}"),
        }
    }
}

/// Whether another attempt may end otherwise.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// Whether the API server says itself that it could not ask the pod.
fn is_of_server(body: &[u8]) -> bool {
    let said = String::from_utf8_lossy(body).to_lowercase();
    let object = serde_json::from_slice::<Value>(body).is_ok_and(|body| body["kind"] == "Status");
    object || said.starts_with("error trying to reach service")
}

/// Whether the server showed a certificate that another attempt will not make any better.
fn is_distrust(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == io::ErrorKind::InvalidData)
}

/// What the server says.
fn message(body: &[u8]) -> String {
    let status: Option<Value> = serde_json::from_slice(body).ok();
    let said = status.as_ref().and_then(|status| status.get("message"));
    match said.and_then(Value::as_str) {
        Some(said) => said.chars().take(300).collect(),
        // A pod behind the API server.
        None => String::from_utf8_lossy(body).chars().take(300).collect(),
    }
}

fn parse(body: &[u8]) -> Result<Value> {
    serde_json::from_slice(body).context("the API server answered with something else than JSON")
}

fn encode_query(text: &str) -> String {
    let mut encoded = String::new();
    for octet in text.bytes() {
        match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(octet));
            }
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

/// Pods, whose logs can be read.
pub(crate) const PODS: Resource = Resource {
    group: "api/v1",
    plural: "pods",
};
const LOG: Resource = Resource {
    plural: "pods/log",
    ..PODS
};
const PROXY: Resource = Resource {
    plural: "pods/proxy",
    ..PODS
};
const ATTEMPT: Duration = Duration::from_secs(15);
/// A list of all that a release consists of is far smaller.
const LARGEST_ANSWER: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::{ClientConfig, RootCertStore};
    use tokio::net::TcpListener;

    use super::access::Token;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_log_is_waited_for_longer_than_what_a_pod_says_itself() {
        // Connections are made, and nobody ever reads from them.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let server = Kubernetes {
            access: Access {
                host: "127.0.0.1".to_owned(),
                port: silent.local_addr().unwrap().port(),
                certificate_name: None,
                prefix: String::new(),
                tls: Arc::new(tls),
                token: Token::None,
            },
            namespace: "berth".to_owned(),
            patience: Duration::from_secs(5),
        };
        let log = server.log("ausf-0", "ausf", false, 10).await;
        let page = server.get_from_pod("ausf-0", "9090", "/readyz").await;
        let list = server.list(PODS, "").await.map(|_| Bytes::new());
        for (answer, wait) in [(log, "15 s"), (page, "5 s"), (list, "5 s")] {
            let error = format!("{:#}", answer.unwrap_err());
            assert!(error.ends_with(&format!("within {wait}")), "{error}");
        }
    }
}

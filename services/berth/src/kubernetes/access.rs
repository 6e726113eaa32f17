//! Where the API server is and how to be believed there.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use data_encoding::BASE64;
use hyper::Uri;
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::Command;
use zeroize::Zeroizing;

use super::verify::Verifier;

/// An API server and an identity.
pub(super) struct Access {
    pub(super) host: String,
    pub(super) port: u16,
    /// The name in the server's certificate, where it is not the host.
    pub(super) certificate_name: Option<String>,
    /// Path before all others, for servers behind a proxy.
    pub(super) prefix: String,
    pub(super) tls: Arc<ClientConfig>,
    pub(super) token: Token,
}

/// What proves the identity, besides a certificate.
pub(super) enum Token {
    None,
    Fixed(Zeroizing<String>),
    /// Read for each request: whoever wrote it replaces it.
    File(PathBuf),
}

impl Access {
    pub(super) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    pub(super) fn server_name(&self) -> Result<ServerName<'static>> {
        let name = self.certificate_name.as_ref().unwrap_or(&self.host);
        Ok(ServerName::try_from(name.clone())?)
    }
}

impl Token {
    pub(super) fn read(&self) -> Result<Option<Zeroizing<String>>> {
        match self {
            Self::None => Ok(None),
            Self::Fixed(token) => Ok(Some(token.clone())),
            Self::File(path) => {
                let token = Zeroizing::new(
                    std::fs::read_to_string(path)
                        .with_context(|| format!("{} cannot be read", path.display()))?,
                );
                Ok(Some(Zeroizing::new(token.trim_end().to_owned())))
            }
        }
    }
}

/// The service account of the pod that this runs in, and the pod's namespace.
pub(super) fn of_pod() -> Result<Option<(Access, String)>> {
    let folder = Path::new(SERVICE_ACCOUNT);
    if !folder.join("token").exists() {
        return Ok(None);
    }
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))
    };
    let access = Access {
        host: environment("KUBERNETES_SERVICE_HOST")?,
        port: environment("KUBERNETES_SERVICE_PORT")?
            .parse()
            .context("KUBERNETES_SERVICE_PORT is no port")?,
        certificate_name: None,
        prefix: String::new(),
        tls: tls(read("ca.crt")?.as_bytes(), None)?,
        token: Token::File(folder.join("token")),
    };
    Ok(Some((access, read("namespace")?.trim().to_owned())))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the kubelet says in no other way where the API server is"
)]
fn environment(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set, though this is a pod"))
}

/// What kubectl would use, and the namespace of its context.
pub(super) async fn of_kubectl() -> Result<(Access, String)> {
    let shown = Command::new("kubectl")
        .args(["config", "view", "--raw", "--minify", "--flatten", "-o", "json"])
        .stdin(Stdio::null())
        .output()
        .await
        .context("this is no pod with a service account, and kubectl cannot be run to learn where the cluster is")?;
    ensure!(
        shown.status.success(),
        "this is no pod with a service account, and kubectl knows no cluster: {}",
        String::from_utf8_lossy(&shown.stderr).trim()
    );
    let output = Zeroizing::new(shown.stdout);
    let kubeconfig: Kubeconfig =
        serde_json::from_slice(&output).context("what kubectl config view says")?;
    let first = "the kubeconfig has no current context with cluster and user";
    let cluster = &kubeconfig.clusters.first().context(first)?.cluster;
    let user = &kubeconfig.users.first().context(first)?.user;
    let context = &kubeconfig.contexts.first().context(first)?.context;
    let access = cluster.access(user.credentials().await?)?;
    let namespace = context.namespace.as_deref().unwrap_or("default");
    Ok((access, namespace.to_owned()))
}

impl Cluster {
    fn access(&self, (certificate, token): (Option<Pair>, Token)) -> Result<Access> {
        ensure!(
            self.proxy_url.is_none(),
            "the kubeconfig reaches its cluster through a proxy (proxy-url), which this command cannot"
        );
        let authority = self.certificate_authority_data.as_deref().context(
            "the kubeconfig has no certificate authority of the cluster, and none is trusted without it",
        )?;
        let server: Uri = self.server.parse().context("server of the kubeconfig")?;
        let Some("https") = server.scheme_str() else {
            bail!(
                "the kubeconfig's server {} is not reached by https",
                self.server
            );
        };
        let host = server
            .host()
            .context("the kubeconfig's server has no name")?;
        Ok(Access {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: server.port_u16().unwrap_or(443),
            certificate_name: self.tls_server_name.clone(),
            prefix: server.path().trim_end_matches('/').to_owned(),
            tls: tls(&decode(authority)?, certificate)?,
            token,
        })
    }
}

impl User {
    /// Certificate and token; what a program says counts more.
    async fn credentials(&self) -> Result<(Option<Pair>, Token)> {
        let fixed = |token: &String| Token::Fixed(Zeroizing::new(token.clone()));
        if let Some(plugin) = &self.exec {
            let credential = plugin.run().await?;
            let certificate = match (
                credential.client_certificate_data,
                credential.client_key_data,
            ) {
                (Some(certificate), Some(key)) => {
                    Some((certificate.into_bytes(), Zeroizing::new(key.into_bytes())))
                }
                _ => None,
            };
            let token = credential.token.as_ref().map_or(Token::None, fixed);
            return Ok((certificate, token));
        }
        let certificate = pair(
            self.client_certificate_data.as_deref(),
            self.client_key_data.as_deref(),
        )?;
        let token = match (&self.token_file, &self.token) {
            (Some(file), _) => {
                ensure!(
                    file.is_absolute(),
                    "the kubeconfig names the file of its token ({}) from a place that kubectl does not tell: write \
                     the whole path",
                    file.display()
                );
                Token::File(file.clone())
            }
            (None, Some(token)) => fixed(token),
            (None, None) => Token::None,
        };
        Ok((certificate, token))
    }
}

type Pair = (Vec<u8>, Zeroizing<Vec<u8>>);

fn pair(certificate: Option<&str>, key: Option<&str>) -> Result<Option<Pair>> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some((decode(certificate)?, decode(key)?.into()))),
        _ => Ok(None),
    }
}

fn decode(text: &str) -> Result<Vec<u8>> {
    BASE64
        .decode(text.as_bytes())
        .context("the kubeconfig holds something else than base64")
}

fn tls(authority: &[u8], own: Option<Pair>) -> Result<Arc<ClientConfig>> {
    let authorities = CertificateDer::pem_slice_iter(authority)
        .collect::<Result<Vec<_>, _>>()
        .context("the cluster's certificate authority")?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = Verifier::new(authorities, Arc::clone(&provider))?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    Ok(Arc::new(match own {
        Some((chain, key)) => {
            let chain = CertificateDer::pem_slice_iter(&chain).collect::<Result<Vec<_>, _>>()?;
            builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(&key)?)?
        }
        None => builder.with_no_client_auth(),
    }))
}

#[derive(Deserialize)]
struct Kubeconfig {
    clusters: Vec<NamedCluster>,
    users: Vec<NamedUser>,
    contexts: Vec<NamedContext>,
}

#[derive(Deserialize)]
struct NamedCluster {
    cluster: Cluster,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Cluster {
    server: String,
    certificate_authority_data: Option<String>,
    tls_server_name: Option<String>,
    proxy_url: Option<String>,
}

#[derive(Deserialize)]
struct NamedContext {
    context: Context,
}

#[derive(Deserialize)]
struct Context {
    namespace: Option<String>,
}

#[derive(Deserialize)]
struct NamedUser {
    user: User,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct User {
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
    token: Option<String>,
    /// Written in another way than its neighbours.
    #[serde(rename = "tokenFile")]
    token_file: Option<PathBuf>,
    exec: Option<Plugin>,
}

/// A program that gets credentials, as managed clusters demand.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Plugin {
    api_version: String,
    command: String,
    #[serde(default)]
    args: Option<Vec<String>>,
    #[serde(default)]
    env: Option<Vec<Variable>>,
}

#[derive(Deserialize)]
struct Variable {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

impl Plugin {
    async fn run(&self) -> Result<Credential> {
        let asked = json!({
            "apiVersion": self.api_version, "kind": "ExecCredential", "spec": { "interactive": false },
        });
        let variables = self.env.iter().flatten();
        let ran = Command::new(&self.command)
            .args(self.args.iter().flatten())
            .envs(variables.map(|variable| (&variable.name, &variable.value)))
            .env("KUBERNETES_EXEC_INFO", asked.to_string())
            .stdin(Stdio::null())
            .output()
            .await
            .with_context(|| format!("{} of the kubeconfig cannot be run", self.command))?;
        ensure!(
            ran.status.success(),
            "{} of the kubeconfig gave no credentials: {}",
            self.command,
            String::from_utf8_lossy(&ran.stderr).trim()
        );
        let output = Zeroizing::new(ran.stdout);
        let mut answer: Value =
            serde_json::from_slice(&output).context("what the credentials' program says")?;
        serde_json::from_value(answer["status"].take())
            .context("what the credentials' program says has no status")
    }
}

const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

//! A support bundle from a cluster whose API server is a few lines that speak TLS.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::process::{berth, output, said};
use crate::support_bundle::unpacked;

const PASSWORD: &str = "correct-horse";
const TOKEN: &str = "a-token-from-a-file";

/// An API server, and a kubectl that knows it.
struct Cluster {
    folder: tempfile::TempDir,
    kubeconfig: Value,
}

impl Cluster {
    /// It answers each path by status and body.
    fn start(answer: fn(&str) -> (u16, String)) -> Self {
        let (authority, tls) = identity("api.example");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = format!("https://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let tls = Arc::clone(&tls);
                std::thread::spawn(move || {
                    let stream = stream.unwrap();
                    let tls = ServerConnection::new(tls).unwrap();
                    serve(StreamOwned::new(tls, stream), answer);
                });
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let token = folder.path().join("token");
        std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
        let kubeconfig = json!({
            "clusters": [{ "name": "c", "cluster": {
                "server": server, "certificate-authority-data": BASE64.encode(authority.as_bytes()),
                "tls-server-name": "api.example",
            } }],
            "users": [{ "name": "u", "user": { "token": "an-older-token", "tokenFile": token } }],
            "contexts": [{ "name": "x", "context": { "namespace": "berth" } }],
        });
        Self { folder, kubeconfig }
    }

    /// Runs `berth support-bundle` with a kubectl that shows the kubeconfig; answers how it ended and what is in the file.
    fn bundle(&self) -> (Output, Vec<u8>) {
        let folder = self.folder.path();
        let program = folder.join("kubectl");
        let script = format!("#!/bin/sh\ncat <<'END'\n{}\nEND\n", self.kubeconfig);
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
        let file = folder.join("berth.tar.gz");
        let mut command = berth();
        command.args(["support-bundle", "--release", "berth", "--output"]);
        command.arg(&file);
        command.env("PATH", format!("{}:/usr/bin:/bin", folder.display()));
        let ran = output(&mut command);
        let octets = file.exists().then(|| unpacked(&file));
        (ran, octets.unwrap_or_default())
    }
}

fn identity(name: &str) -> (String, Arc<ServerConfig>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    (issuer.pem(), Arc::new(tls))
}

fn serve(
    stream: StreamOwned<ServerConnection, std::net::TcpStream>,
    answer: fn(&str) -> (u16, String),
) {
    let mut stream = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if line.trim().is_empty() {
            break;
        }
        lines.push(line);
    }
    let path = lines[0].split(' ').nth(1).unwrap();
    let known = lines.iter().any(|line| line.contains(TOKEN));
    let (status, body) = match known {
        true => answer(path),
        false => (401, "who asks?".to_owned()),
    };
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = stream.into_inner();
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
    stream.conn.send_close_notify();
    let _ = stream.flush();
}

fn pods() -> Value {
    let env = json!([
        { "name": "REDIS_PASSWORD", "value": PASSWORD }, { "name": "GREETING", "value": PASSWORD },
        { "name": "BERTH__STORE__VAULT__PASSWORD", "value": PASSWORD },
        { "name": "BERTH__TELEMETRY__LOG_FILTER", "value": "debug" },
    ]);
    let pod = |name: &str| {
        json!({
            "metadata": { "name": name },
            "spec": { "containers": [{ "name": "ausf", "env": env,
                "args": ["ausf", "--requirepass", PASSWORD], "ports": [{ "name": "admin", "containerPort": 9090 }] }] },
            "status": { "phase": "Running", "containerStatuses": [{ "name": "ausf", "restartCount": 0 }] },
        })
    };
    json!({ "items": [pod("berth-ausf-0"), pod("berth-ausf-1")] })
}

/// One pod waits, the other cannot be reached.
fn waiting(path: &str) -> (u16, String) {
    let unreachable =
        json!({ "kind": "Status", "message": "error trying to reach service: dial tcp" });
    let config = json!({ "items": [{ "metadata": { "name": "berth-settings" }, "data": {
        "berth.toml": format!("listen = \"[::]:8443\"\nstore_password = \"{PASSWORD}\"\n") } }] });
    let (path, _) = path.split_once('?').unwrap_or((path, ""));
    match path.rsplit_once('/').unwrap().1 {
        "pods" => (200, pods().to_string()),
        "configmaps" => (200, config.to_string()),
        "log" => (200, format!("a line\nREDIS_PASSWORD={PASSWORD}\n")),
        "readyz" if path.contains("ausf-0") => (503, "waiting for the store\n".to_owned()),
        "version" | "metrics" if path.contains("ausf-0") => (200, "0.1.0\n".to_owned()),
        "version" | "metrics" | "readyz" => (503, unreachable.to_string()),
        _ => (200, json!({ "items": [] }).to_string()),
    }
}

#[test]
fn a_pod_that_waits_answers_and_no_variable_tells_a_password() {
    let cluster = Cluster::start(waiting);
    let begun = Instant::now();
    let (ran, octets) = cluster.bundle();
    assert!(ran.status.success(), "{}", said(&ran));
    let text = String::from_utf8_lossy(&octets);
    // Nothing is asked again of a pod: neither answer would become another.
    assert!(begun.elapsed() < Duration::from_secs(5));
    for kept in [
        "waiting for the store",
        "REDIS_PASSWORD",
        "--requirepass",
        "\"debug\"",
        "[::]:8443",
        "a line",
        "error trying to reach service",
    ] {
        assert!(text.contains(kept), "{kept}");
    }
    assert!(!text.contains(PASSWORD));
    assert!(said(&ran).contains("admin/berth-ausf-1/readyz: "));
}

#[test]
fn a_server_that_swallows_everything_costs_one_wait_and_leaves_no_file() {
    let mut cluster = Cluster::start(waiting);
    // Connections are made, and nobody ever reads from them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("https://{}", silent.local_addr().unwrap());
    cluster.kubeconfig["clusters"][0]["cluster"]["server"] = server.into();
    let begun = Instant::now();
    let (ran, octets) = cluster.bundle();
    assert!(begun.elapsed() < Duration::from_secs(15));
    assert_eq!(ran.status.code(), Some(1), "{}", said(&ran));
    assert!(
        said(&ran).contains("no answer within 5 s"),
        "{}",
        said(&ran)
    );
    assert!(octets.is_empty());
}

#[test]
fn what_a_kubeconfig_says_and_cannot_be_done_is_named() {
    let mut cluster = Cluster::start(|_| (200, json!({ "items": [] }).to_string()));
    let (ran, octets) = cluster.bundle();
    assert_eq!(ran.status.code(), Some(1));
    let nothing = "holds nothing of a release berth";
    assert!(said(&ran).contains(nothing), "{}", said(&ran));
    assert!(octets.is_empty());

    cluster.kubeconfig["users"][0]["user"]["tokenFile"] = "token".into();
    let (ran, _) = cluster.bundle();
    assert!(
        said(&ran).contains("write the whole path"),
        "{}",
        said(&ran)
    );
    cluster.kubeconfig["users"][0]["user"] = json!({ "token": "t" });
    cluster.kubeconfig["clusters"][0]["cluster"]["proxy-url"] = "http://127.0.0.1:9".into();
    let (ran, _) = cluster.bundle();
    assert!(said(&ran).contains("proxy-url"), "{}", said(&ran));
    assert!(!Path::new(&cluster.folder.path().join("berth.tar.gz")).exists());
}

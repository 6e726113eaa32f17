//! From an installation without a cluster: its folder, its settings, its admin ports, and what `berth check` finds.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail, ensure};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, StatusCode, Uri, header};
use nf_runtime::config;
use nf_runtime::pki::CertificateFacts;
use tokio::net::TcpStream;
use tokio::process::Command;

use super::{ADMIN_PAGES, Bundle, PATIENCE};
use crate::config::BerthConfig;
use crate::endpoints::Endpoints;
use crate::http::exchange;

/// What belongs to an endpoints.json.
pub(super) async fn of_target(bundle: &mut Bundle, target: &Path, lines: u32) {
    match read(target) {
        Ok(content) => match serde_json::from_slice(&content) {
            Ok(document) => bundle.add_json("endpoints.json", document),
            Err(_) => bundle.add("endpoints.json", &content),
        },
        Err(error) => bundle.miss("endpoints.json", &error),
    }
    match Endpoints::read(target) {
        Ok(endpoints) => {
            certificates(bundle, &[&endpoints.ca, &endpoints.admin_cert]);
            for url in &endpoints.admin_urls {
                admin(bundle, url).await;
            }
        }
        Err(error) => bundle.miss("endpoints", &error),
    }
    if let Some(folder) = target.parent() {
        processes(bundle, &folder.join("processes"), lines);
    }
    check(bundle, "--target", target).await;
}

/// What belongs to a settings file.
pub(super) async fn of_config(bundle: &mut Bundle, file: &Path) {
    match config::load::<BerthConfig>(Some(file), &[]) {
        Ok(settings) => {
            let printed = config::print(&settings).map_err(Into::into);
            bundle.add_result("settings.toml", printed);
            certificates(
                bundle,
                &[
                    &settings.tls.ca,
                    &settings.tls.certificate,
                    &settings.subscription_manager.portal_certificate,
                ],
            );
            if let Some(address) = settings.admin_listen {
                admin(bundle, &format!("http://{}", reachable(address))).await;
            }
        }
        Err(error) => bundle.miss("settings", &error.into()),
    }
    check(bundle, "--config", file).await;
}

/// Settings and logs of functions that run as processes of their own.
fn processes(bundle: &mut Bundle, folder: &Path, lines: u32) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("processes/{name}");
        match path.extension().and_then(OsStr::to_str) {
            Some("toml") => bundle.add_result(name, end_of(&path)),
            Some("log") => {
                let content = end_of(&path).map(|content| last(&content, lines).to_vec());
                bundle.add_result(name, content);
            }
            _ => {}
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// The last whole lines of a file that is nothing else than a file.
fn end_of(path: &Path) -> Result<Vec<u8>> {
    let read = || {
        if !path.symlink_metadata()?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        let mut file = File::open(path)?;
        let begin = file.metadata()?.len().saturating_sub(LARGEST_END);
        file.seek(SeekFrom::Start(begin))?;
        let mut content = Vec::new();
        file.take(LARGEST_END).read_to_end(&mut content)?;
        if begin > 0 {
            // What a line without its beginning holds, nothing tells.
            let line = content.iter().position(|octet| *octet == b'\n');
            content.drain(..line.map_or(content.len(), |end| end + 1));
        }
        Ok(content)
    };
    read().with_context(|| format!("{} cannot be read", path.display()))
}

fn last(content: &[u8], lines: u32) -> &[u8] {
    let mut ends = content
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, octet)| **octet == b'\n');
    let lines = usize::try_from(lines).unwrap_or(usize::MAX);
    // The end of the line before the first one that is kept.
    match ends.nth(lines) {
        Some((at, _)) => content.get(at + 1..).unwrap_or_default(),
        None => content,
    }
}

/// How long certificates are good.
fn certificates(bundle: &mut Bundle, files: &[&Path]) {
    let mut report = String::new();
    for file in files {
        let found = read(file).and_then(|pem| {
            let pem = String::from_utf8_lossy(&pem).into_owned();
            CertificateFacts::read(&pem).context("it holds no certificate")
        });
        match found {
            Ok(facts) => {
                let left = facts.not_after.duration_since(SystemTime::now());
                let left = left.map_or(0, |left| left.as_secs() / 86_400);
                let names = [facts.uris, facts.dns].concat().join(" ");
                report += &format!("{}: {left} days left, for {names}\n", file.display());
            }
            Err(error) => bundle.miss(file.display().to_string(), &error),
        }
    }
    bundle.add("certificates.txt", report.as_bytes());
}

/// What an admin port says. `url` is `http://host:port`.
async fn admin(bundle: &mut Bundle, url: &str) {
    let name = url.trim_start_matches("http://").replace(':', "-");
    for page in ADMIN_PAGES {
        let answer = tokio::time::timeout(PATIENCE, get(url, page)).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(_) => Err(anyhow::anyhow!("no answer within {} s", PATIENCE.as_secs())),
        };
        bundle.add_result(format!("admin/{name}{page}"), answer);
    }
}

async fn get(url: &str, page: &str) -> Result<Bytes> {
    let uri: Uri = url.parse()?;
    let authority = uri.authority().context("the admin port has no address")?;
    let stream = TcpStream::connect(authority.as_str()).await?;
    let request = Request::get(page)
        .header(header::HOST, authority.as_str())
        .header(header::CONNECTION, "close")
        .body(Full::new(Bytes::new()))?;
    let (status, body) = exchange(stream, request, LARGEST_PAGE).await?;
    // Not ready is an answer too, and the one that matters most.
    match status {
        StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE => Ok(body),
        _ => bail!("{page} answered {status}"),
    }
}

/// Where an address that is listened on can be reached from here.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    address
}

/// What `berth check` says, as a process of its own: whatever befalls it, the bundle is made.
async fn check(bundle: &mut Bundle, option: &str, file: &Path) {
    let checked = async {
        let ran = Command::new(std::env::current_exe()?)
            .args(["check", "--json", option])
            .arg(file)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let ran = tokio::time::timeout(CHECK, ran)
            .await
            .with_context(|| format!("berth check took more than {} s", CHECK.as_secs()))??;
        let mut said = ran.stdout;
        said.extend(ran.stderr);
        ensure!(!said.is_empty(), "berth check said nothing");
        Ok(said)
    };
    bundle.add_result("check.jsonl", checked.await);
}

/// The last lines of a log, in any case.
const LARGEST_END: u64 = 4 << 20;
const LARGEST_PAGE: usize = 16 << 20;
const CHECK: std::time::Duration = std::time::Duration::from_secs(60);

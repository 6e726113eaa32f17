//! `berth up --lab` in a process of its own, and identities towards it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use nf_api::{Caller, NetworkFunction};
use nf_runtime::Runtime;
use nf_runtime::grpc::{self, Channel, GrpcConfig};
use nf_runtime::lifecycle::ShutdownConfig;
use nf_runtime::pki::LabAuthority;
use nf_runtime::tls::{TlsConfig, TlsIdentity};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use crate::report::About;
use crate::server_process::ServerProcess;

/// How long the installation may take to start.
const START: Duration = Duration::from_secs(30);
/// Name of the laboratory's access gateway.
const GATEWAY: &str = "lab";

/// A running laboratory.
pub(crate) struct Lab {
    pub(crate) process: ServerProcess,
    pub(crate) endpoints: Endpoints,
    authority: LabAuthority,
    runtime: Runtime,
    file_system: String,
    folder: TempDir,
}

/// What is used of `endpoints.json`.
#[derive(Deserialize)]
pub(crate) struct Endpoints {
    pub(crate) ausf: String,
    pub(crate) aanf: String,
    pub(crate) coaps_uri: String,
    pub(crate) lab_dir: PathBuf,
}

impl Lab {
    /// Starts the program `berth` of a folder, with its state on the disk beside it.
    pub(crate) async fn start(programs: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("bench-")
            .tempdir_in(programs)?;
        let data = folder.path().join("data");
        let log = fs::File::create(folder.path().join("log"))?;
        let mut command = Command::new(programs.join("berth"));
        command
            .args(["up", "--lab", "--data"])
            .arg(&data)
            .env("BERTH__TELEMETRY__LOG_FILTER", "warn")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let mut process = ServerProcess::spawn(command)
            .context("berth is missing: cargo build --release --package berth")?;
        let endpoints = data.join("endpoints.json");
        let deadline = Instant::now() + START;
        while !endpoints.exists() {
            let is_alive = !process.has_ended()? && Instant::now() < deadline;
            ensure!(
                is_alive,
                "berth up did not start: {}",
                fs::read_to_string(folder.path().join("log"))?
            );
            sleep(Duration::from_millis(20)).await;
        }
        Ok(Self {
            process,
            endpoints: serde_json::from_str(&fs::read_to_string(endpoints)?)?,
            authority: LabAuthority::load(&data.join("pki"))?,
            runtime: Runtime::new(ShutdownConfig::default(), GrpcConfig::default()),
            file_system: file_system(folder.path()).unwrap_or_else(|| "unknown".to_owned()),
            folder,
        })
    }

    /// A folder for devices.
    pub(crate) fn devices(&self) -> PathBuf {
        self.folder.path().join("devices")
    }

    /// The AuSF as an access gateway sees it.
    pub(crate) fn ausf(&self) -> Result<Channel> {
        let function = NetworkFunction::AccessGateway;
        let caller = Caller::Function {
            function,
            instance: Some(GATEWAY.to_owned()),
        };
        self.channel(
            "gateway",
            &caller,
            &self.endpoints.ausf,
            NetworkFunction::Ausf,
        )
    }

    /// The AAnF as the MSGin5G Server sees it.
    pub(crate) fn aanf(&self) -> Result<Channel> {
        let caller = Caller::function(NetworkFunction::Msgin5gServer);
        self.channel(
            "msgin5g-server",
            &caller,
            &self.endpoints.aanf,
            NetworkFunction::Aanf,
        )
    }

    /// The MSGin5G Server's socket.
    pub(crate) fn coaps(&self) -> Result<SocketAddr> {
        let uri = self.endpoints.coaps_uri.trim_start_matches("coaps://");
        let address = uri.split('/').next().unwrap_or_default();
        address
            .parse()
            .with_context(|| format!("{uri} names no address"))
    }

    /// How results against this laboratory are labelled.
    pub(crate) fn about(
        &self,
        name: &'static str,
        fsync: &'static str,
        tls: &'static str,
    ) -> About {
        About {
            name,
            store: format!("redb on {}", self.file_system),
            fsync,
            tls,
        }
    }

    /// A connection under an identity of its own, so that the installation's files stay untouched.
    fn channel(
        &self,
        name: &str,
        caller: &Caller,
        target: &str,
        callee: NetworkFunction,
    ) -> Result<Channel> {
        let issued = self
            .authority
            .issue(caller, &["localhost"], &[Ipv4Addr::LOCALHOST.into()])?;
        let (certificate, key) = self.authority.write(&format!("bench-{name}"), &issued)?;
        let identity = TlsIdentity::load(&TlsConfig {
            ca: self.authority.certificate_path(),
            certificate,
            key,
            trust_domain: self.authority.trust_domain().to_owned(),
        })?;
        Ok(grpc::connect(target, &identity, callee, &self.runtime)?)
    }
}

/// The kind of the file system that a folder is on: fsync costs nothing on one in memory.
fn file_system(folder: &Path) -> Option<String> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let fields = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((words.next()?, words.next()?))
    });
    let (_, kind) = fields
        .filter(|(point, _)| folder.starts_with(point))
        .max_by_key(|(point, _)| point.len())?;
    Some(kind.to_owned())
}

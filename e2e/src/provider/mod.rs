//! Where an installation runs. Scenarios know nothing but this.

pub(crate) mod balancer;
pub(crate) mod cluster;
pub(crate) mod kind;
pub(crate) mod processes;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::report::Report;

/// Functions that an installation consists of, callees before callers.
pub(crate) const ROLES: [&str; 7] = [
    "vault",
    "certificate-fetcher",
    "aanf",
    "configuration-management",
    "subscription-manager",
    "ausf",
    "msgin5g-server",
];

/// One running copy of a function.
#[derive(Clone, Debug)]
pub(crate) struct Replica {
    /// Which function; `store` is the database.
    pub(crate) role: String,
    /// Its name at the provider: a pod, or a process.
    pub(crate) name: String,
}

impl fmt::Display for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// What a `ue` command answered.
pub(crate) struct Answer {
    pub(crate) success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A place where Berth can be installed.
pub(crate) trait Provider {
    /// For people.
    fn name(&self) -> &'static str;

    /// Installs with so many replicas of each function and waits until all are ready.
    fn install(&mut self, replicas: usize) -> Result<()>;

    /// Plays stories until one after the other is done, as an operator would test an installation.
    fn play(&mut self, stories: usize) -> Result<Report>;

    /// Starts to play stories without end.
    fn start_stories(&mut self) -> Result<()>;

    /// Lets the story that runs come to its end, and answers what all of them were like.
    fn stop_stories(&mut self) -> Result<Report>;

    /// How many of the stories that go on have ended.
    fn stories_so_far(&mut self) -> Result<usize>;

    /// Everything that can be killed, functions and, where a provider runs it, the store.
    fn replicas(&mut self) -> Result<Vec<Replica>>;

    /// Ends a replica and waits until another one has taken its place. It ends without warning on processes; a kubelet sends
    /// SIGTERM and gives a second even where it is told to give none.
    fn kill(&mut self, replica: &Replica) -> Result<()>;

    /// Replaces every function by another build or setting, one replica after the other, and waits for the end of it.
    fn upgrade(&mut self) -> Result<()>;

    /// Takes the last upgrade back in the same way.
    fn roll_back(&mut self) -> Result<()>;

    /// A digest of each secret, by its name.
    fn secrets(&mut self) -> Result<BTreeMap<String, String>>;

    /// The metrics of a replica, in the text format of Prometheus.
    fn metrics(&mut self, replica: &Replica) -> Result<String>;

    /// Runs `ue` beside the laboratory of this installation. `device` names its memory.
    fn ue(&mut self, device: &str, arguments: &[&str]) -> Result<Answer>;

    /// The folder of the laboratory, as `ue` sees it.
    fn laboratory(&self) -> String;

    /// Shows that strangers get nothing: a device of an unknown manufacturer, callers without a certificate or a right.
    fn refusals(&mut self) -> Result<()>;

    /// The checks of the place itself, beyond the scenarios that all share: their names and outcomes.
    fn own_checks(&mut self) -> Vec<(&'static str, Result<()>)>;

    /// Writes what explains a failure into a folder.
    fn evidence(&mut self, folder: &Path);

    /// Removes the installation and everything that it left.
    fn remove(&mut self) -> Result<()>;
}

/// What an admin port answers, head and body.
fn get(address: SocketAddr, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    )?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

/// The metrics at an admin port.
fn metrics_at(address: SocketAddr) -> Result<String> {
    let text = get(address, "/metrics")?;
    ensure!(
        text.starts_with("HTTP/1.1 200"),
        "{address} shows no metrics: {text}"
    );
    Ok(text)
}

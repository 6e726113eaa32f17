//! A Redis server of the test's own, set up as the operator's guide wants it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::process::{free_address, poll};

/// What keeps acknowledged writes.
const SAFE: [&str; 6] = [
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
    "--maxmemory-policy",
    "noeviction",
];

/// A server on a Unix socket; killed when dropped.
pub(crate) struct RedisServer {
    child: Child,
    folder: TempDir,
    /// A second server that follows it.
    replica: Option<Box<Self>>,
}

impl RedisServer {
    /// Starts a server and waits until it answers.
    pub(crate) fn start() -> Self {
        Self::launched(tempfile::tempdir().unwrap(), &["--port", "0"])
    }

    /// Starts a server with a replica, and waits until it follows.
    pub(crate) fn with_replica() -> Self {
        let port = free_address().port().to_string();
        let local = ["--bind", "127.0.0.1", "--min-replicas-to-write", "1"];
        let primary = [&local[..], &["--port", &port]].concat();
        let mut server = Self::launched(tempfile::tempdir().unwrap(), &primary);
        let follows = ["--port", "0", "--replicaof", "127.0.0.1", &port];
        let replica = Self::launched(tempfile::tempdir().unwrap(), &follows);
        poll("the replica follows", || {
            let found = server.ask(&["INFO", "replication"]);
            found.contains("state=online").then_some(())
        });
        server.replica = Some(Box::new(replica));
        server
    }

    fn launched(folder: TempDir, arguments: &[&str]) -> Self {
        let child = launch(folder.path(), arguments);
        let server = Self {
            child,
            folder,
            replica: None,
        };
        server.wait_until_it_answers();
        server
    }

    /// Ends it as a power cut does and starts it anew on the same files.
    pub(crate) fn crash_and_restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = launch(self.folder.path(), &["--port", "0"]);
        self.wait_until_it_answers();
    }

    /// Stops the replica or lets it go on: meanwhile nothing is confirmed.
    pub(crate) fn signal_replica(&self, signal: Signal) {
        let replica = self.replica.as_ref().expect("started with a replica");
        kill_process(Pid::from_child(&replica.child), signal).unwrap();
    }

    /// Runs a command and answers its text.
    pub(crate) fn ask(&self, words: &[&str]) -> String {
        let asked = Command::new("redis-cli")
            .arg("-s")
            .arg(self.socket())
            .args(words)
            .output()
            .unwrap_or_else(|error| panic!("redis-cli: {error}: apt-get install redis-tools"));
        String::from_utf8_lossy(&asked.stdout).trim().to_owned()
    }

    /// Its folder: log, AOF and dumps.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Settings for `berth --config` that keep all state in this server.
    pub(crate) fn settings(&self) -> String {
        let url = format!("redis+unix://{}", self.socket().display());
        let replicas = usize::from(self.replica.is_some());
        ["vault", "default", "messages"]
            .map(|store| {
                format!(
                    "[store.{store}]\nbackend = \"redis\"\nurl = \"{url}\"\nlaboratory = true\n\
                     replicas = {replicas}\n"
                )
            })
            .concat()
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    fn wait_until_it_answers(&self) {
        poll("redis-server answers", || {
            (self.ask(&["PING"]) == "PONG").then_some(())
        });
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn launch(folder: &Path, arguments: &[&str]) -> Child {
    Command::new("redis-server")
        .arg("--dir")
        .arg(folder)
        .arg("--unixsocket")
        .arg(folder.join("socket"))
        .args(["--save", "", "--rdbcompression", "no"])
        .args(arguments)
        .args(["--loglevel", "warning", "--logfile", "log"])
        .args(SAFE)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("redis-server: {error}: apt-get install redis-server"))
}

//! A Redis server of the test's own, set up as the operator's guide wants it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::process::poll;

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
}

impl RedisServer {
    /// Starts a server and waits until it answers.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let child = launch(folder.path());
        let server = Self { child, folder };
        server.wait_until_it_answers();
        server
    }

    /// Ends it as a power cut does and starts it anew on the same files.
    pub(crate) fn crash_and_restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = launch(self.folder.path());
        self.wait_until_it_answers();
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
        ["vault", "default", "messages"]
            .map(|store| {
                format!(
                    "[store.{store}]\nbackend = \"redis\"\nurl = \"{url}\"\nlaboratory = true\n"
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

fn launch(folder: &Path) -> Child {
    Command::new("redis-server")
        .arg("--dir")
        .arg(folder)
        .arg("--unixsocket")
        .arg(folder.join("socket"))
        .args(["--port", "0", "--save", "", "--rdbcompression", "no"])
        .args(["--loglevel", "warning", "--logfile", "log"])
        .args(SAFE)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("redis-server: {error}: apt-get install redis-server"))
}

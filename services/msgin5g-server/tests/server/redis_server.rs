//! A Redis server of the test's own.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use store::{Database, StoreConfig};
use tempfile::TempDir;

use crate::harness::until;

/// A running server; killed when dropped.
pub(crate) struct RedisServer {
    child: Child,
    folder: TempDir,
}

impl RedisServer {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let child = Command::new("redis-server")
            .arg("--dir")
            .arg(folder.path())
            .arg("--unixsocket")
            .arg(folder.path().join("socket"))
            .args(["--port", "0", "--save", "", "--logfile", "log"])
            .args(["--appendonly", "yes", "--appendfsync", "always"])
            .args(["--maxmemory-policy", "noeviction"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("redis-server: {error}: apt-get install redis-server"));
        let server = Self { child, folder };
        until(|| UnixStream::connect(server.socket()).is_ok()).await;
        server
    }

    /// Connections of one more process.
    pub(crate) async fn database(&self) -> Database {
        Database::open(&self.settings()).await.unwrap()
    }

    /// How to connect.
    pub(crate) fn settings(&self) -> StoreConfig {
        StoreConfig::redis(format!("redis+unix://{}", self.socket().display()))
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

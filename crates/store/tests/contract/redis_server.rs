//! A Redis server of the test's own, as the operator's guide wants it set up.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::bench::eventually;

/// A running server; killed when dropped.
pub(crate) struct RedisServer {
    child: Option<Child>,
    folder: TempDir,
    options: Vec<String>,
    pub(crate) port: u16,
}

/// How long a server may take to start.
const START: Duration = Duration::from_secs(20);

/// What keeps acknowledged writes.
const SAFE: [&str; 6] = [
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
    "--maxmemory-policy",
    "noeviction",
];

impl RedisServer {
    /// Starts a server that listens on a Unix socket only.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a server with more options; `--port` makes it listen on TCP too.
    pub(crate) async fn start_with(options: &[&str]) -> Self {
        let mut server = Self {
            child: None,
            folder: tempfile::tempdir().unwrap(),
            options: options.iter().map(|&option| option.to_owned()).collect(),
            port: 0,
        };
        server.launch().await;
        server
    }

    /// Starts a server that also listens on a TCP port of the loopback address.
    pub(crate) async fn start_tcp(options: &[&str]) -> Self {
        let port = free_port();
        let port_text = port.to_string();
        let mut all = vec!["--port", &port_text, "--repl-diskless-sync-delay", "0"];
        all.extend(options);
        let mut server = Self::start_with(&all).await;
        server.port = port;
        server
    }

    /// Starts a replica of this server and waits until it follows.
    pub(crate) async fn start_replica(&self) -> Self {
        self.start_replica_with(&[]).await
    }

    /// Starts one more replica with more options.
    pub(crate) async fn start_replica_with(&self, options: &[&str]) -> Self {
        let primary = format!("127.0.0.1 {}", self.port);
        let mut all = vec!["--replicaof", &*primary];
        all.extend(options);
        let known = self.replicas().await;
        let replica = Self::start_tcp(&all).await;
        eventually(START, "the replica follows", || async {
            self.replicas().await > known
        })
        .await;
        replica
    }

    /// How many replicas confirm a write within 100 ms.
    async fn replicas(&self) -> u64 {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut pipeline = redis::pipe();
        pipeline.cmd("SET").arg("probe").arg(1).ignore();
        pipeline.cmd("WAIT").arg(9).arg(100);
        let confirmed: Result<(u64,), _> = pipeline.query_async(&mut connection).await;
        confirmed.map_or(0, |(replicas,)| replicas)
    }

    async fn launch(&mut self) {
        self.spawn();
        let start = Instant::now();
        while !self.answers().await {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(start.elapsed() < START, "server: {log}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn spawn(&mut self) {
        let child = Command::new("redis-server")
            .args(["--dir", &self.folder.path().to_string_lossy()])
            .args(["--unixsocket", &self.socket().to_string_lossy()])
            .args(["--port", "0", "--bind", "127.0.0.1", "--save", ""])
            .args(["--loglevel", "warning", "--logfile", "log"])
            .args(SAFE)
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("redis-server does not start ({error}): apt-get install redis-server")
            });
        self.child = Some(child);
    }

    async fn answers(&self) -> bool {
        let Ok(client) = redis::Client::open(self.url()) else {
            return false;
        };
        match client.get_multiplexed_async_connection().await {
            Ok(mut connection) => match redis::cmd("PING").exec_async(&mut connection).await {
                Ok(()) => true,
                Err(error) => error.to_string().contains("NOAUTH"),
            },
            Err(error) => error.to_string().contains("NOAUTH"),
        }
    }

    /// Runs a command given as words, and answers the text.
    pub(crate) async fn ask(&self, command: &str) -> String {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let answer: redis::Value = built(command).query_async(&mut connection).await.unwrap();
        match answer {
            redis::Value::BulkString(octets) => String::from_utf8_lossy(&octets).into_owned(),
            redis::Value::SimpleString(text) => text,
            other => format!("{other:?}"),
        }
    }

    /// Runs a command given as words as another user.
    pub(crate) async fn ask_as(
        &self,
        user: &str,
        password: &str,
        command: &str,
    ) -> redis::RedisResult<redis::Value> {
        let client = redis::Client::open(format!("{}?user={user}&pass={password}", self.url()))?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        built(command).query_async(&mut connection).await
    }

    /// The socket's address.
    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// Everything that the server wrote to its disk.
    pub(crate) fn disk(&self) -> Vec<u8> {
        let mut all = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.is_file() {
                    all.extend(std::fs::read(path).unwrap());
                }
            }
        }
        all
    }

    /// Ends the server at once, as a crash does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts the killed server again on its data.
    pub(crate) async fn restart(&mut self) {
        let _absent = std::fs::remove_file(self.socket());
        self.launch().await;
    }

    /// Starts the killed server again on its data, and does not wait until it has read them; with `options` that takes
    /// a while.
    pub(crate) fn restart_with(&mut self, options: &[&str]) {
        let _absent = std::fs::remove_file(self.socket());
        self.options
            .extend(options.iter().map(|&option| option.to_owned()));
        self.spawn();
    }

    /// Stops (`STOP`) or continues (`CONT`) the process.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        let done = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(done.unwrap().success());
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A command from words with a space between them.
fn built(command: &str) -> redis::Cmd {
    let mut words = command.split(' ');
    let mut built = redis::cmd(words.next().unwrap());
    for word in words {
        built.arg(word);
    }
    built
}

/// A port that nobody listened on a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

//! The process under measurement.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// Clock ticks of `/proc/PID/stat` in a second: USER_HZ, part of Linux's ABI.
const TICKS: u32 = 100;

/// A running server; it ends with this value.
pub(crate) struct ServerProcess {
    child: Child,
    folder: PathBuf,
}

impl ServerProcess {
    /// Starts a server that prints its address, and waits for that.
    pub(crate) async fn spawn_udp(programs: &Path) -> Result<(Self, SocketAddr)> {
        let mut command = Command::new(programs.join("berth-bench"));
        command
            .arg("server")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut server = Self::spawn(command)?;
        let output = server
            .child
            .stdout
            .take()
            .context("standard output is a pipe")?;
        let line = BufReader::new(output)
            .lines()
            .next_line()
            .await?
            .context("the server ended at its start")?;
        Ok((server, line.parse()?))
    }

    /// Starts a program.
    pub(crate) fn spawn(mut command: Command) -> Result<Self> {
        let child = command
            .kill_on_drop(true)
            .spawn()
            .context("the server cannot be started")?;
        let pid = child.id().context("the server ended at its start")?;
        Ok(Self {
            child,
            folder: PathBuf::from(format!("/proc/{pid}")),
        })
    }

    /// Whether the process has ended.
    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// CPU time of all its threads so far, user and system.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        let stat = fs::read_to_string(self.folder.join("stat")).context("the server is gone")?;
        // The name in parentheses may hold spaces; after it, utime and stime are the 12th and 13th fields.
        let (_, fields) = stat.rsplit_once(')').context("stat has a name")?;
        let ticks = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(str::parse::<u32>)
            .sum::<Result<u32, _>>()?;
        Ok(Duration::from_secs(ticks.into()) / TICKS)
    }

    /// Memory that is resident now.
    pub(crate) fn rss_mib(&self) -> Result<f64> {
        let status =
            fs::read_to_string(self.folder.join("status")).context("the server is gone")?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .context("status has VmRSS")?;
        let kib = line.trim().trim_end_matches("kB").trim().parse::<u32>()?;
        Ok(f64::from(kib) / 1024.0)
    }
}

//! Each function as a process of its own.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nf_api::{Caller, NetworkFunction};
use nf_runtime::config;
use nf_runtime::pki::LabAuthority;
use nf_runtime::start::PATIENCE;
use rustix::process::{Pid, Signal, kill_process};
use store::BackendKind;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use super::{ORDER, identity};
use crate::config::BerthConfig;
use crate::data_dir::{DataDir, write_atomically};

/// How long a function may take until it is ready: it waits for its store itself, and says better why in vain.
const START: Duration = Duration::from_secs(2 * PATIENCE.as_secs() + 15);
/// How long a function may take until it has stopped.
const STOP: Duration = Duration::from_secs(30);

/// The running processes.
pub(super) struct Processes(Vec<Process>);

struct Process {
    function: NetworkFunction,
    child: Child,
    admin: SocketAddr,
    log: PathBuf,
}

impl Processes {
    /// Starts every function and waits until each is ready.
    pub(super) async fn start(
        config: &BerthConfig,
        data: &mut DataDir,
        authority: &LabAuthority,
        lab: bool,
    ) -> Result<Self> {
        for store in [
            &config.store.vault,
            &config.store.default,
            &config.store.messages,
        ] {
            if store.backend != BackendKind::Redis {
                bail!(
                    "--processes needs stores that processes can share: set store.*.backend = \"redis\" in --config"
                );
            }
        }
        let folder = data.folder("processes")?;
        let mut config = config.clone();
        config.peers = config
            .listen
            .iter()
            .map(|(name, address)| (name.clone(), address.to_string()))
            .collect();
        let gateway = lab.then_some(NetworkFunction::AccessGateway);
        let mut processes = Self(Vec::new());
        for function in ORDER.into_iter().chain(gateway) {
            let caller = match function {
                NetworkFunction::AccessGateway => Caller::Function {
                    function,
                    instance: Some(config.access_gateway.instance.clone()),
                },
                _ => Caller::function(function),
            };
            let admin = data.tcp(&format!("admin-{function}"))?;
            config.admin_listen = Some(admin);
            config.tls = identity(authority, &caller)?;
            let file = folder.join(format!("{function}.toml"));
            write_atomically(&file, &config::print(&config)?)?;
            let log = folder.join(format!("{function}.log"));
            let child = spawn(function, &file, &log)?;
            processes.0.push(Process {
                function,
                child,
                admin,
                log,
            });
        }
        for process in &mut processes.0 {
            process.wait_until_ready().await?;
        }
        Ok(processes)
    }

    /// The admin ports.
    pub(super) fn admin_urls(&self) -> Vec<String> {
        self.0
            .iter()
            .map(|process| format!("http://{}", process.admin))
            .collect()
    }

    /// Asks every process to stop, last started first, and waits for it.
    pub(super) async fn stop(mut self) {
        for process in self.0.iter_mut().rev() {
            let pid = process
                .child
                .id()
                .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
            if let Some(pid) = pid {
                // One that is gone already needs no signal.
                let _ = kill_process(pid, Signal::TERM);
            }
        }
        for process in &mut self.0 {
            if timeout(STOP, process.child.wait()).await.is_err() {
                tracing::warn!(
                    function = process.function.name(),
                    "killed, because it did not stop in time"
                );
                let _ = process.child.kill().await;
            }
        }
    }
}

impl Process {
    async fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + START;
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!(
                    "{} ended at its start ({status}): {}; see {}",
                    self.function,
                    last_line(&self.log),
                    self.log.display()
                );
            }
            if is_ready(self.admin).await {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!(
                    "{} is not ready after {START:?}; see {}",
                    self.function,
                    self.log.display()
                );
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// What a process said last, which is why it ended.
fn last_line(log: &Path) -> String {
    let said = std::fs::read_to_string(log).unwrap_or_default();
    said.lines().last().unwrap_or("it said nothing").to_owned()
}

fn spawn(function: NetworkFunction, file: &Path, log: &Path) -> Result<Child> {
    let output = File::create(log)?;
    let program = std::env::current_exe().context("the path of this program")?;
    Command::new(program)
        .arg(function.name())
        .arg("--with-parent")
        .arg("--config")
        .arg(file)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{function} cannot be started"))
}

async fn is_ready(admin: SocketAddr) -> bool {
    let asked = async {
        let mut stream = TcpStream::connect(admin).await?;
        stream
            .write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(answer.starts_with(b"HTTP/1.1 200"))
    };
    matches!(timeout(Duration::from_secs(1), asked).await, Ok(Ok(true)))
}

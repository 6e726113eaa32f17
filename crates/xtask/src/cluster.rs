//! Each function as its own process with a Redis, and the demo against them.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Signal, kill_process};

use crate::interrupt;
use crate::run::{cargo, find, root, say};

/// What a person asked for.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Folder of keys, logs and state.
    #[arg(long, default_value = "target/cluster")]
    data: PathBuf,
    /// Plays the demo and stops; otherwise it runs until it is interrupted.
    #[arg(long)]
    demo: bool,
}

impl Arguments {
    /// A cluster in a folder of its own that ends with the demo.
    pub(crate) fn for_tests() -> Self {
        let data = std::env::temp_dir().join(format!("berth-cluster-{}", std::process::id()));
        Self { data, demo: true }
    }
}

/// How long everything may take to be ready.
const START: Duration = Duration::from_secs(90);

pub(crate) fn cluster(arguments: &Arguments) -> Result<()> {
    if find("redis-server").is_none() {
        bail!("redis-server is missing: apt-get install redis-server (or cargo xtask setup)");
    }
    cargo(["build", "--release", "--package", "berth"]).run()?;
    fs::create_dir_all(&arguments.data)?;
    let data = arguments.data.canonicalize()?;

    let socket = data.join("redis.sock");
    let redis = Stopped::on_drop(redis(&data, &socket)?);
    wait_for(&socket, START).context("redis-server does not start")?;
    let settings = data.join("berth.toml");
    fs::write(&settings, settings_text(&socket))?;

    let berth = root().join("target/release/berth");
    // It takes no folder with other things in it.
    let installation = data.join("berth");
    let up = Command::new(&berth)
        .args(["up", "--lab", "--processes", "--data"])
        .arg(&installation)
        .arg("--config")
        .arg(&settings)
        .process_group(0)
        .spawn()
        .context("berth cannot be started")?;
    let mut up = Stopped::on_drop(up);
    let endpoints = installation.join("endpoints.json");
    wait_for_start(&endpoints, &mut up)?;

    if !arguments.demo {
        say("running; Ctrl-C stops it");
        interrupt::wait(&mut up.0)?;
        return Ok(());
    }
    let mut demo = Command::new(&berth)
        .args(["demo", "--target"])
        .arg(&endpoints)
        .spawn()?;
    let played = interrupt::wait(&mut demo)?;
    drop(up);
    drop(redis);
    if !played.success() {
        bail!(
            "the demo failed; logs lie in {}",
            installation.join("processes").display()
        );
    }
    fs::remove_dir_all(&data).context("the folder of the cluster cannot be removed")
}

fn redis(data: &Path, socket: &Path) -> Result<Child> {
    let folder = data.join("redis");
    fs::create_dir_all(&folder)?;
    let log = fs::File::create(data.join("redis.log"))?;
    Command::new("redis-server")
        .args([
            "--port",
            "0",
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
        ])
        .args([
            "--maxmemory-policy",
            "noeviction",
            "--save",
            "",
            "--unixsocket",
        ])
        .arg(socket)
        .arg("--dir")
        .arg(&folder)
        .stdin(Stdio::null())
        .stdout(log)
        .process_group(0)
        .spawn()
        .context("redis-server cannot be started")
}

fn settings_text(socket: &Path) -> String {
    let store = format!(
        "backend = \"redis\"\nurl = \"redis+unix://{}\"\n",
        socket.display()
    );
    let stores = ["vault", "default", "messages"].map(|name| format!("[store.{name}]\n{store}"));
    stores.join("\n")
}

fn wait_for(file: &Path, within: Duration) -> Result<()> {
    let deadline = Instant::now() + within;
    while !file.exists() {
        interrupt::check()?;
        if Instant::now() > deadline {
            bail!("{} did not appear in {within:?}", file.display());
        }
        sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn wait_for_start(endpoints: &Path, up: &mut Stopped) -> Result<()> {
    let deadline = Instant::now() + START;
    while !endpoints.exists() {
        if let Some(status) = up.0.try_wait()? {
            bail!("berth up ended ({status})");
        }
        interrupt::check()?;
        if Instant::now() > deadline {
            bail!("berth up is not ready after {START:?}");
        }
        sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// A process that is asked to stop when nobody needs it any more. It has a process group of its own, so that Ctrl-C does not end
/// the store before those that use it.
struct Stopped(Child);

impl Stopped {
    const fn on_drop(child: Child) -> Self {
        Self(child)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let running = self.0.try_wait().is_ok_and(|status| status.is_none());
        if let Some(pid) = interrupt::pid(&self.0).filter(|_| running) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.0.wait();
    }
}

//! The scenarios of a whole installation: builds what they need, brings a place to play them, and plays.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::{Signal, kill_process_group};

use crate::run::{Program, cargo, find, root};
use crate::{image, interrupt};

/// What a person asked for.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where Berth is installed: `processes` needs nothing but redis-server; `kubeconfig` takes the cluster that
    /// KUBECONFIG names, with helm and kubectl, and loads images by the command in `BERTH_E2E_LOAD_IMAGE`; `kind` makes
    /// a cluster of its own.
    #[arg(long, default_value = "processes", value_parser = ["processes", "kubeconfig", "kind"])]
    provider: String,
    /// Plays only this scenario; may be given several times.
    #[arg(long = "scenario", value_name = "NAME")]
    scenarios: Vec<String>,
}

/// Tag of the images that are made for one run.
const TAG: &str = "e2e";

pub(crate) fn e2e(arguments: &Arguments) -> Result<()> {
    let scenarios = arguments
        .scenarios
        .iter()
        .flat_map(|name| ["--scenario", name.as_str()])
        .collect::<Vec<_>>();
    if arguments.provider == "processes" {
        processes(&scenarios)
    } else {
        if arguments.provider == "kubeconfig" && scenarios.is_empty() {
            api_server().run()?;
        }
        images()?;
        play(&arguments.provider)?.args(scenarios).run()
    }
}

/// What speaks to the Kubernetes API itself, tested against a real one.
fn api_server() -> Program {
    cargo([
        "test",
        "--package",
        "berth",
        "--test",
        "kubernetes",
        "--",
        "--ignored",
    ])
}

/// The scenarios on processes.
pub(crate) fn processes(scenarios: &[&str]) -> Result<()> {
    cargo([
        "build",
        "--release",
        "--package",
        "berth",
        "--package",
        "berth-ue",
    ])
    .run()?;
    play("processes")?.args(scenarios).run()
}

fn play(provider: &str) -> Result<Program> {
    cargo(["build", "--package", "berth-e2e"]).run()?;
    let program = root().join("target/debug/berth-e2e");
    Ok(Program::new(program).args(["run", "--provider", provider, "--tag", TAG]))
}

fn images() -> Result<()> {
    image::image(&image::Arguments::for_tests(TAG))
}

/// A tool that brings up a Kubernetes for tests: `up`, `load-image TAR`, `kubeconfig`, `down`.
pub(crate) struct LocalCluster(PathBuf);

/// Where such a tool and what it builds its parts with were looked for in vain.
pub(crate) struct Missing(pub(crate) String);

impl LocalCluster {
    /// The tool that `BERTH_E2E_LOCAL_CLUSTER` names.
    pub(crate) fn find() -> Result<Self, Missing> {
        let named = std::env::var_os("BERTH_E2E_LOCAL_CLUSTER").map(PathBuf::from);
        let Some(tool) = named else {
            return Err(Missing(
                "BERTH_E2E_LOCAL_CLUSTER names no tool that brings up a cluster".to_owned(),
            ));
        };
        match tool.canonicalize() {
            Ok(tool) if find("go").is_some() => Ok(Self(tool)),
            Ok(_) => Err(Missing(
                "the cluster's parts are built with Go, which is not here".to_owned(),
            )),
            Err(error) => Err(Missing(format!("{}: {error}", tool.display()))),
        }
    }

    /// Begins to build and to start it, behind everything else that runs.
    pub(crate) fn begin(self) -> Result<Beginning> {
        std::fs::create_dir_all(root().join("target"))?;
        self.begin_with(root().join("target/local-cluster.log"))
    }

    fn begin_with(self, file: PathBuf) -> Result<Beginning> {
        let log = std::fs::File::create(&file)?;
        let starting = Command::new("nice")
            .args(["-n", "10"])
            .arg(&self.0)
            .arg("up")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // What it builds with ends with it, and Ctrl-C does not end it before this.
            .process_group(0)
            .spawn()
            .context("nice")?;
        Ok(Beginning {
            cluster: self,
            starting,
            log: file,
        })
    }

    fn play_there(&self) -> Result<()> {
        let kubeconfig = self.tool("kubeconfig").output()?;
        let load = format!("{} load-image", self.0.display());
        let mut path = self.programs().into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let there = |program: Program| {
            program
                .env("KUBECONFIG", kubeconfig.trim())
                .env("PATH", &path)
        };
        there(api_server()).run()?;
        there(play("kubeconfig")?)
            .env("BERTH_E2E_LOAD_IMAGE", load)
            .run()
    }

    /// Plays the scenarios.
    fn play(&self) -> Result<()> {
        images()?;
        self.play_there()
    }

    fn tool(&self, verb: &str) -> Program {
        Program::new(&self.0).args([verb])
    }

    /// Where it keeps helm and kubectl.
    fn programs(&self) -> PathBuf {
        let cache = std::env::var_os("BERTH_E2E_CACHE").map(PathBuf::from);
        let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
        cache
            .unwrap_or_else(|| home().join(".cache/berth-e2e"))
            .join("bin")
    }
}

/// A cluster that is being built and started. It ends with this.
pub(crate) struct Beginning {
    cluster: LocalCluster,
    starting: Child,
    log: PathBuf,
}

impl Beginning {
    /// Plays the scenarios as soon as it is up; or says why that cannot be within the time that is left.
    pub(crate) fn play(mut self, left: Duration) -> Result<Result<(), Missing>> {
        if left < PLAYING {
            return Ok(Err(Missing(format!(
                "it takes about {} minutes, and {} are left",
                PLAYING.as_secs() / 60,
                left.as_secs() / 60
            ))));
        }
        let deadline = Instant::now() + (left - PLAYING);
        let status = loop {
            if let Some(status) = self.starting.try_wait()? {
                break status;
            }
            interrupt::check()?;
            if Instant::now() > deadline {
                let log = self.log.display();
                return Ok(Err(Missing(format!(
                    "its first build takes too long (see {log})"
                ))));
            }
            sleep(Duration::from_millis(200));
        };
        if !status.success() {
            // It is this machine that cannot have one; what was to be played says nothing of Berth.
            let said = std::fs::read_to_string(&self.log)?;
            let last = said.lines().last().unwrap_or_default();
            return Ok(Err(Missing(format!(
                "the cluster does not start here: {last}"
            ))));
        }
        self.cluster.play().map(Ok)
    }
}

impl Drop for Beginning {
    fn drop(&mut self) {
        // It has ended, or nobody waits for it any more. A compiler of it that went on would hold the tool's lock.
        let running = self
            .starting
            .try_wait()
            .is_ok_and(|status| status.is_none());
        if let Some(group) = interrupt::pid(&self.starting).filter(|_| running) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.starting.wait();
        // What is up must not outlive the tests, whatever ended them.
        let _ = Command::new(&self.cluster.0)
            .arg("down")
            .process_group(0)
            .output();
    }
}

/// How long it takes to make the images and to play on a cluster that is up.
const PLAYING: Duration = Duration::from_secs(15 * 60);

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    use super::LocalCluster;

    /// Holds a lock as long as something that it builds with runs, as the real one does.
    const TOOL: &str = "#!/bin/bash\nexec 9>\"$0.lock\"; flock 9\n\
        case $1 in up) sleep 600 & touch \"$0.up\"; wait ;; down) touch \"$0.down\" ;; esac\n";

    #[test]
    fn a_cluster_that_is_still_being_built_ends_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let tool = folder.path().join("tool");
        fs::write(&tool, TOOL).unwrap();
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
        let cluster = LocalCluster(tool.clone());
        let beginning = cluster.begin_with(folder.path().join("log")).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while !tool.with_extension("up").exists() {
            assert!(Instant::now() < deadline, "it does not begin");
            sleep(Duration::from_millis(20));
        }
        let begin = Instant::now();
        drop(beginning);
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "it waited for the build"
        );
        assert!(tool.with_extension("down").exists());
    }
}

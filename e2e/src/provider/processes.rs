//! Every replica a process on loopback, a Redis with one user a function, and balancers where a cluster has Services.

mod settings;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use data_encoding::HEXLOWER;
use rustix::process::{Pid, Signal, kill_process};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::balancer::{self, Targets};
use super::{Answer, Provider, ROLES, Replica};
use crate::program::{Program, poll, say};
use crate::report::Report;
use crate::trace_sink::Traces;

/// How long a process may take until it is ready, and until it has stopped.
const READY: Duration = Duration::from_secs(30);

/// The binaries to run.
#[derive(Clone)]
pub(crate) struct Binaries {
    pub(crate) berth: PathBuf,
    pub(crate) ue: PathBuf,
}

/// An installation of processes.
pub(crate) struct Processes {
    binaries: Binaries,
    traces: Traces,
    installed: Option<Installed>,
}

struct Installed {
    folder: TempDir,
    addresses: settings::Addresses,
    fronts: Fronts,
    store: Option<Process>,
    functions: Vec<Process>,
    lab: Option<Process>,
    stories: Option<(Process, PathBuf)>,
    /// The setting that an upgrade changes.
    log_filter: &'static str,
}

/// What stands in front of replicas.
#[derive(Clone, Default)]
struct Fronts {
    provisioning: Targets,
    msgin5g: Targets,
}

/// A running process; it does not outlive its installation.
struct Process {
    replica: Replica,
    child: Child,
    /// Of functions.
    sockets: Option<settings::Sockets>,
}

impl Process {
    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // One that is gone already needs no signal.
            let _ = kill_process(pid, signal);
        }
    }

    /// Asks it to stop and waits.
    fn stop(&mut self) -> Result<()> {
        self.signal(Signal::TERM);
        self.ended()
            .with_context(|| format!("{} does not stop", self.replica))
    }

    fn ended(&mut self) -> Result<()> {
        poll("its end", READY, || Ok(self.child.try_wait()?.map(|_| ())))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Processes {
    pub(crate) fn new(binaries: Binaries) -> Result<Self> {
        Program::new("redis-server")
            .args(["--version"])
            .output()
            .context("redis-server is needed")?;
        Ok(Self {
            binaries,
            traces: Traces::receive()?,
            installed: None,
        })
    }

    fn installed(&mut self) -> Result<&mut Installed> {
        self.installed.as_mut().context("nothing is installed")
    }

    /// `berth check` as operator, with the settings of tests.
    fn check(&mut self, arguments: &[&str]) -> Result<Program> {
        let berth = self.binaries.berth.clone();
        let settings = self.installed()?.settings("test");
        Ok(Program::new(berth)
            .args(["check", "--json", "--config"])
            .args([settings])
            .args(arguments))
    }
}

impl Installed {
    fn settings(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.toml"))
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.log"))
    }

    fn start_store(&mut self) -> Result<()> {
        let folder = self.folder.path();
        let arguments = settings::store(folder, self.addresses.store);
        let child = Program::new("redis-server")
            .args(arguments)
            .spawn(&self.log("store"))?;
        self.store = Some(Process {
            replica: Replica {
                role: "store".to_owned(),
                name: "store".to_owned(),
            },
            child,
            sockets: None,
        });
        let address = self.addresses.store;
        poll("the store's port", READY, || {
            Ok(Some(TcpStream::connect(address)?))
        })?;
        Ok(())
    }

    fn start_function(
        &mut self,
        berth: &Path,
        replica: Replica,
        sockets: settings::Sockets,
    ) -> Result<()> {
        let child = Program::new(berth)
            .args([&replica.role, "--config"])
            .args([self.settings(&replica.name)])
            .env("BERTH__TELEMETRY__LOG_FILTER", self.log_filter)
            .spawn(&self.log(&replica.name))?;
        let mut process = Process {
            replica,
            child,
            sockets: Some(sockets),
        };
        let about = process.replica.to_string();
        poll(&about, READY, || {
            if let Some(status) = process.child.try_wait()? {
                bail!("it has ended ({status})");
            }
            let ready = get(sockets.admin, "/readyz")?.starts_with("HTTP/1.1 200");
            Ok(ready.then_some(()))
        })?;
        self.functions.push(process);
        self.tell_fronts();
        Ok(())
    }

    /// Takes a function's process out of those that run.
    fn take(&mut self, replica: &Replica) -> Result<Process> {
        let place = self
            .functions
            .iter()
            .position(|process| process.replica.name == replica.name);
        let place = place.with_context(|| format!("{replica} does not run"))?;
        Ok(self.functions.swap_remove(place))
    }

    fn tell_fronts(&self) {
        let of = |role: &str, socket: fn(&settings::Sockets) -> SocketAddr| {
            self.functions
                .iter()
                .filter(|process| process.replica.role == role)
                .filter_map(|process| process.sockets.as_ref().map(socket))
                .collect()
        };
        self.fronts
            .provisioning
            .set(of("subscription-manager", |sockets| sockets.device));
        self.fronts
            .msgin5g
            .set(of("msgin5g-server", |sockets| sockets.device));
    }

    /// Replaces every function, one after the other.
    fn roll(&mut self, berth: &Path) -> Result<()> {
        let replicas = self
            .functions
            .iter()
            .map(|process| process.replica.clone())
            .collect::<Vec<_>>();
        for replica in replicas {
            let mut old = self.take(&replica)?;
            // As with a Service: nothing new goes to a replica that is about to stop.
            self.tell_fronts();
            old.stop()?;
            let sockets = old.sockets.context("a function has sockets")?;
            self.start_function(berth, replica, sockets)?;
        }
        Ok(())
    }
}

impl Provider for Processes {
    fn name(&self) -> &'static str {
        "processes"
    }

    fn install(&mut self, replicas: usize) -> Result<()> {
        let folder = tempfile::Builder::new().prefix("berth-e2e-").tempdir()?;
        let fronts = Fronts::default();
        let addresses = settings::Addresses {
            replicas: ROLES
                .iter()
                .map(|role| {
                    let sockets = (0..replicas).map(|_| settings::Sockets::free());
                    Ok(((*role).to_owned(), sockets.collect::<Result<_>>()?))
                })
                .collect::<Result<_>>()?,
            store: free()?,
            provisioning: balancer::udp(fronts.provisioning.clone())?,
            msgin5g: balancer::udp(fronts.msgin5g.clone())?,
            n1: free()?,
            certificates: free()?,
            traces: self.traces.url(),
        };
        let spec = folder.path().join("bootstrap.toml");
        fs::write(&spec, settings::bootstrap())?;
        Program::new(&self.binaries.berth)
            .args(["bootstrap", "--spec"])
            .args([&spec])
            .args([
                "--directory".as_ref(),
                folder.path().join("secrets").as_path(),
            ])
            .output()?;
        settings::write(folder.path(), &addresses)?;

        let mut installed = Installed {
            folder,
            addresses,
            fronts,
            store: None,
            functions: Vec::new(),
            lab: None,
            stories: None,
            log_filter: "info",
        };
        installed.start_store()?;
        for role in ROLES {
            for (place, sockets) in installed.addresses.of(role).into_iter().enumerate() {
                let replica = Replica {
                    role: role.to_owned(),
                    name: format!("{role}-{place}"),
                };
                installed.start_function(&self.binaries.berth, replica, sockets)?;
            }
        }
        let lab = Program::new(&self.binaries.berth)
            .args(["lab", "--config"])
            .args([installed.settings("lab")])
            .spawn(&installed.log("lab"))?;
        installed.lab = Some(Process {
            replica: Replica {
                role: "lab".to_owned(),
                name: "lab".to_owned(),
            },
            child: lab,
            sockets: None,
        });
        let known = installed.folder.path().join("lab/lab.json");
        let about = format!("the laboratory ({})", installed.log("lab").display());
        self.installed = Some(installed);
        poll(&about, READY, || Ok(known.exists().then_some(())))
    }

    fn play(&mut self, stories: usize) -> Result<Report> {
        let answer = self
            .check(&["--story", "--repeat", &stories.to_string()])?
            .answer()?;
        let report = Report::read(&answer.stdout)?;
        ensure!(
            answer.success,
            "{report}\n{}{}",
            answer.stdout,
            answer.stderr
        );
        Ok(report)
    }

    fn start_stories(&mut self) -> Result<()> {
        let program = self.check(&["--story", "--until-stopped"])?;
        let installed = self.installed()?;
        let log = installed.log("endless-stories");
        // What earlier stories have said is told already.
        let _ = fs::remove_file(&log);
        let child = program.spawn(&log)?;
        let replica = Replica {
            role: "test".to_owned(),
            name: "stories".to_owned(),
        };
        installed.stories = Some((
            Process {
                replica,
                child,
                sockets: None,
            },
            log.clone(),
        ));
        poll("the first story's end", Duration::from_secs(90), || {
            let text = fs::read_to_string(&log)?;
            Ok((Report::stories_in(&text) > 0).then_some(()))
        })
    }

    fn stop_stories(&mut self) -> Result<Report> {
        let stories = self.installed()?.stories.take();
        let (mut process, log) = stories.context("no stories go on")?;
        process.signal(Signal::TERM);
        poll("the last story's end", Duration::from_secs(90), || {
            Ok(process.child.try_wait()?.map(|_| ()))
        })?;
        Report::read(&fs::read_to_string(log)?)
    }

    fn stories_so_far(&mut self) -> Result<usize> {
        let stories = &self.installed()?.stories;
        let (_, log) = stories.as_ref().context("no stories go on")?;
        Ok(Report::stories_in(&fs::read_to_string(log)?))
    }

    fn replicas(&mut self) -> Result<Vec<Replica>> {
        let installed = self.installed()?;
        let functions = installed.functions.iter().chain(&installed.store);
        let mut replicas = functions
            .map(|process| process.replica.clone())
            .collect::<Vec<_>>();
        replicas.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(replicas)
    }

    fn kill(&mut self, replica: &Replica) -> Result<()> {
        let berth = self.binaries.berth.clone();
        let installed = self.installed()?;
        if replica.role == "store" {
            installed.store = None;
            return installed.start_store();
        }
        let mut killed = installed.take(replica)?;
        killed.signal(Signal::KILL);
        killed.ended()?;
        // A cluster notices, and then starts another one.
        installed.tell_fronts();
        let sockets = killed.sockets.context("a function has sockets")?;
        installed.start_function(&berth, replica.clone(), sockets)
    }

    fn upgrade(&mut self) -> Result<()> {
        let berth = self.binaries.berth.clone();
        let installed = self.installed()?;
        installed.log_filter = "info,store=debug";
        installed.roll(&berth)
    }

    fn roll_back(&mut self) -> Result<()> {
        let berth = self.binaries.berth.clone();
        let installed = self.installed()?;
        installed.log_filter = "info";
        installed.roll(&berth)
    }

    fn secrets(&mut self) -> Result<BTreeMap<String, String>> {
        let mut found = BTreeMap::new();
        for secret in fs::read_dir(self.installed()?.folder.path().join("secrets"))? {
            let secret = secret?.path();
            for file in fs::read_dir(&secret)? {
                let file = file?.path();
                let digest = HEXLOWER.encode(&Sha256::digest(fs::read(&file)?));
                found.insert(file.display().to_string(), digest);
            }
        }
        Ok(found)
    }

    fn metrics(&mut self, replica: &Replica) -> Result<String> {
        let found = self
            .installed()?
            .functions
            .iter()
            .find(|process| process.replica.name == replica.name);
        let sockets = found.and_then(|process| process.sockets.as_ref());
        get(
            sockets.context("only functions have metrics")?.admin,
            "/metrics",
        )
    }

    fn ue(&mut self, device: &str, arguments: &[&str]) -> Result<Answer> {
        let ue = self.binaries.ue.clone();
        let state = self.installed()?.folder.path().join("devices").join(device);
        Program::new(ue)
            .args(["--json", "--state"])
            .args([state])
            .args(arguments)
            .answer()
    }

    fn laboratory(&self) -> String {
        let folder = self
            .installed
            .as_ref()
            .map(|installed| installed.folder.path().join("lab"));
        folder.unwrap_or_default().display().to_string()
    }

    fn refusals(&mut self) -> Result<()> {
        self.check(&["--refusals"])?.output().map(drop)
    }

    fn own_checks(&mut self) -> Vec<(&'static str, Result<()>)> {
        Vec::new()
    }

    fn evidence(&mut self, folder: &Path) {
        let Some(installed) = &self.installed else {
            return;
        };
        let logs = fs::read_dir(installed.folder.path())
            .into_iter()
            .flatten()
            .flatten();
        for file in logs.map(|entry| entry.path()) {
            if let Some(name) = file
                .file_name()
                .filter(|_| file.extension().is_some_and(|kind| kind == "log"))
            {
                let _ = fs::copy(&file, folder.join(name));
            }
        }
        for process in &installed.functions {
            let name = &process.replica.name;
            if let Some(Ok(text)) = process
                .sockets
                .as_ref()
                .map(|sockets| get(sockets.admin, "/metrics"))
            {
                let _ = fs::write(folder.join(format!("{name}.metrics")), text);
            }
            let checked = Program::new(&self.binaries.berth)
                .args([
                    "store",
                    "check",
                    "--role",
                    &process.replica.role,
                    "--config",
                ])
                .args([installed.settings(name)])
                .answer();
            if let Ok(answer) = checked {
                let text = answer.stdout + &answer.stderr;
                let _ = fs::write(folder.join(format!("{name}.store")), text);
            }
        }
        let _ = self.traces.write(&folder.join("traces.jsonl"));
    }

    fn remove(&mut self) -> Result<()> {
        let Some(mut installed) = self.installed.take() else {
            return Ok(());
        };
        drop(installed.stories.take());
        let mut unclean = Vec::new();
        // The laboratory takes its entries out of the functions, so they stop after it.
        if let Some(mut lab) = installed.lab.take() {
            lab.stop()?;
        }
        for process in &installed.functions {
            process.signal(Signal::TERM);
        }
        for mut process in installed.functions.drain(..) {
            if let Err(error) = process.stop() {
                unclean.push(format!("{error:#}"));
            }
        }
        ensure!(unclean.is_empty(), "{}", unclean.join("; "));
        Ok(())
    }
}

/// A port that is free, for TCP and UDP. It is none that the system gives to connections, so that whoever is started
/// again finds it free again.
fn free() -> Result<SocketAddr> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 4_000)?;
    for _ in 0..8_000 {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 12_000 + (start + step) % 8_000));
        if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no port between 12000 and 19999 is free")
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
    if text.is_empty() {
        say(&format!("{address} answers nothing"));
    }
    Ok(text)
}

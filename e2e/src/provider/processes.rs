//! Every replica a process on loopback, a Redis with one user a function, and balancers where a cluster has Services.

mod settings;

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use data_encoding::HEXLOWER;
use rustix::process::Signal;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::balancer::{self, Targets};
use super::{Answer, Provider, ROLES, Replica, get, metrics_at};
use crate::program::{Background, Program, poll};
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
    stories: Option<(Background, PathBuf)>,
    /// The setting that an upgrade changes.
    log_filter: &'static str,
}

/// What stands in front of replicas.
#[derive(Clone, Default)]
struct Fronts {
    provisioning: Targets,
    msgin5g: Targets,
}

/// A running process.
struct Process {
    replica: Replica,
    program: Background,
    /// Of functions.
    sockets: Option<settings::Sockets>,
}

impl Process {
    /// Asks it to stop and waits.
    fn stop(&mut self) -> Result<()> {
        self.program.signal(Signal::TERM);
        self.program
            .ended(READY)
            .with_context(|| format!("{} does not stop", self.replica))
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

    /// Makes the secrets that are missing.
    fn bootstrap(&self, berth: &Path) -> Result<()> {
        Program::new(berth)
            .args(["bootstrap", "--spec"])
            .args([self.settings("bootstrap")])
            .args(["--directory"])
            .args([self.folder.path().join("secrets")])
            .output()
            .map(drop)
    }

    fn start_laboratory(&mut self, berth: &Path) -> Result<()> {
        let program = Program::new(berth)
            .args(["lab", "--config"])
            .args([self.settings("lab")])
            .spawn(&self.log("lab"))?;
        self.lab = Some(Process {
            replica: Replica {
                role: "lab".to_owned(),
                name: "lab".to_owned(),
            },
            program,
            sockets: None,
        });
        let known = self.folder.path().join("lab/lab.json");
        poll("the laboratory", READY, || Ok(known.exists().then_some(())))
    }

    fn start_store(&mut self) -> Result<()> {
        let folder = self.folder.path();
        let arguments = settings::store(folder, self.addresses.store);
        let program = Program::new("redis-server")
            .args(arguments)
            .spawn(&self.log("store"))?;
        let store = self.store.insert(Process {
            replica: Replica {
                role: "store".to_owned(),
                name: "store".to_owned(),
            },
            program,
            sockets: None,
        });
        let address = self.addresses.store;
        let mut ended = None;
        poll("the store's port", READY, || {
            ended = store.program.status()?;
            if ended.is_some() {
                return Ok(Some(()));
            }
            Ok(Some(TcpStream::connect(address).map(drop)?))
        })?;
        match ended {
            Some(status) => bail!("the store has ended ({status})"),
            None => Ok(()),
        }
    }

    fn start_function(
        &mut self,
        berth: &Path,
        replica: Replica,
        sockets: settings::Sockets,
    ) -> Result<()> {
        let program = Program::new(berth)
            .args([&replica.role, "--config"])
            .args([self.settings(&replica.name)])
            .env("BERTH__TELEMETRY__LOG_FILTER", self.log_filter)
            .spawn(&self.log(&replica.name))?;
        let mut process = Process {
            replica,
            program,
            sockets: Some(sockets),
        };
        let about = process.replica.to_string();
        let mut ended = None;
        poll(&about, READY, || {
            ended = process.program.status()?;
            let ready =
                ended.is_some() || get(sockets.admin, "/readyz")?.starts_with("HTTP/1.1 200");
            Ok(ready.then_some(()))
        })?;
        if let Some(status) = ended {
            bail!("{about} has ended ({status})");
        }
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
        fs::write(folder.path().join("bootstrap.toml"), settings::bootstrap())?;
        settings::write(folder.path(), &addresses)?;
        let berth = self.binaries.berth.clone();
        // From here on there is something to collect evidence of, and to remove.
        let installed = self.installed.insert(Installed {
            folder,
            addresses,
            fronts,
            store: None,
            functions: Vec::new(),
            lab: None,
            stories: None,
            log_filter: "info",
        });
        installed.bootstrap(&berth)?;
        installed.start_store()?;
        for role in ROLES {
            for (place, sockets) in installed.addresses.of(role).into_iter().enumerate() {
                let replica = Replica {
                    role: role.to_owned(),
                    name: format!("{role}-{place}"),
                };
                installed.start_function(&berth, replica, sockets)?;
            }
        }
        installed.start_laboratory(&berth)
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
        installed.stories = Some((program.spawn(&log)?, log.clone()));
        poll("the first story's end", Duration::from_secs(90), || {
            let text = fs::read_to_string(&log)?;
            Ok((Report::stories_in(&text) > 0).then_some(()))
        })
    }

    fn stop_stories(&mut self) -> Result<Report> {
        let stories = self.installed()?.stories.take();
        let (mut program, log) = stories.context("no stories go on")?;
        program.signal(Signal::TERM);
        program
            .ended(Duration::from_secs(90))
            .context("the last story")?;
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
        killed.program.signal(Signal::KILL);
        killed.program.ended(READY)?;
        // A cluster notices, and then starts another one.
        installed.tell_fronts();
        let sockets = killed.sockets.context("a function has sockets")?;
        installed.start_function(&berth, replica.clone(), sockets)
    }

    fn upgrade(&mut self) -> Result<()> {
        let berth = self.binaries.berth.clone();
        let installed = self.installed()?;
        // As the hook of a chart does: what is there stays.
        installed.bootstrap(&berth)?;
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
        metrics_at(sockets.context("only functions have metrics")?.admin)
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
                .map(|sockets| metrics_at(sockets.admin))
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
            unclean.extend(lab.stop().err().map(|error| format!("{error:#}")));
        }
        for process in &installed.functions {
            process.program.signal(Signal::TERM);
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
pub(crate) fn free() -> Result<SocketAddr> {
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

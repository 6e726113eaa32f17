//! How a run ends that does not go well. What it would install is played by scripts.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tempfile::TempDir;

/// A store that runs and answers nobody; it tells its process id.
const SILENT_STORE: &str =
    "[ \"$1\" = --version ] && exit\necho $$ >\"$PLACE/store.pid\"\nexec sleep 600";

#[test]
fn an_installation_that_fails_leaves_its_logs() {
    let place = Place::new(&[
        ("berth", "exit 0"),
        (
            "redis-server",
            "[ \"$1\" = --version ] && exit\necho no certificate; exit 1",
        ),
    ]);
    let output = place.run("processes").output().unwrap();
    assert!(!output.status.success());
    let said = stderr(&output);
    assert!(
        said.contains("the store has ended (exit status: 1)"),
        "{said}"
    );
    let log = place.evidence("processes-install-1/store.log");
    assert_eq!(log, "no certificate\n");
    place.has_nothing_left();
}

#[test]
fn what_an_earlier_run_left_is_no_evidence() {
    let place = Place::new(&[("berth", "exit 1"), ("redis-server", "exit 0")]);
    let old = place.path("evidence/processes-install-1/old.log");
    fs::create_dir_all(old.parent().unwrap()).unwrap();
    fs::write(&old, "of yesterday").unwrap();
    assert!(!place.run("processes").output().unwrap().status.success());
    assert!(!old.exists());
}

#[test]
fn a_signal_ends_a_run_and_what_it_started() {
    for signal in [Signal::INT, Signal::TERM] {
        let place = Place::new(&[("berth", "exit 0"), ("redis-server", SILENT_STORE)]);
        let run = place.run("processes").stderr(Stdio::piped()).spawn();
        let run = run.unwrap();
        let store = place.store();
        send(&run, signal);
        let output = run.wait_with_output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(1),
            "it was not ended by the signal"
        );
        let said = stderr(&output);
        assert!(said.contains("interrupted"), "{said}");
        assert!(said.contains("ok      remove-1"), "{said}");
        assert!(!said.contains("2 of each"), "{said}");
        assert!(is_gone(store));
        place.has_nothing_left();
    }
}

#[test]
fn nothing_outlives_a_run_that_is_killed() {
    let place = Place::new(&[("berth", "exit 0"), ("redis-server", SILENT_STORE)]);
    let run = place.run("processes").stderr(Stdio::null()).spawn();
    let mut run = run.unwrap();
    let store = place.store();
    run.kill().unwrap();
    run.wait().unwrap();
    until("the store has ended", || is_gone(store).then_some(()));
}

#[test]
fn a_signal_ends_the_program_that_a_run_waits_for() {
    let waits = "echo $$ >\"$PLACE/store.pid\"\nexec sleep 600";
    let place = Place::new(&[("berth", waits), ("redis-server", "exit 0")]);
    let run = place.run("processes").stderr(Stdio::piped()).spawn();
    let run = run.unwrap();
    let bootstrap = place.store();
    send(&run, Signal::TERM);
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(is_gone(bootstrap));
    place.has_nothing_left();
}

/// A cluster that gives a namespace, and nothing else.
const KUBECTL: &str = "echo \"kubectl $*\" >>\"$PLACE/calls\"\ncase \"$*\" in\n\
    *endpointslices*) echo '{\"items\": [{\"endpoints\": [{\"addresses\": [\"10.0.0.1\"]}], \"ports\": [{\"port\": 6443}]}]}' ;;\n\
    *version* | *create\\ namespace* | *label\\ namespace* | *delete\\ namespace*) ;;\n\
    *) echo it is full >&2; exit 1 ;;\nesac";

#[test]
fn the_namespace_goes_even_if_nothing_was_installed() {
    let helm = "[ \"$1\" = version ] || { echo helm knows nothing of it >&2; exit 1; }";
    let place = Place::new(&[("helm", helm), ("kubectl", KUBECTL)]);
    fs::write(place.path("berth-e2e.tar"), "").unwrap();
    let output = place.run("kubeconfig").output().unwrap();
    assert!(!output.status.success());
    let said = stderr(&output);
    assert!(said.contains("it is full"), "{said}");
    assert!(said.contains("helm knows nothing of it"), "{said}");
    let calls = fs::read_to_string(place.path("calls")).unwrap();
    let created = calls.matches("create namespace berth-e2e-").count();
    let deleted = calls.matches("delete namespace berth-e2e-").count();
    assert_eq!((created, deleted), (2, 2), "{calls}");
}

/// A folder with programs that stand for those a run needs.
struct Place(TempDir);

impl Place {
    fn new(programs: &[(&str, &str)]) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for (name, text) in programs {
            let file = place.path(name);
            fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::create_dir(place.path("temporary")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, provider: &str) -> Command {
        let path = std::env::var_os("PATH").unwrap();
        let first = [self.0.path().to_owned()];
        let folders = first.into_iter().chain(std::env::split_paths(&path));
        let mut command = Command::new(env!("CARGO_BIN_EXE_berth-e2e"));
        command
            .args(["run", "--provider", provider, "--berth"])
            .arg(self.path("berth"))
            .arg("--ue")
            .arg(self.0.path())
            .arg("--images")
            .arg(self.0.path())
            .arg("--evidence")
            .arg(self.path("evidence"))
            .env("PATH", std::env::join_paths(folders).unwrap())
            .env("PLACE", self.0.path())
            .env("KUBECONFIG", self.path("kubeconfig"))
            .env("TMPDIR", self.path("temporary"));
        command
    }

    fn evidence(&self, name: &str) -> String {
        fs::read_to_string(self.path("evidence").join(name)).unwrap()
    }

    /// Waits until the script that tells its process id runs.
    fn store(&self) -> Pid {
        let file = self.path("store.pid");
        until("it runs", || read_pid(&file))
    }

    fn has_nothing_left(&self) {
        let left = fs::read_dir(self.path("temporary")).unwrap();
        let left = left.map(|entry| entry.unwrap().path());
        assert_eq!(left.collect::<Vec<_>>(), Vec::<PathBuf>::new());
    }
}

fn read_pid(file: &Path) -> Option<Pid> {
    let text = fs::read_to_string(file).ok()?;
    Pid::from_raw(text.strip_suffix('\n')?.parse().ok()?)
}

fn send(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    kill_process(pid.unwrap(), signal).unwrap();
}

fn is_gone(pid: Pid) -> bool {
    test_kill_process(pid).is_err()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn until<T>(about: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "not in time: {about}");
        sleep(Duration::from_millis(20));
    }
}

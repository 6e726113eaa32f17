//! Each function as a process of its own, with their state in one Redis server.

use std::path::Path;

use cause::Cause;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::{TempDir, tempdir};
use ue::UeError;

use crate::demo::{assert_whole_story, demo_against};
use crate::device::in_service;
use crate::installation::Installation;
use crate::process::{get, poll, said};
use crate::redis_server::RedisServer;

/// An installation in processes; they are gone before their server.
struct Cluster {
    installation: Installation,
    redis: RedisServer,
    folder: TempDir,
}

impl Cluster {
    fn start() -> Self {
        let folder = tempdir().unwrap();
        let redis = RedisServer::start();
        let settings = folder.path().join("berth.toml");
        std::fs::write(settings, redis.settings()).unwrap();
        Self {
            installation: start(folder.path()),
            redis,
            folder,
        }
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// Starts the processes of a folder with settings.
fn start(folder: &Path) -> Installation {
    let settings = folder.join("berth.toml");
    let settings = settings.to_str().unwrap();
    let arguments = ["--lab", "--processes", "--config", settings];
    Installation::start(&folder.join("data"), &arguments)
}

#[test]
fn the_demo_plays_with_a_process_for_each_function() {
    let cluster = Cluster::start();
    assert_eq!(cluster.installation.admin_urls().len(), 8);
    assert_whole_story(&demo_against(&cluster.installation));
    cluster.installation.stop();
}

#[tokio::test]
async fn a_story_goes_on_after_the_database_crashed() {
    let mut cluster = Cluster::start();
    let mut device = in_service(
        &cluster.folder().join("device"),
        &cluster.installation.lab(),
    )
    .await;
    let registered = device.register().await.unwrap();

    cluster.redis.crash_and_restart();
    // What was acknowledged is still there: credentials, number, keys, registration.
    device.authenticate().await.unwrap();
    registered.deregister().await.unwrap();
    device.register().await.unwrap().deregister().await.unwrap();

    cluster.redis.crash_and_restart();
    assert_whole_story(&demo_against(&cluster.installation));
    cluster.installation.stop();
}

#[tokio::test]
async fn without_the_anchor_function_authentication_goes_on_and_registration_is_refused_clearly() {
    let cluster = Cluster::start();
    let mut device = in_service(
        &cluster.folder().join("device"),
        &cluster.installation.lab(),
    )
    .await;
    kill_function(&cluster.installation, "aanf");

    // The result does not wait for the AAnF: it hears later. TS 33.535 6.1
    device.authenticate().await.unwrap();
    let refused = device.register().await.err().unwrap();
    assert!(matches!(refused, UeError::Refused { .. }), "{refused:?}");
    assert_eq!(refused.cause(), Cause::TemporarilyUnavailable);

    let demo = demo_against(&cluster.installation);
    assert_eq!(demo.status.code(), Some(1));
    assert!(
        said(&demo).contains("aanf does not answer"),
        "{}",
        said(&demo)
    );
    cluster.installation.stop();
}

#[test]
fn functions_end_with_the_process_that_started_them() {
    let mut cluster = Cluster::start();
    let mut admin_urls = cluster.installation.admin_urls();
    // Their parent alone.
    cluster.installation.process.signal(Signal::KILL);
    cluster.installation.process.wait();
    poll("the functions end", || {
        admin_urls.retain(|url| get(&format!("{url}/livez")).is_some());
        admin_urls.is_empty().then_some(())
    });
    let again = start(cluster.folder());
    assert_whole_story(&demo_against(&again));
    again.stop();
}

/// Ends the process of a function as a power cut does.
pub(crate) fn kill_function(installation: &Installation, function: &str) {
    let settings = format!(
        "{}/processes/{function}.toml",
        installation.data().display()
    );
    let pid = std::fs::read_dir("/proc").unwrap().find_map(|entry| {
        let folder = entry.unwrap().path();
        let command = std::fs::read(folder.join("cmdline")).ok()?;
        let is_it = command
            .split(|octet| *octet == 0)
            .any(|word| word == settings.as_bytes());
        is_it
            .then(|| folder.file_name()?.to_str()?.parse().ok())
            .flatten()
    });
    let pid = Pid::from_raw(pid.expect("the function runs")).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    // Its sockets are closed when it is gone, though nobody may have asked for its status.
    poll("the function is gone", || {
        let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
        state
            .map_or(true, |state| state.contains(") Z "))
            .then_some(())
    });
}

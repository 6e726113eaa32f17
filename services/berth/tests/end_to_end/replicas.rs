//! Two processes of each function on one Redis server: stories go on whichever of them is killed.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nf_runtime::random::Random;
use rustix::process::Signal;
use tempfile::{TempDir, tempdir};
use ue::{CertificatePresentation, NetworkChoice, SignUp, Ue, UeError};

use crate::balancer::Balancer;
use crate::cluster::kill_function;
use crate::device::manufacture;
use crate::installation::Installation;
use crate::process::{Running, berth, get, poll};
use crate::redis_server::RedisServer;

const FUNCTIONS: [&str; 7] = [
    "vault",
    "aanf",
    "configuration-management",
    "certificate-fetcher",
    "subscription-manager",
    "ausf",
    "msgin5g-server",
];

/// One process of a function.
struct Replica {
    function: &'static str,
    settings: Vec<(String, String)>,
    file: PathBuf,
    admin: SocketAddr,
    log: PathBuf,
    process: Option<Running>,
}

impl Replica {
    fn start(&mut self) {
        let mut command = berth();
        command
            .args([self.function, "--config"])
            .arg(&self.file)
            .envs(self.settings.iter().cloned());
        self.process = Some(Running::start(&mut command, &self.log));
    }

    fn wait_until_ready(&mut self) {
        let url = format!("http://{}/readyz", self.admin);
        poll("a replica is ready", || {
            if let Some(process) = &mut self.process
                && let Some(status) = process.ended()
            {
                panic!("{} ended with {status}: {}", self.function, process.said());
            }
            get(&url)
                .is_some_and(|(code, _)| code == 200)
                .then_some(())
        });
    }

    /// Calls that it has answered.
    fn answered(&self) -> u64 {
        let (_, metrics) = get(&format!("http://{}/metrics", self.admin)).unwrap();
        let counts = metrics
            .lines()
            .filter(|line| line.starts_with("berth_rpc_server_duration_seconds_count"))
            .filter_map(|line| line.split(' ').nth(1)?.parse::<u64>().ok());
        counts.sum()
    }
}

/// Two replicas of each function, and what leads devices to them.
struct Replicas {
    replicas: Vec<Replica>,
    _gateway: Replica,
    _balancers: [Balancer; 3],
    installation: Installation,
    _redis: RedisServer,
    folder: TempDir,
}

impl Replicas {
    async fn start() -> Self {
        let folder = tempdir().unwrap();
        let redis = RedisServer::start();
        let settings = folder.path().join("berth.toml");
        std::fs::write(&settings, redis.settings()).unwrap();
        let arguments = [
            "--lab",
            "--processes",
            "--config",
            settings.to_str().unwrap(),
        ];
        // It makes keys, settings and the laboratory; the processes are replaced.
        let installation = Installation::start(&folder.path().join("data"), &arguments);
        for function in FUNCTIONS.into_iter().chain(["access-gateway"]) {
            kill_function(&installation, function);
        }

        let ports: BTreeMap<_, _> = FUNCTIONS
            .map(|function| (function, [free_tcp(), free_tcp()]))
            .into();
        let peers: Vec<_> = ports
            .iter()
            .map(|(function, [first, second])| {
                let name = function.replace('-', "_").to_uppercase();
                (format!("BERTH__PEERS__{name}"), format!("{first},{second}"))
            })
            .collect();
        let (portals, provisioning, messaging) = (
            vec![free_tcp(), free_tcp()],
            vec![free_udp(), free_udp()],
            vec![free_udp(), free_udp()],
        );
        let portal = address_in(&installation.endpoint("portal_url"));
        let coaps = address_in(&installation.endpoint("coaps_uri"));
        let balancers = [
            Balancer::tcp(portal, portals.clone()).await,
            Balancer::udp("127.0.0.1:0".parse().unwrap(), provisioning.clone()).await,
            Balancer::udp(coaps, messaging.clone()).await,
        ];
        let provisioning_uri = format!("coaps://{}", balancers[1].address());

        let processes = installation.data().join("processes");
        let replica = |function: &'static str, number: usize, settings: Vec<(&str, String)>| {
            let admin = free_tcp();
            let mut all = peers.clone();
            all.push(("BERTH__ADMIN_LISTEN".to_owned(), admin.to_string()));
            all.extend(
                settings
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value)),
            );
            Replica {
                function,
                settings: all,
                file: processes.join(format!("{function}.toml")),
                admin,
                log: folder.path().join(format!("{function}-{number}")),
                process: None,
            }
        };
        let mut replicas = Vec::new();
        for function in FUNCTIONS {
            let name = function.replace('-', "_").to_uppercase();
            let listen = format!("BERTH__LISTEN__{name}");
            for number in 0..2 {
                let mut settings = vec![(listen.as_str(), ports[function][number].to_string())];
                match function {
                    "subscription-manager" => settings.extend([
                        (
                            "BERTH__SUBSCRIPTION_MANAGER__PORTAL_LISTEN",
                            portals[number].to_string(),
                        ),
                        (
                            "BERTH__SUBSCRIPTION_MANAGER__PROVISIONING_LISTEN",
                            provisioning[number].to_string(),
                        ),
                        (
                            "BERTH__SUBSCRIPTION_MANAGER__PROVISIONING_URI",
                            provisioning_uri.clone(),
                        ),
                    ]),
                    "msgin5g-server" => settings.push((
                        "BERTH__MSGIN5G_SERVER__LISTEN",
                        messaging[number].to_string(),
                    )),
                    _ => {}
                }
                replicas.push(replica(function, number, settings));
            }
        }
        let mut gateway = replica("access-gateway", 0, Vec::new());
        for replica in replicas.iter_mut().chain([&mut gateway]) {
            replica.start();
        }
        for replica in replicas.iter_mut().chain([&mut gateway]) {
            replica.wait_until_ready();
        }
        Self {
            replicas,
            _gateway: gateway,
            _balancers: balancers,
            installation,
            _redis: redis,
            folder,
        }
    }

    /// A device's way from bare to registered; answers which steps took two attempts.
    async fn story(&self, name: &str) -> Vec<String> {
        let lab = self.installation.lab();
        let folder = self.folder.path().join(name);
        let mut device = manufacture(&folder, &lab, CertificatePresentation::Url);
        let mut repeated = Vec::new();
        if let Err(error) = onboard(&mut device).await {
            repeated.push(format!("onboard: {error:?}"));
            onboard(&mut device).await.unwrap();
        }
        if let Err(error) = device.authenticate().await {
            repeated.push(format!("authenticate: {error:?}"));
            device.authenticate().await.unwrap();
        }
        if let Err(error) = device.register().await {
            repeated.push(format!("register: {error:?}"));
            device.register().await.unwrap();
        }
        repeated
    }
}

async fn onboard(device: &mut Ue) -> Result<(), UeError> {
    Box::pin(device.onboard(&NetworkChoice::Auto, &SignUp::Automatic, &mut |_| {}))
        .await
        .map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_story_is_told_whichever_replica_is_killed_in_its_course() {
    let mut replicas = Replicas::start().await;
    for number in 0..3 {
        let repeated = replicas.story(&format!("calm-{number}")).await;
        assert!(repeated.is_empty(), "{repeated:?}");
    }
    for replica in &replicas.replicas {
        let answered = replica.answered();
        assert!(
            answered > 0 || replica.function == "msgin5g-server",
            "nobody called {} at {}",
            replica.function,
            replica.admin
        );
    }

    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let random = Random::seeded(seed);
    for victim in 0..replicas.replicas.len() {
        let mut process = replicas.replicas[victim].process.take().unwrap();
        let function = replicas.replicas[victim].function;
        let after = Duration::from_millis(u64::from(random.array::<1>()[0]) * 4);
        let killer = std::thread::spawn(move || {
            // Somewhere in the story.
            std::thread::sleep(after);
            process.signal(Signal::KILL);
            process.wait();
        });
        let begun = Instant::now();
        let repeated = replicas.story(&format!("killed-{victim}")).await;
        println!(
            "{function} killed after {after:?}: {:?}, repeated: {repeated:?}",
            begun.elapsed()
        );
        killer.join().unwrap();
        replicas.replicas[victim].start();
        replicas.replicas[victim].wait_until_ready();
    }
    let repeated = replicas.story("last").await;
    assert!(repeated.is_empty(), "{repeated:?}");
}

/// A port that was free a moment ago.
fn free_tcp() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

fn free_udp() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// The address in a URL of this machine.
fn address_in(url: &str) -> SocketAddr {
    let (_, rest) = url.split_once("://").unwrap();
    let authority = rest.split('/').next().unwrap();
    authority
        .replace("localhost", "127.0.0.1")
        .parse()
        .unwrap_or_else(|error| panic!("{url}: {error}"))
}


//! Two processes of each function on one Redis server: stories go on whichever of them is killed.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nf_api::pb::aanf::anchor_key_service_client::AnchorKeyServiceClient;
use nf_api::pb::aanf::application_key_service_client::ApplicationKeyServiceClient;
use nf_api::pb::aanf::watch_contexts_response::Kind as ContextChange;
use nf_api::pb::aanf::{RemoveContextRequest, WatchContextsRequest};
use nf_api::pb::configuration_management::association_service_client::AssociationServiceClient;
use nf_api::pb::configuration_management::watch_associations_response::Kind as AssociationChange;
use nf_api::pb::configuration_management::{
    Association, CloseAssociationRequest, PutAssociationRequest, WatchAssociationsRequest,
    association,
};
use nf_api::{Caller, NetworkFunction};
use nf_runtime::Runtime;
use nf_runtime::grpc::{self, Channel, GrpcConfig};
use nf_runtime::lifecycle::ShutdownConfig;
use nf_runtime::pki::LabAuthority;
use nf_runtime::random::Random;
use nf_runtime::tls::TlsIdentity;
use rustix::process::Signal;
use tempfile::{TempDir, tempdir};
use ue::{CertificatePresentation, NetworkChoice, Phase, Progress, SignUp, Ue, UeError};

use crate::balancer::Balancer;
use crate::cluster::kill_function;
use crate::device::{Memory, manufacture};
use crate::installation::Installation;
use crate::process::{Running, berth, free_address, get, poll};
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

/// Within this time a right that was taken away is gone.
const SOON: Duration = Duration::from_secs(1);

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
            get(&url).is_some_and(|(code, _)| code == 200).then_some(())
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
    ports: BTreeMap<&'static str, [SocketAddr; 2]>,
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
            .map(|function| (function, [free_address(), free_address()]))
            .into();
        let peers: Vec<_> = ports
            .iter()
            .map(|(function, [first, second])| {
                let name = function.replace('-', "_").to_uppercase();
                (format!("BERTH__PEERS__{name}"), format!("{first},{second}"))
            })
            .collect();
        let (portals, provisioning, messaging) = (
            vec![free_address(), free_address()],
            vec![free_address(), free_address()],
            vec![free_address(), free_address()],
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
            let admin = free_address();
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
            ports,
            _gateway: gateway,
            _balancers: balancers,
            installation,
            _redis: redis,
            folder,
        }
    }

    /// The way to one replica of a function, as another function.
    fn channel(&self, caller: NetworkFunction, callee: NetworkFunction, number: usize) -> Channel {
        let authority = LabAuthority::load(&self.installation.data().join("pki")).unwrap();
        let identity = authority
            .install(
                &Caller::function(caller),
                &["localhost"],
                &[Ipv4Addr::LOCALHOST.into()],
            )
            .unwrap();
        let identity = TlsIdentity::load(&identity).unwrap();
        let address = self.ports[callee.name()][number].to_string();
        let runtime = Runtime::new(ShutdownConfig::default(), GrpcConfig::default());
        grpc::connect(&address, &identity, callee, &runtime).unwrap()
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
        let after = Duration::from_millis(u64::from(random.array::<1>()[0]) * 2);
        let killer = std::thread::spawn(move || {
            // Somewhere in a story.
            std::thread::sleep(after);
            process.signal(Signal::KILL);
            process.wait();
        });
        // Until one was told from its beginning to its end without the victim.
        let mut told_without = false;
        for number in 0.. {
            let is_gone = killer.is_finished();
            let begun = Instant::now();
            let repeated = replicas.story(&format!("killed-{victim}-{number}")).await;
            println!(
                "{function} killed after {after:?}: {:?}, repeated: {repeated:?}",
                begun.elapsed()
            );
            if std::mem::replace(&mut told_without, is_gone) {
                break;
            }
        }
        killer.join().unwrap();
        replicas.replicas[victim].start();
        replicas.replicas[victim].wait_until_ready();
    }
    let repeated = replicas.story("last").await;
    assert!(repeated.is_empty(), "{repeated:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_away_at_one_replica_is_told_by_the_other_within_a_second() {
    use NetworkFunction::{
        Aanf, Ausf, ConfigurationManagement, Msgin5gServer, SubscriptionManager,
    };
    let replicas = Replicas::start().await;
    assert!(replicas.story("device").await.is_empty());
    let memory = Memory::read(&replicas.folder.path().join("device"));
    let supi = memory.secret.supi.as_text().to_owned();

    let second = replicas.channel(Msgin5gServer, Aanf, 1);
    let mut contexts = ApplicationKeyServiceClient::new(second)
        .watch_contexts(WatchContextsRequest::default())
        .await
        .unwrap()
        .into_inner();
    contexts.message().await.unwrap().unwrap();
    let first = replicas.channel(Ausf, Aanf, 0);
    let remove = RemoveContextRequest { supi: supi.clone() };
    AnchorKeyServiceClient::new(first)
        .remove_context(remove)
        .await
        .unwrap();
    let removed = Instant::now();
    while contexts.message().await.unwrap().unwrap().kind() != ContextChange::Removed {}
    assert!(removed.elapsed() < SOON, "{:?}", removed.elapsed());

    let second = replicas.channel(Msgin5gServer, ConfigurationManagement, 1);
    let mut changes = AssociationServiceClient::new(second)
        .watch_associations(WatchAssociationsRequest::default())
        .await
        .unwrap()
        .into_inner();
    changes.message().await.unwrap().unwrap();
    let first = replicas.channel(SubscriptionManager, ConfigurationManagement, 0);
    let mut manager = AssociationServiceClient::new(first);
    let subscription_id = "sub_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned();
    let association = Association {
        association_id: "asc_test".to_owned(),
        subscription_id: subscription_id.clone(),
        supi,
        tenant_id: "lab".to_owned(),
        ue_service_id: "second@msgin5g.berth.test".to_owned(),
        kind: association::Kind::Direct.into(),
        ..Association::default()
    };
    let put = PutAssociationRequest {
        association: Some(association),
    };
    manager.put(put).await.unwrap();
    while changes.message().await.unwrap().unwrap().kind() != AssociationChange::Changed {}
    let close = CloseAssociationRequest {
        subscription_id,
        association_id: "asc_test".to_owned(),
    };
    manager.close(close).await.unwrap();
    let closed = Instant::now();
    while changes.message().await.unwrap().unwrap().kind() != AssociationChange::Changed {}
    assert!(closed.elapsed() < SOON, "{:?}", closed.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_waits_for_its_package_gets_it_though_both_its_servers_were_killed() {
    let mut cluster = Replicas::start().await;
    let mut replicas = std::mem::take(&mut cluster.replicas);
    // Without them the enrolment waits, and the device observes its profile.
    for replica in &mut replicas {
        if replica.function == "configuration-management" {
            replica.process.take().unwrap().kill();
        }
    }
    let (waits, waiting) = std::sync::mpsc::channel();
    let killer = std::thread::spawn(move || {
        waiting.recv().unwrap();
        // One after the other, so that one is always there: whoever works for the device, and whoever it observes.
        for replica in &mut replicas {
            if replica.function == "subscription-manager" {
                replica.process.take().unwrap().kill();
                replica.start();
                replica.wait_until_ready();
            }
        }
        for replica in &mut replicas {
            if replica.function == "configuration-management" {
                replica.start();
            }
        }
        replicas
    });
    let lab = cluster.installation.lab();
    let folder = cluster.folder.path().join("device");
    let mut device = manufacture(&folder, &lab, CertificatePresentation::Url);
    let begun = Instant::now();
    let mut hear = |progress: Progress| {
        if matches!(progress, Progress::Began(Phase::Profile)) {
            waits.send(()).unwrap();
        }
    };
    Box::pin(device.onboard(&NetworkChoice::Auto, &SignUp::Automatic, &mut hear))
        .await
        .unwrap();
    println!("onboarded in {:?}", begun.elapsed());
    let replicas = killer.join().unwrap();
    device.authenticate().await.unwrap();
    drop(replicas);
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

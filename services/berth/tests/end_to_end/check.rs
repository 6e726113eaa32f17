//! `berth check --config` and `berth lab` beside functions that run as processes of their own.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Output;

use nf_api::pb::aanf::ListAccessPoliciesRequest;
use nf_api::pb::aanf::access_policy_service_client::AccessPolicyServiceClient;
use nf_api::pb::ausf::manufacturer_service_client::ManufacturerServiceClient;
use nf_api::pb::ausf::{ListManufacturersRequest, PutManufacturerRequest};
use nf_api::pb::subscription_manager::ListPlansRequest;
use nf_api::pb::subscription_manager::plan_service_client::PlanServiceClient;
use nf_api::{Caller, NetworkFunction};
use nf_runtime::pki::LabAuthority;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::cluster::kill_function;
use crate::device::in_service;
use crate::grpc::{SERVING_NETWORK_NAME, as_operator};
use crate::installation::Installation;
use crate::process::{Running, berth, output, poll, said};
use crate::redis_server::RedisServer;

const STEPS: [&str; 11] = [
    "laboratory",
    "manufacture",
    "owa",
    "limited",
    "sign-up",
    "profile",
    "aka",
    "akma",
    "register",
    "message",
    "clean-up",
];

/// Functions in processes that know the gateway `test` and nobody's manufacturer; they are gone before their server.
pub(crate) struct Cluster {
    pub(crate) installation: Installation,
    /// Settings of `berth check` and `berth lab`.
    pub(crate) settings: PathBuf,
    pub(crate) folder: TempDir,
    _redis: RedisServer,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Functions with settings that override all others.
    pub(crate) fn start_with(environment: &[(&str, &str)]) -> Self {
        let folder = tempdir().unwrap();
        let redis = RedisServer::start();
        let functions = folder.path().join("functions.toml");
        let networks = format!(
            "[[ausf.access_gateways]]\nname = \"test\"\nserving_network_names = [\"{SERVING_NETWORK_NAME}\"]\n\
             [[ausf.home_networks]]\nmcc = \"001\"\nmnc = \"01\"\n"
        );
        std::fs::write(&functions, redis.settings() + &networks).unwrap();
        let arguments = ["--processes", "--config", functions.to_str().unwrap()];
        let installation =
            Installation::start_with(&folder.path().join("data"), &arguments, environment);
        let settings = folder.path().join("test.toml");
        std::fs::write(&settings, visitor(&installation, folder.path())).unwrap();
        Self {
            installation,
            settings,
            folder,
            _redis: redis,
        }
    }

    pub(crate) fn check(&self, arguments: &[&str]) -> Output {
        let mut command = berth();
        command.args(["check", "--json", "--config"]);
        output(command.arg(&self.settings).args(arguments))
    }

    /// What operators have registered, by name.
    pub(crate) async fn registered(&self) -> BTreeSet<String> {
        let operator = |function| as_operator(&self.installation, function);
        let manufacturers = ManufacturerServiceClient::new(operator(NetworkFunction::Ausf))
            .list(ListManufacturersRequest {})
            .await
            .unwrap()
            .into_inner()
            .manufacturers;
        let plans = PlanServiceClient::new(operator(NetworkFunction::SubscriptionManager))
            .list(ListPlansRequest {})
            .await
            .unwrap()
            .into_inner()
            .plans;
        let policies = AccessPolicyServiceClient::new(operator(NetworkFunction::Aanf))
            .list(ListAccessPoliciesRequest {})
            .await
            .unwrap()
            .into_inner()
            .policies;
        let names = manufacturers.into_iter().map(|entry| entry.name);
        let names = names.chain(plans.into_iter().map(|plan| plan.plan_id));
        let names = names.chain(policies.into_iter().map(|policy| policy.af_fqdn));
        names.collect()
    }
}

/// Settings of somebody who comes with an operator's and a gateway's identity.
fn visitor(installation: &Installation, folder: &Path) -> String {
    let authority = LabAuthority::load(&installation.data().join("pki")).unwrap();
    let gateway = Caller::Function {
        function: NetworkFunction::AccessGateway,
        instance: Some("test".to_owned()),
    };
    let gateway = authority
        .install(&gateway, &["localhost"], &[Ipv4Addr::LOCALHOST.into()])
        .unwrap();
    let of = |name| installation.endpoint(name);
    let peers = NetworkFunction::ALL
        .into_iter()
        .filter(|function| *function != NetworkFunction::AccessGateway)
        .map(|function| {
            let key = function.name().replace('-', "_");
            format!("{key} = \"{}\"\n", installation.endpoint(&key))
        })
        .collect::<String>();
    format!(
        "[peers]\n{peers}\
         [tls]\nca = \"{ca}\"\ncertificate = \"{}\"\nkey = \"{}\"\ntrust_domain = \"{}\"\n\
         [shutdown]\nsettle = \"0s\"\n\
         [lab]\nname = \"test\"\nn1_listen = \"127.0.0.1:0\"\ncertificate_listen = \"127.0.0.1:0\"\n\
         folder = \"{}\"\nportal_ca = \"{ca}\"\nmsgin5g_server_uri = \"{}\"\nmsgin5g_af_fqdn = \"{}\"\n\
         [lab.gateway]\nca = \"{ca}\"\ncertificate = \"{}\"\nkey = \"{}\"\n",
        of("admin_cert"),
        of("admin_key"),
        of("trust_domain"),
        folder.join("lab").display(),
        of("coaps_uri"),
        of("msgin5g_af_fqdn"),
        gateway.certificate.display(),
        gateway.key.display(),
        ca = of("ca"),
    )
}

/// All objects that were printed.
fn lines(stdout: &str) -> Vec<Value> {
    let lines = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no object: {line}")));
    lines.collect()
}

pub(crate) fn told(output: &Output) -> Vec<Value> {
    lines(&String::from_utf8_lossy(&output.stdout))
}

/// The last object with a member.
fn last<'a>(lines: &'a [Value], member: &str) -> &'a Value {
    let found = lines.iter().rev().find(|line| line.get(member).is_some());
    found.unwrap_or_else(|| panic!("nothing has {member}: {lines:?}"))
}

#[tokio::test]
async fn stories_go_through_a_cluster_and_leave_nothing_registered() {
    let cluster = Cluster::start();
    let left = "berth-check-1000000000-00000001";
    leave_behind(&cluster, left).await;
    let keys = cluster
        .folder
        .path()
        .join("lab")
        .join(left)
        .join("manufacturer");
    std::fs::create_dir_all(keys).unwrap();
    leave_behind(&cluster, "Acme").await;

    let played = cluster.check(&["--story", "--repeat", "2"]);
    assert_eq!(played.status.code(), Some(0), "{}", said(&played));
    let lines = told(&played);
    for function in NetworkFunction::ALL {
        let found = lines.iter().any(|line| {
            let about = line["about"].as_str().unwrap_or_default();
            about.starts_with(function.name()) && line["verdict"] == "good"
        });
        assert_eq!(
            found,
            function != NetworkFunction::AccessGateway,
            "{function}: {}",
            said(&played)
        );
    }
    let stores = lines.iter().filter(|line| {
        line["about"]
            .as_str()
            .is_some_and(|about| about.starts_with("store"))
    });
    let advice = stores.map(|line| (line["verdict"].as_str(), line["text"].as_str().unwrap()));
    for (verdict, text) in advice {
        assert_eq!(verdict, Some("advice"), "{text}");
        assert!(text.contains("laboratory"), "{text}");
    }
    for story in 1..=2 {
        let steps = lines
            .iter()
            .filter(|line| line["story"] == story && line.get("step").is_some());
        let steps = steps.map(|line| {
            assert_eq!(line["attempts"], 1, "{line}");
            assert_eq!(line["trace_id"].as_str().unwrap().len(), 32, "{line}");
            assert!(line["ms"].is_u64(), "{line}");
            line["step"].as_str().unwrap()
        });
        assert_eq!(steps.collect::<Vec<_>>(), STEPS, "{}", said(&played));
    }
    let summary = last(&lines, "stories");
    assert_eq!(summary["stories"], 2);
    assert_eq!(summary["retried_steps"], 0);
    assert_eq!(summary["failures"], 0);

    // Behind the name of one function answers another.
    let mut misled = berth();
    misled
        .args(["check", "--json", "--config"])
        .arg(&cluster.settings);
    misled.env("BERTH__PEERS__AUSF", cluster.installation.endpoint("aanf"));
    let misled = output(&mut misled);
    assert_eq!(misled.status.code(), Some(1), "{}", said(&misled));
    let found = "another identity than spiffe://berth.internal/nf/ausf";
    assert!(said(&misled).contains(found), "{}", said(&misled));

    // An identity that the functions do not believe is this command's fault, not theirs.
    let foreign = LabAuthority::create(&cluster.folder.path().join("foreign"), "berth.internal");
    let operator = Caller::Operator {
        name: "admin".to_owned(),
    };
    let foreign = foreign
        .unwrap()
        .install(&operator, &["localhost"], &[])
        .unwrap();
    let mut refused = berth();
    refused
        .args(["check", "--json", "--config"])
        .arg(&cluster.settings);
    refused.env("BERTH__TLS__CERTIFICATE", &foreign.certificate);
    let refused = output(refused.env("BERTH__TLS__KEY", &foreign.key));
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    let found = told(&refused);
    let said_so = |line: &&Value| {
        let text = line["text"].as_str().unwrap_or_default();
        text.starts_with("it refuses the certificate of this command")
            && text.contains(&foreign.certificate.display().to_string())
    };
    let functions = found.iter().filter(said_so).count();
    assert_eq!(functions, 7, "{}", said(&refused));
    assert!(
        said(&refused).contains("it does not end at"),
        "{}",
        said(&refused)
    );

    // What a killed story left is gone too; what is somebody else's is not.
    let registered = cluster.registered().await;
    assert_eq!(registered, BTreeSet::from(["Acme".to_owned()]));
    assert!(!cluster.folder.path().join("lab").join(left).exists());
    cluster.installation.stop();
}

/// Registers a manufacturer as it would stay after a kill.
async fn leave_behind(cluster: &Cluster, name: &str) {
    let key = rcgen::KeyPair::generate().unwrap();
    let anchor = rcgen::CertificateParams::default()
        .self_signed(&key)
        .unwrap();
    let manufacturer = nf_api::pb::ausf::Manufacturer {
        name: name.to_owned(),
        device_anchors: vec![anchor.der().to_vec()],
        ..Default::default()
    };
    let channel = as_operator(&cluster.installation, NetworkFunction::Ausf);
    ManufacturerServiceClient::new(channel)
        .put(PutManufacturerRequest {
            manufacturer: Some(manufacturer),
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_story_without_the_message_server_fails_clearly_and_is_removed() {
    let cluster = Cluster::start();
    kill_function(&cluster.installation, "msgin5g-server");
    let played = cluster.check(&["--story", "--step-retries", "0"]);
    assert_eq!(played.status.code(), Some(1), "{}", said(&played));
    let lines = told(&played);
    let found = lines.iter().find(|line| {
        let about = line["about"].as_str().unwrap_or_default();
        about.starts_with("msgin5g-server") && line["verdict"] == "bad"
    });
    let found = found.unwrap_or_else(|| panic!("{}", said(&played)));
    let text = found["text"].as_str().unwrap();
    assert!(text.contains("does not answer"), "{text}");
    let ended = last(&lines, "story_ms");
    assert_eq!(ended["ok"], false);
    let detail = ended["detail"].as_str().unwrap();
    assert!(detail.starts_with("register failed"), "{detail}");
    assert_eq!(last(&lines, "stories")["failures"], 1);
    assert_eq!(last(&lines, "step")["step"], "clean-up");
    assert_eq!(cluster.registered().await, BTreeSet::new());
    cluster.installation.stop();
}

#[tokio::test]
async fn a_signal_ends_stories_and_leaves_nothing_registered() {
    let cluster = Cluster::start();
    let start = |arguments: &[&str], log: &str| {
        let mut command = berth();
        command.args(["check", "--json", "--config"]);
        command
            .arg(&cluster.settings)
            .arg("--story")
            .args(arguments);
        Running::start(&mut command, &cluster.folder.path().join(log))
    };
    let printed = |playing: &Running, needle: &str| {
        poll(needle, || playing.stdout().contains(needle).then_some(()));
    };

    let mut broken_off = start(&["--repeat", "1000"], "broken-off");
    printed(&broken_off, "\"step\":\"manufacture\"");
    broken_off.signal(Signal::TERM);
    let status = broken_off.wait();
    assert_eq!(status.code(), Some(1), "{}", broken_off.said());
    assert_eq!(
        last(&lines(&broken_off.stdout()), "stories")["broken_off"],
        true
    );
    assert_eq!(cluster.registered().await, BTreeSet::new());

    let mut endless = start(&["--until-stopped"], "endless");
    printed(&endless, "\"story_ms\"");
    endless.signal(Signal::TERM);
    let status = endless.wait();
    assert_eq!(status.code(), Some(0), "{}", endless.said());
    let told = lines(&endless.stdout());
    let stories = last(&told, "stories")["stories"].as_u64().unwrap();
    let ends = told.iter().filter(|line| line.get("story_ms").is_some());
    assert_eq!(ends.count() as u64, stories);
    assert_eq!(cluster.registered().await, BTreeSet::new());
    cluster.installation.stop();
}

#[tokio::test]
async fn a_laboratory_serves_devices_until_it_is_stopped() {
    let cluster = Cluster::start();
    let mut command = berth();
    command.args(["lab", "--config"]).arg(&cluster.settings);
    let mut lab = Running::start(&mut command, &cluster.folder.path().join("berth-lab"));
    poll("the laboratory is ready", || {
        if let Some(status) = lab.ended() {
            panic!("{status}: {}", lab.said());
        }
        lab.said().contains("ready: ").then_some(())
    });
    let folder = cluster.folder.path();
    let device = in_service(&folder.join("device"), &folder.join("lab")).await;
    let registered = device.register().await.unwrap();
    registered.deregister().await.unwrap();
    let expected = [
        "Laboratory manufacturer test",
        "berth-lab-test",
        "msgin5g.berth.test",
    ];
    let registered = cluster.registered().await;
    assert_eq!(registered, expected.map(str::to_owned).into());

    lab.signal(Signal::TERM);
    let status = lab.wait();
    assert_eq!(status.code(), Some(0), "{}", lab.said());
    assert_eq!(cluster.registered().await, BTreeSet::new());
    cluster.installation.stop();
}

//! Who reaches whom inside the installation: every pair is tried, from a pod that carries the labels of a component.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::pods::visitor;
use super::{Cluster, RELEASE, component, items};
use crate::probe::Target;
use crate::provider::ROLES;

const GRPC: u16 = 8443;
const ADMIN: u16 = 9090;
const PORTAL: u16 = 8444;
const DEVICES: u16 = 5684;
const CERTIFICATES: u16 = 8481;
const STORE: u16 = 6379;
const HTTPS: u16 = 443;

/// A pod of the namespace that is none of the release's.
const STRANGER: &str = "stranger";
/// Another one, which answers at the port that the fetcher may reach anywhere but in private networks.
const NEIGHBOUR: &str = "neighbour";
/// The API server: outside of the installation, and for this installation the one private address that the fetcher may reach.
const OUTSIDE: &str = "outside";

/// What must be reachable; everything else must not be.
fn allowed(from: &str, to: &str, port: u16) -> bool {
    match (to, port) {
        (OUTSIDE, _) => matches!(from, "bootstrap" | "certificate-fetcher" | STRANGER),
        // The bootstrap may reach this port of any API server.
        (NEIGHBOUR, _) => matches!(from, "bootstrap" | STRANGER),
        (_, GRPC) => match from {
            "ausf" => matches!(
                to,
                "vault" | "aanf" | "subscription-manager" | "certificate-fetcher"
            ),
            "subscription-manager" => matches!(to, "vault" | "aanf" | "configuration-management"),
            "msgin5g-server" => matches!(to, "aanf" | "configuration-management"),
            "lab" => matches!(to, "ausf" | "subscription-manager" | "aanf" | "vault"),
            // An operator's check looks at every function.
            "test" => true,
            _ => false,
        },
        // Devices and people come from anywhere; functions do not go there.
        (_, PORTAL | DEVICES) => matches!(from, "lab" | "test" | STRANGER),
        (_, CERTIFICATES) => from == "certificate-fetcher",
        (_, STORE) => ROLES.contains(&from) && from != "certificate-fetcher",
        _ => false,
    }
}

/// What is tried: the name of who is there, its port, and how to reach it.
type Goal = (String, u16, Target);

/// Tries every pair.
pub(super) fn walk(cluster: &Cluster) -> Result<()> {
    let mut goals = goals(cluster)?;
    goals.insert((
        OUTSIDE.to_owned(),
        cluster.api.port(),
        Target::Tcp(cluster.api),
    ));
    let neighbour = SocketAddr::new(start_neighbour(cluster)?, HTTPS);
    goals.insert((NEIGHBOUR.to_owned(), HTTPS, Target::Tcp(neighbour)));

    // The bootstrap has run, and its policy went with it.
    let hooks = cluster.hooks()?;
    let policies = hooks
        .iter()
        .filter(|object| object["kind"] == "NetworkPolicy");
    for policy in policies {
        cluster
            .kubectl(&["apply", "--filename", "-"])
            .input(policy.to_string())
            .output()?;
    }

    let others = ["store", "test", "lab", "bootstrap", STRANGER];
    let sources = ROLES.iter().copied().chain(others).collect::<Vec<_>>();
    for from in &sources {
        start(cluster, from, &goals)?;
    }
    let mut wrong = Vec::new();
    for from in &sources {
        let (succeeded, text) = cluster.end_of(&format!("probe-{from}"))?;
        ensure!(succeeded, "the probe of {from} failed: {text}");
        for (to, port, target) in &goals {
            let reached = text.lines().any(|line| line == format!("reached {target}"));
            if reached != allowed(from, to, *port) {
                let verb = if reached { "reaches" } else { "does not reach" };
                wrong.push(format!("{from} {verb} {to}:{port}"));
            }
        }
    }
    cluster.discard(NEIGHBOUR)?;
    ensure!(wrong.is_empty(), "{}", wrong.join("; "));
    Ok(())
}

/// Every port of every pod of the release.
fn goals(cluster: &Cluster) -> Result<BTreeSet<Goal>> {
    let pods = cluster.get(&["pods", "--selector", super::SELECTOR])?;
    let mut goals = BTreeSet::new();
    for pod in items(&pods) {
        let role = component(pod);
        let Some(address) = pod["status"]["podIP"].as_str() else {
            continue;
        };
        let address = address.parse::<IpAddr>()?;
        let ports: &[u16] = match role {
            "subscription-manager" => &[GRPC, ADMIN, PORTAL, DEVICES],
            "msgin5g-server" => &[GRPC, ADMIN, DEVICES],
            "lab" => &[ADMIN, CERTIFICATES],
            "store" => &[STORE],
            role if ROLES.contains(&role) => &[GRPC, ADMIN],
            _ => continue,
        };
        for port in ports {
            let address = SocketAddr::new(address, *port);
            let target = match *port {
                DEVICES => Target::Dtls(address),
                _ => Target::Tcp(address),
            };
            goals.insert((role.to_owned(), *port, target));
        }
    }
    Ok(goals)
}

/// Starts a pod that listens; answers where it is.
fn start_neighbour(cluster: &Cluster) -> Result<IpAddr> {
    let words = ["trace-sink", "--listen", &format!("0.0.0.0:{HTTPS}")];
    let mut pod = visitor(NEIGHBOUR, &cluster.images.tag, &words);
    // Its user is not root.
    pod["spec"]["securityContext"]["sysctls"] =
        json!([{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]);
    cluster.discard(NEIGHBOUR)?;
    cluster
        .kubectl(&["create", "--filename", "-"])
        .input(pod.to_string())
        .output()?;
    cluster.running(NEIGHBOUR)?;
    let pod = cluster.get(&["pod", NEIGHBOUR])?;
    let address = pod["status"]["podIP"].as_str();
    Ok(address.context("a pod that runs has an address")?.parse()?)
}

fn start(cluster: &Cluster, from: &str, goals: &BTreeSet<Goal>) -> Result<()> {
    let targets = goals.iter().map(|(.., target)| target.to_string());
    let targets = targets.collect::<Vec<_>>();
    let mut words = vec!["probe"];
    words.extend(targets.iter().map(String::as_str));
    let mut pod = visitor(&format!("probe-{from}"), &cluster.images.tag, &words);
    if from != STRANGER {
        pod["metadata"]["labels"] = json!({
            "app.kubernetes.io/name": "berth",
            "app.kubernetes.io/instance": RELEASE,
            "app.kubernetes.io/component": from,
        });
    }
    // It must never become an endpoint of the Service whose labels it carries.
    pod["spec"]["containers"][0]["readinessProbe"] =
        json!({"tcpSocket": {"port": 1}, "periodSeconds": 60});
    cluster.discard(&format!("probe-{from}"))?;
    cluster
        .kubectl(&["create", "--filename", "-"])
        .input(pod.to_string())
        .output()
        .map(drop)
}

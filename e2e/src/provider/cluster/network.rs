//! Who reaches whom inside the installation: every pair is tried, from a pod that carries the labels of a component.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::pods::visitor;
use super::{Cluster, RELEASE, component, items};
use crate::provider::ROLES;

const GRPC: u16 = 8443;
const ADMIN: u16 = 9090;
const PORTAL: u16 = 8444;
const STORE: u16 = 6379;

/// What must be reachable; everything else must not be. From, to, port.
fn allowed(from: &str, to: &str, port: u16) -> bool {
    match port {
        GRPC => match from {
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
        PORTAL => matches!(from, "lab" | "test" | STRANGER),
        STORE => ROLES.contains(&from) && from != "certificate-fetcher",
        _ => false,
    }
}

/// A pod of the namespace that is none of the release's.
const STRANGER: &str = "stranger";

/// Tries every pair.
pub(super) fn walk(cluster: &Cluster) -> Result<()> {
    let pods = cluster.get(&["pods", "--selector", super::SELECTOR])?;
    let mut targets = BTreeSet::new();
    for pod in items(&pods) {
        let role = component(pod);
        let Some(address) = pod["status"]["podIP"].as_str() else {
            continue;
        };
        let ports: &[u16] = match role {
            "subscription-manager" => &[GRPC, ADMIN, PORTAL],
            "store" => &[STORE],
            role if ROLES.contains(&role) => &[GRPC, ADMIN],
            _ => continue,
        };
        for port in ports {
            targets.insert((role.to_owned(), format!("{address}:{port}"), *port));
        }
    }
    let api = cluster.get(&[
        "endpointslices",
        "--namespace=default",
        "--selector=kubernetes.io/service-name=kubernetes",
    ])?;
    let slice = items(&api)
        .next()
        .context("the API server has no endpoint")?;
    let address = slice["endpoints"][0]["addresses"][0].as_str();
    let port = slice["ports"][0]["port"].as_u64();
    if let (Some(address), Some(port)) = (address, port) {
        // It stands for everything outside of the installation.
        targets.insert(("outside".to_owned(), format!("{address}:{port}"), 0));
    }

    let sources = ROLES
        .iter()
        .copied()
        .chain(["store", "test", "lab", STRANGER]);
    let sources = sources.collect::<Vec<_>>();
    let addresses = targets
        .iter()
        .map(|(_, address, _)| address.as_str())
        .collect::<Vec<_>>();
    for from in &sources {
        start(cluster, from, &addresses)?;
    }
    let mut wrong = Vec::new();
    for from in &sources {
        let (succeeded, text) = cluster.end_of(&format!("probe-{from}"))?;
        ensure!(succeeded, "the probe of {from} failed: {text}");
        for (to, address, port) in &targets {
            let reached = text
                .lines()
                .any(|line| line == format!("reached {address}"));
            let expected = match *from {
                // Without a policy of ours nothing holds it back from the rest of the world.
                STRANGER if to == "outside" => reached,
                from => allowed(from, to, *port),
            };
            if reached != expected {
                let verb = if reached { "reaches" } else { "does not reach" };
                wrong.push(format!("{from} {verb} {to}:{port}"));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("; "));
    Ok(())
}

fn start(cluster: &Cluster, from: &str, addresses: &[&str]) -> Result<()> {
    let words = [&["probe"], addresses].concat();
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
    cluster
        .kubectl(&["create", "--filename", "-"])
        .input(pod.to_string())
        .output()
        .map(drop)
}

//! From a cluster: what the API server says of a release. Secrets are not asked for.

use anyhow::Result;
use futures::future::join_all;
use serde_json::Value;

use super::{Bundle, PATIENCE};
use crate::kubernetes::{Kubernetes, PODS, Resource};

/// Objects, events, logs, and what the admin ports say.
pub(super) async fn collect(
    bundle: &mut Bundle,
    namespace: Option<&str>,
    release: &str,
    lines: u32,
) -> Result<()> {
    let server = Kubernetes::connect(namespace, PATIENCE).await?;
    let labels = format!("app.kubernetes.io/name=berth,app.kubernetes.io/instance={release}");
    let mut names = vec![release.to_owned()];
    for resource in RESOURCES {
        let name = format!("cluster/{}.json", resource.plural);
        match server.list(resource, &labels).await {
            Ok(mut objects) => {
                tidy(&mut objects);
                names.extend(items(&objects).filter_map(name_of).map(str::to_owned));
                bundle.add_result(
                    name,
                    serde_json::to_string_pretty(&objects).map_err(Into::into),
                );
            }
            Err(error) => bundle.miss(name, &error),
        }
    }
    let events = server.list(EVENTS, "").await.map(|mut events| {
        tidy(&mut events);
        keep(&mut events, &names);
        events.to_string()
    });
    bundle.add_result("cluster/events.json", events);

    let pods = server.list(PODS, &labels).await?;
    for pod in items(&pods) {
        of_pod(bundle, &server, pod, lines).await;
    }
    Ok(())
}

async fn of_pod(bundle: &mut Bundle, server: &Kubernetes, pod: &Value, lines: u32) {
    let Some(name) = name_of(pod) else { return };
    for (container, restarted) in containers(pod) {
        let file = format!("logs/{name}/{container}.log");
        bundle.add_result(file, server.log(name, container, false, lines).await);
        if restarted {
            let file = format!("logs/{name}/{container}.previous.log");
            bundle.add_result(file, server.log(name, container, true, lines).await);
        }
    }
    let running = pod["status"]["phase"] == "Running";
    if let Some(port) = admin_port(pod).filter(|_| running) {
        let asked = ADMIN_PAGES.map(|page| server.get_from_pod(name, &port, page));
        for (page, answer) in ADMIN_PAGES.iter().zip(join_all(asked).await) {
            bundle.add_result(format!("admin/{name}{page}"), answer);
        }
    }
}

/// Containers that have run, and whether they did so before.
fn containers(pod: &Value) -> impl Iterator<Item = (&str, bool)> {
    ["initContainerStatuses", "containerStatuses"]
        .into_iter()
        .flat_map(|kind| pod["status"][kind].as_array().into_iter().flatten())
        .filter_map(|status| {
            let restarted = status["restartCount"].as_u64() > Some(0);
            Some((status["name"].as_str()?, restarted))
        })
}

fn admin_port(pod: &Value) -> Option<String> {
    let containers = pod["spec"]["containers"].as_array()?;
    let mut ports = containers
        .iter()
        .flat_map(|container| container["ports"].as_array().into_iter().flatten());
    let admin = ports.find(|port| port["name"] == "admin")?;
    Some(admin["containerPort"].as_u64()?.to_string())
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list["items"].as_array().into_iter().flatten()
}

fn name_of(object: &Value) -> Option<&str> {
    object["metadata"]["name"].as_str()
}

/// Takes out what only the API server needs, and what repeats the object in another form.
fn tidy(list: &mut Value) {
    for object in list["items"].as_array_mut().into_iter().flatten() {
        let Some(metadata) = object["metadata"].as_object_mut() else {
            continue;
        };
        metadata.remove("managedFields");
        if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
}

/// Keeps the events of these objects, pods that are gone included.
fn keep(events: &mut Value, names: &[String]) {
    if let Some(items) = events["items"].as_array_mut() {
        items.retain(|event| {
            let about = event["involvedObject"]["name"].as_str().unwrap_or_default();
            names.iter().any(|name| about.starts_with(name.as_str()))
        });
    }
}

const fn resource(group: &'static str, plural: &'static str) -> Resource {
    Resource { group, plural }
}

const RESOURCES: [Resource; 14] = [
    PODS,
    resource("api/v1", "services"),
    resource("api/v1", "configmaps"),
    resource("api/v1", "serviceaccounts"),
    resource("api/v1", "persistentvolumeclaims"),
    resource("apis/apps/v1", "deployments"),
    resource("apis/apps/v1", "statefulsets"),
    resource("apis/apps/v1", "replicasets"),
    resource("apis/batch/v1", "jobs"),
    resource("apis/discovery.k8s.io/v1", "endpointslices"),
    resource("apis/networking.k8s.io/v1", "networkpolicies"),
    resource("apis/networking.k8s.io/v1", "ingresses"),
    resource("apis/autoscaling/v2", "horizontalpodautoscalers"),
    resource("apis/policy/v1", "poddisruptionbudgets"),
];
const EVENTS: Resource = resource("api/v1", "events");
const ADMIN_PAGES: [&str; 3] = ["/version", "/readyz", "/metrics"];

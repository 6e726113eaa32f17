//! From a cluster: what the API server says of a release. Secrets are not asked for.

use anyhow::{Result, ensure};
use futures::StreamExt as _;
use futures::future::{join, join_all};
use hyper::body::Bytes;
use serde_json::Value;

use super::{ADMIN_PAGES, Bundle, PATIENCE};
use crate::kubernetes::{Kubernetes, PODS, Resource};

/// Objects, events, logs, and what the admin ports say. Nothing waits for anything else that does not answer.
pub(super) async fn collect(
    bundle: &mut Bundle,
    namespace: Option<&str>,
    release: &str,
    lines: u32,
) -> Result<()> {
    let server = Kubernetes::connect(namespace, PATIENCE).await?;
    let labels = format!("app.kubernetes.io/name=berth,app.kubernetes.io/instance={release}");
    let asked = RESOURCES.map(|resource| server.list(resource, &labels));
    let (lists, events) = join(join_all(asked), server.list(EVENTS, "")).await;
    let mut names = vec![release.to_owned()];
    let mut pods = Vec::new();
    for (resource, objects) in RESOURCES.into_iter().zip(&lists) {
        let Ok(objects) = objects else { continue };
        names.extend(items(objects).filter_map(name_of).map(str::to_owned));
        if resource.plural == PODS.plural {
            pods.extend(items(objects).cloned());
        }
    }
    ensure!(
        names.len() > 1 || lists.iter().any(Result::is_err),
        "namespace {} holds nothing of a release {release}",
        server.namespace()
    );
    for (resource, objects) in RESOURCES.into_iter().zip(lists) {
        add(bundle, resource, objects);
    }
    let events = events.map(|mut events| {
        keep(&mut events, &names);
        events
    });
    add(bundle, EVENTS, events);
    let of_pods = pods.iter().map(|pod| of_pod(&server, pod, lines));
    let of_pods = futures::stream::iter(of_pods).buffered(PODS_AT_ONCE);
    for (name, content) in of_pods.collect::<Vec<_>>().await.into_iter().flatten() {
        bundle.add_result(name, content);
    }
    Ok(())
}

fn add(bundle: &mut Bundle, resource: Resource, objects: Result<Value>) {
    let name = format!("cluster/{}.json", resource.plural);
    match objects {
        Ok(mut objects) => {
            tidy(&mut objects);
            bundle.add_json(name, objects);
        }
        Err(error) => bundle.miss(name, &error),
    }
}

/// Logs of a pod, and what its admin port says.
async fn of_pod(server: &Kubernetes, pod: &Value, lines: u32) -> Vec<(String, Result<Bytes>)> {
    let mut found = Vec::new();
    let Some(name) = name_of(pod) else {
        return found;
    };
    for (container, restarted) in containers(pod) {
        let file = format!("logs/{name}/{container}.log");
        found.push((file, server.log(name, container, false, lines).await));
        if restarted {
            let file = format!("logs/{name}/{container}.previous.log");
            found.push((file, server.log(name, container, true, lines).await));
        }
    }
    let running = pod["status"]["phase"] == "Running";
    if let Some(port) = admin_port(pod).filter(|_| running) {
        let asked = ADMIN_PAGES.map(|page| server.get_from_pod(name, &port, page));
        let names = ADMIN_PAGES.map(|page| format!("admin/{name}{page}"));
        found.extend(names.into_iter().zip(join_all(asked).await));
    }
    found
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
/// How many pods are asked at a time.
const PODS_AT_ONCE: usize = 8;

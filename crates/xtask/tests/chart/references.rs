//! Whatever a pod names exists: it is rendered, made by the hook, made by cert-manager, or given by the values.

use std::collections::BTreeSet;

use serde_json::Value;

use super::rendering::{SETS, folder, objects, pods};

#[test]
fn every_object_that_a_pod_names_exists() {
    for set in SETS {
        let objects = objects(set);
        let given = set
            .iter()
            .map(|file| std::fs::read_to_string(folder().join(file)).unwrap())
            .collect::<String>();
        let made = made(&objects);
        for (name, _, pod) in pods(&objects) {
            for (kind, reference) in references(&pod) {
                let rendered = objects.iter().any(|object| {
                    object["kind"] == kind && object["metadata"]["name"] == reference.as_str()
                });
                let of_values = given.contains(&format!(": {reference}\n"));
                let secret = kind == "Secret" && (made.contains(&reference) || of_values);
                assert!(
                    rendered || secret,
                    "{name} of {set:?} names {kind} {reference}"
                );
            }
        }
    }
}

#[test]
fn services_lead_to_ports_of_pods() {
    for set in SETS {
        let objects = objects(set);
        for service in objects.iter().filter(|object| object["kind"] == "Service") {
            let selector = service["spec"]["selector"].as_object().unwrap();
            for port in service["spec"]["ports"].as_array().unwrap() {
                let found = pods(&objects).into_iter().any(|(_, labels, pod)| {
                    let selected = selector.iter().all(|(key, value)| labels[key] == *value);
                    let ports = pod["containers"][0]["ports"].as_array().cloned();
                    selected
                        && ports.into_iter().flatten().any(|own| {
                            own["name"] == port["targetPort"] && own["protocol"] == port["protocol"]
                        })
                });
                assert!(found, "{} of {set:?}: {port}", service["metadata"]["name"]);
            }
        }
    }
}

/// Secrets that the hook or cert-manager makes.
fn made(objects: &[Value]) -> BTreeSet<String> {
    let certificates = objects
        .iter()
        .filter(|object| object["kind"] == "Certificate");
    let certificates =
        certificates.map(|object| object["spec"]["secretName"].as_str().unwrap().to_owned());
    certificates.chain(of_spec(objects)).collect()
}

/// Secrets that the hook makes.
pub(crate) fn of_spec(objects: &[Value]) -> BTreeSet<String> {
    let spec = objects
        .iter()
        .find_map(|object| object["data"]["spec.toml"].as_str());
    let lines = spec.into_iter().flat_map(str::lines);
    let names = lines.filter_map(|line| line.strip_prefix("name = "));
    names
        .map(|name| name.trim_matches('"').to_owned())
        .collect()
}

/// Kind and name of everything that a pod names.
fn references(pod: &Value) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut note = |kind, name: &Value| {
        if let Some(name) = name.as_str() {
            found.push((kind, name.to_owned()));
        }
    };
    note("ServiceAccount", &pod["serviceAccountName"]);
    for volume in pod["volumes"].as_array().unwrap() {
        note("ConfigMap", &volume["configMap"]["name"]);
        note("Secret", &volume["secret"]["secretName"]);
        for source in volume["projected"]["sources"]
            .as_array()
            .into_iter()
            .flatten()
        {
            note("Secret", &source["secret"]["name"]);
        }
    }
    found
}

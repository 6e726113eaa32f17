//! Names, labels and texts that Kubernetes takes, whatever a release and its namespace are called.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::rendering::{
    Release, SETS, find, folder, helm, helm_of, name, objects_with, refusal, rendered,
};

#[test]
fn names_of_digits_stay_text() {
    let numbers = Release {
        chart: &folder(),
        name: "123",
        namespace: "12345",
        kinds: &["monitoring.coreos.com/v1/ServiceMonitor"],
    };
    let values = json!({
        "fullnameOverride": "core",
        "monitoring": {"serviceMonitor": {"enabled": true}},
        "defaults": {"priorityClassName": "1000"},
        "portal": {"tls": {"secretName": "77"}},
        "lab": {"enabled": true},
    });
    let objects = rendered(helm_of(numbers, &[], Some(&values)));
    for object in &objects {
        assert_eq!(object["metadata"]["namespace"], "12345", "{}", name(object));
        let numbers = numbers_at(object, "");
        let texts = ["name", "namespace", "instance", "Name", "--namespace"];
        for path in numbers {
            let text = texts.iter().any(|text| path.ends_with(text));
            assert!(!text, "{}: {path} is a number", name(object));
        }
    }
    let job = find(&objects, "Job", "core-bootstrap");
    let arguments = &job["spec"]["template"]["spec"]["containers"][0]["args"];
    assert_eq!(arguments[4], "12345");
}

#[test]
fn a_wildcard_is_a_host_of_the_ingress() {
    let ingress = json!({"enabled": true, "hosts": ["*.example.com"]});
    let objects = objects_with(&[], &json!({"portal": {"ingress": ingress}}));
    let ingress = find(&objects, "Ingress", "berth-portal");
    assert_eq!(ingress["spec"]["rules"][0]["host"], "*.example.com");
}

#[test]
fn a_prefix_that_no_service_can_have_is_refused_by_name() {
    for (key, value) in [
        ("fullnameOverride", "a.b"),
        ("fullnameOverride", "1x"),
        ("nameOverride", "a.b"),
    ] {
        let said = refusal(helm(&[], Some(&json!({key: value}))));
        assert!(said.contains(&format!("'/{key}'")), "{value}: {said}");
    }
    for release in ["prod.eu", "5g"] {
        let said = refusal(of_release(release));
        assert!(said.contains("set fullnameOverride"), "{said}");
    }
}

#[test]
fn prefixes_that_are_cut_stay_apart_and_leave_room() {
    let names = |release: &str| {
        let objects = rendered(of_release(release));
        let services = objects.iter().filter(|object| object["kind"] == "Service");
        let names = services.map(|object| object["metadata"]["name"].as_str().unwrap().to_owned());
        names.collect::<BTreeSet<_>>()
    };
    let (one, two) = (
        "a123456789-".repeat(4) + "one",
        "a123456789-".repeat(4) + "two",
    );
    let (one, two) = (names(&one), names(&two));
    assert!(one.is_disjoint(&two), "{one:?} {two:?}");
    assert!(one.iter().all(|name| name.len() <= 63), "{one:?}");
}

#[test]
fn labels_of_the_chart_are_not_given_twice() {
    for (values, path) in [
        (
            json!({"commonLabels": {"app.kubernetes.io/name": "x"}}),
            "/commonLabels/app.kubernetes.io",
        ),
        (
            json!({"services": {"ausf": {"podLabels": {"app.kubernetes.io/component": "x"}}}}),
            "/services/ausf/podLabels/app.kubernetes.io",
        ),
        (
            json!({"monitoring": {"serviceMonitor": {"labels": {"app.kubernetes.io/instance": "x"}}}}),
            "/monitoring/serviceMonitor/labels/app.kubernetes.io",
        ),
    ] {
        let said = refusal(helm(&[], Some(&values)));
        assert!(said.contains(path), "{path}: {said}");
    }
}

#[test]
fn a_pods_own_label_wins_over_the_common_one() {
    let values = json!({"commonLabels": {"team": "core"}, "services": {"ausf": {"podLabels": {"team": "radio"}}}});
    // A key that stands twice is no YAML that can be read.
    let objects = objects_with(&[], &values);
    let team = |name: &str| {
        find(&objects, "Deployment", name)["spec"]["template"]["metadata"]["labels"]["team"].clone()
    };
    assert_eq!(team("berth-ausf"), "radio");
    assert_eq!(team("berth-vault"), "core");
}

#[test]
fn every_label_is_text() {
    for set in SETS {
        for object in super::rendering::objects(set) {
            let labels = object["metadata"]["labels"].as_object().unwrap();
            assert!(labels.values().all(Value::is_string), "{}", name(&object));
        }
    }
}

fn of_release(name: &str) -> std::process::Output {
    let release = Release {
        chart: &folder(),
        name,
        namespace: "berth",
        kinds: &[],
    };
    helm_of(release, &[], None)
}

/// Paths of the numbers in a document.
fn numbers_at(value: &Value, path: &str) -> Vec<String> {
    match value {
        Value::Number(_) => vec![path.to_owned()],
        Value::Array(items) => items
            .iter()
            .flat_map(|item| numbers_at(item, path))
            .collect(),
        Value::Object(entries) => entries
            .iter()
            .flat_map(|(key, value)| numbers_at(value, &format!("{path}/{key}")))
            .collect(),
        _ => Vec::new(),
    }
}

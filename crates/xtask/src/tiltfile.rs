//! Tests of the Tiltfile, by the Starlark library that Tilt itself uses and stubs of Tilt's functions.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::chart;
use crate::run::root;

/// Evaluates the Tiltfile in a Kubernetes context with settings of `tilt up -- …`.
fn evaluate(context: &str, settings: &Value) -> Output {
    // Compiled within a second; Go's own cache keeps it.
    Command::new("go")
        .args(["run", "-mod=readonly", "."])
        .arg(root().join("Tiltfile"))
        .args([context, &settings.to_string()])
        .current_dir(root().join("crates/xtask/tiltfile"))
        .output()
        .expect("go can be started")
}

/// What the Tiltfile asks of Tilt.
fn calls(settings: &Value) -> Vec<Value> {
    let output = evaluate("kind-berth", settings);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("the calls are JSON")
}

fn named<'a>(calls: &'a [Value], name: &str) -> Vec<&'a Value> {
    calls.iter().filter(|call| call["name"] == name).collect()
}

/// Name of each workload that the chart renders with the Tiltfile's own values.
fn workloads() -> BTreeSet<String> {
    let output = Command::new(chart::helm().expect("helm is here"))
        .args(["template", "berth", "charts/berth"])
        .args(["--values", "charts/berth/ci/develop.yaml"])
        .current_dir(root())
        .output()
        .expect("helm can be started");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let documents = text.split("\n---").filter(|document| {
        ["Deployment", "StatefulSet", "Job"]
            .iter()
            .any(|kind| document.contains(&format!("\nkind: {kind}\n")))
    });
    let names = documents.map(|document| {
        let (_, metadata) = document.split_once("\nmetadata:\n").expect("it has a name");
        let line = metadata.lines().find_map(|l| l.strip_prefix("  name: "));
        line.expect("it has a name").to_owned()
    });
    names.collect()
}

#[test]
fn only_clusters_known_as_local_are_touched() {
    for context in ["kind-berth", "k3d-x", "minikube", "docker-desktop"] {
        let output = evaluate(context, &json!({}));
        assert!(output.status.success(), "{context}");
        let calls = serde_json::from_slice::<Vec<Value>>(&output.stdout).unwrap();
        let allowed = named(&calls, "allow_k8s_contexts");
        assert_eq!(allowed[0]["args"], json!([context]));
    }
    for context in ["production", "my-kind-cluster", "minikube-eu", ""] {
        let output = evaluate(context, &json!({}));
        assert!(!output.status.success(), "{context} was accepted");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains("is not known as a local cluster"), "{error}");
        assert!(output.stdout.is_empty(), "Tilt was asked for something");
    }
}

#[test]
fn the_table_names_each_workload_of_the_chart_once() {
    let calls = calls(&json!({}));
    let resources = named(&calls, "k8s_resource");
    let names = resources
        .iter()
        .map(|call| call["args"][0].as_str().unwrap().to_owned());
    let names = names.collect::<Vec<_>>();
    assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len());
    assert_eq!(names.iter().cloned().collect::<BTreeSet<_>>(), workloads());

    let forwards = named(&calls, "port_forward");
    let ports = forwards
        .iter()
        .map(|call| call["args"][0].as_u64().unwrap());
    let ports = ports.collect::<Vec<_>>();
    assert_eq!(ports.len(), ports.iter().collect::<BTreeSet<_>>().len());
    for resource in &resources {
        for other in resource["named"]["resource_deps"].as_array().unwrap() {
            assert!(names.iter().any(|name| other == name), "{other}");
        }
    }
}

#[test]
fn images_come_from_recipes_and_reach_clusters_without_an_engine() {
    let settings = json!({"load": "kind load image-archive", "store": true, "grafana": "a/b"});
    for (settings, is_loaded) in [(json!({}), false), (settings, true)] {
        let calls = calls(&settings);
        for image in named(&calls, "custom_build") {
            let name = image["args"][0].as_str().unwrap();
            let name = name.strip_prefix("localhost/").expect("it is made here");
            assert!(root().join(format!("docker/{name}.Dockerfile")).is_file());
            for path in image["named"]["deps"].as_array().unwrap() {
                assert!(root().join(path.as_str().unwrap()).exists(), "{path}");
            }
            let command = image["args"][1].as_str().unwrap();
            assert_eq!(command.contains("--load"), is_loaded, "{command}");
            let option = &image["named"]["skips_local_docker"];
            assert_eq!(option == &json!(true), is_loaded);
        }
        let rendered = named(&calls, "helm");
        let values = rendered[0]["named"]["values"][0].as_str().unwrap();
        assert!(root().join(values).is_file(), "{values}");
    }
}

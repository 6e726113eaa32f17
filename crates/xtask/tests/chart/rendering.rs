//! Renderings by the real helm, as documents.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Map, Value};
use yaml_rust2::{Yaml, YamlLoader};

/// The value sets of the golden renderings.
pub(crate) const SETS: &[&[&str]] = &[
    &[],
    &["values-ha.yaml"],
    &["ci/cert-manager.yaml"],
    &["ci/given-secrets.yaml"],
    &["ci/lab-and-monitoring.yaml"],
    &["ci/exposure.yaml"],
];

/// The kinds of other projects that the cluster knows unless a test says otherwise.
const KINDS: &[&str] = &[
    "gateway.networking.k8s.io/v1/BackendTLSPolicy",
    "monitoring.coreos.com/v1/PrometheusRule",
    "monitoring.coreos.com/v1/ServiceMonitor",
];

/// The chart's folder.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/berth")
}

/// What is installed where.
#[derive(Clone, Copy)]
pub(crate) struct Release<'a> {
    pub(crate) chart: &'a Path,
    pub(crate) name: &'a str,
    pub(crate) namespace: &'a str,
    /// Kinds of other projects that the cluster knows.
    pub(crate) kinds: &'a [&'a str],
}

/// Runs `helm template` with files of the chart as values, and values of the test's own over them.
pub(crate) fn helm(files: &[&str], own: Option<&Value>) -> Output {
    let release = Release {
        chart: &folder(),
        name: "berth",
        namespace: "berth",
        kinds: KINDS,
    };
    helm_of(release, files, own)
}

/// The same for another release.
pub(crate) fn helm_of(release: Release<'_>, files: &[&str], own: Option<&Value>) -> Output {
    let cached = std::env::home_dir()
        .unwrap()
        .join(".cache/berth-e2e/bin/helm");
    let go = std::env::home_dir().unwrap().join("go/bin/helm");
    let installed = [cached, go].into_iter().find(|file| file.is_file());
    let on_path = Command::new("helm").arg("version").output().is_ok();
    let program = match installed {
        Some(file) if !on_path => file,
        _ => PathBuf::from("helm"),
    };
    let mut command = Command::new(program);
    command
        .args(["template", release.name, "--namespace", release.namespace])
        .args(["--kube-version", "1.33.0"])
        .arg(release.chart);
    for kind in release.kinds {
        command.args(["--api-versions", kind]);
    }
    for file in files {
        command.arg("--values").arg(release.chart.join(file));
    }
    let own_file = tempfile::NamedTempFile::new().unwrap();
    if let Some(values) = own {
        // JSON is YAML.
        std::fs::write(own_file.path(), values.to_string()).unwrap();
        command.arg("--values").arg(own_file.path());
    }
    command
        .output()
        .expect("helm: go install helm.sh/helm/v3/cmd/helm@v3.22.0 (or cargo xtask setup)")
}

/// The objects that the chart makes of files of the chart.
pub(crate) fn objects(files: &[&str]) -> Vec<Value> {
    rendered(helm(files, None))
}

/// The objects that the chart makes of files of the chart and values over them.
pub(crate) fn objects_with(files: &[&str], own: &Value) -> Vec<Value> {
    rendered(helm(files, Some(own)))
}

/// The objects of a rendering that has to succeed.
pub(crate) fn rendered(output: Output) -> Vec<Value> {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    documents(&String::from_utf8(output.stdout).unwrap())
}

/// What helm says against a rendering that has to fail.
pub(crate) fn refusal(output: Output) -> String {
    let rendered = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success(), "taken: {rendered}");
    String::from_utf8(output.stderr).unwrap()
}

/// The object of this kind and name.
pub(crate) fn find<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let found = objects
        .iter()
        .find(|object| object["kind"] == kind && object["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("no {kind} {name}"))
}

/// The documents of a YAML text.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    let documents = YamlLoader::load_from_str(text).unwrap();
    documents
        .iter()
        .map(json)
        .filter(Value::is_object)
        .collect()
}

/// The kind and name of an object, for messages.
pub(crate) fn name(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!(
        "{}/{}",
        text(&object["kind"]),
        text(&object["metadata"]["name"])
    )
}

/// Every pod that the objects make, with the name of its object, its labels and its spec.
pub(crate) fn pods(objects: &[Value]) -> Vec<(String, Value, Value)> {
    let pods = objects.iter().filter_map(|object| {
        let template = match object["kind"].as_str()? {
            "Pod" => object,
            "Deployment" | "StatefulSet" | "Job" => &object["spec"]["template"],
            _ => return None,
        };
        let labels = template["metadata"]["labels"].clone();
        Some((name(object), labels, template["spec"].clone()))
    });
    pods.collect()
}

fn json(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Integer(number) => Value::from(*number),
        Yaml::Real(text) => text.parse::<f64>().map_or(Value::Null, Value::from),
        Yaml::String(text) => Value::from(text.as_str()),
        Yaml::Boolean(value) => Value::from(*value),
        Yaml::Array(items) => items.iter().map(json).collect(),
        Yaml::Hash(entries) => {
            let entries = entries.iter().map(|(key, value)| {
                let key = match key {
                    Yaml::String(text) => text.clone(),
                    other => json(other).to_string(),
                };
                (key, json(value))
            });
            Value::Object(entries.collect::<Map<_, _>>())
        }
        Yaml::Alias(_) | Yaml::Null | Yaml::BadValue => Value::Null,
    }
}

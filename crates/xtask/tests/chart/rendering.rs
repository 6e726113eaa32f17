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

/// The chart's folder.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/berth")
}

/// Runs `helm template` with files of the chart as values, or `-` and values of the test's own.
pub(crate) fn helm(files: &[&str], own: Option<&Value>) -> Output {
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
    let folder = folder();
    let mut command = Command::new(program);
    command
        .args(["template", "berth", "--namespace", "berth"])
        .args(["--kube-version", "1.33.0"])
        .args(["--api-versions", "monitoring.coreos.com/v1/ServiceMonitor"])
        .args(["--api-versions", "monitoring.coreos.com/v1/PrometheusRule"])
        .arg(&folder);
    for file in files {
        command.arg("--values").arg(folder.join(file));
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
    let rendered = helm(files, None);
    let errors = String::from_utf8_lossy(&rendered.stderr);
    assert!(rendered.status.success(), "{files:?}: {errors}");
    documents(&String::from_utf8(rendered.stdout).unwrap())
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

//! The pods that rendered manifests would start.

use anyhow::Result;
use serde_json::{Map, Value, json};
use yaml_rust2::{Yaml, YamlLoader};

use super::name;

/// What they are of, and each as a pod of its own.
pub(super) fn pods(manifests: &str) -> Result<Vec<(String, Value)>> {
    let mut pods = Vec::new();
    for document in YamlLoader::load_from_str(manifests)? {
        let object = json(&document);
        let about = format!("{} {}", object["kind"], name(&object));
        let mut spec = match object["kind"].as_str() {
            Some("Pod") => object["spec"].clone(),
            Some("Deployment" | "StatefulSet" | "Job") => {
                object["spec"]["template"]["spec"].clone()
            }
            _ => continue,
        };
        // A claim becomes a volume of the pod.
        let claims = object["spec"]["volumeClaimTemplates"].as_array();
        for claim in claims.into_iter().flatten() {
            if let Some(volumes) = spec["volumes"].as_array_mut() {
                volumes.push(json!({"name": name(claim), "emptyDir": {}}));
            }
        }
        // These need not exist here; what is asked is only how the pod is guarded.
        if let Some(spec) = spec.as_object_mut() {
            for other in [
                "serviceAccountName",
                "priorityClassName",
                "imagePullSecrets",
            ] {
                spec.remove(other);
            }
        }
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "rendered-"}, "spec": spec,
        });
        pods.push((about, pod));
    }
    Ok(pods)
}

fn json(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Real(text) => text.parse::<f64>().map_or(Value::Null, Value::from),
        Yaml::Integer(number) => Value::from(*number),
        Yaml::String(text) => Value::from(text.as_str()),
        Yaml::Boolean(answer) => Value::from(*answer),
        Yaml::Array(items) => items.iter().map(json).collect(),
        Yaml::Hash(fields) => fields
            .iter()
            .filter_map(|(key, value)| Some((key.as_str()?.to_owned(), json(value))))
            .collect::<Map<_, _>>()
            .into(),
        Yaml::Alias(_) | Yaml::Null | Yaml::BadValue => Value::Null,
    }
}

//! Pods that the end-to-end run starts itself, and what it keeps of pods after a failure.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{Cluster, READY, RELEASE, component, items, name, rendered};
use crate::program::{poll, root};
use crate::provider::metrics_at;

impl Cluster {
    /// Starts a pod like that of `helm test`, with another name and further arguments; answers its name.
    pub(super) fn run_stories(&self, pod_name: &str, arguments: &[&str]) -> Result<String> {
        let mut pod = self.test_pod()?;
        pod["metadata"]["name"] = json!(pod_name);
        // It is no hook of helm any more.
        pod["metadata"]["annotations"] = json!({});
        let container = &mut pod["spec"]["containers"][0];
        let words = container["args"]
            .as_array_mut()
            .context("the test pod has arguments")?;
        words.retain(|word| word != "--json" && word != "--story");
        words.push(json!("--json"));
        words.extend(arguments.iter().map(|word| json!(word)));
        self.discard(pod_name)?;
        self.kubectl(&["create", "--filename", "-"])
            .input(pod.to_string())
            .output()?;
        Ok(pod_name.to_owned())
    }

    /// Runs `berth check` as the test pod does, with further arguments, to its end.
    pub(super) fn run_check(&self, pod_name: &str, arguments: &[&str]) -> Result<String> {
        self.run_stories(pod_name, arguments)?;
        let (succeeded, text) = self.end_of(pod_name)?;
        ensure!(succeeded, "{text}");
        Ok(text)
    }

    /// Removes what an earlier scenario may have left under a name.
    pub(super) fn discard(&self, pod_name: &str) -> Result<()> {
        self.kubectl(&["delete", "pod", pod_name, "--now", "--ignore-not-found"])
            .output()
            .map(drop)
    }

    /// The metrics of a pod. The way goes by its kubelet: its policies let nobody in but the namespace of the monitoring.
    pub(super) fn metrics_of(&self, pod_name: &str) -> Result<String> {
        let log = tempfile::NamedTempFile::new()?;
        let pod = format!("pod/{pod_name}");
        let _forwarding = self
            .kubectl(&["port-forward", "--address=127.0.0.1", &pod, ":9090"])
            .spawn(log.path())?;
        let address = poll("the way to the pod", Duration::from_secs(20), || {
            let said = fs::read_to_string(log.path())?;
            let rest = said.split_once("Forwarding from ").map(|(_, rest)| rest);
            Ok(match rest.and_then(|rest| rest.split_once(" -> ")) {
                Some((address, _)) => Some(address.parse()?),
                None => None,
            })
        })?;
        metrics_at(address)
    }

    /// Waits for a pod's end and removes it; answers whether it succeeded and what it said.
    pub(super) fn end_of(&self, pod_name: &str) -> Result<(bool, String)> {
        let phase = poll(pod_name, READY, || {
            let pod = self.get(&["pod", pod_name])?;
            let phase = pod["status"]["phase"].as_str().unwrap_or_default();
            Ok(matches!(phase, "Succeeded" | "Failed").then(|| phase.to_owned()))
        })?;
        let text = self.kubectl(&["logs", pod_name]).output()?;
        self.discard(pod_name)?;
        Ok((phase == "Succeeded", text))
    }

    fn test_pod(&self) -> Result<Value> {
        let mut hooks = self.hooks()?.into_iter();
        let pod = hooks.find(|object| object["kind"] == "Pod" && component(object) == "test");
        pod.context("the release has no test pod")
    }

    /// What helm made or would make at some moment in the release's life.
    pub(super) fn hooks(&self) -> Result<Vec<Value>> {
        let hooks = self.helm(&["get", "hooks", RELEASE]).output()?;
        let list = self
            .kubectl(&[
                "create",
                "--dry-run=client",
                "--output=json",
                "--filename",
                "-",
            ])
            .input(hooks)
            .output()?;
        let objects = serde_json::Deserializer::from_str(&list).into_iter::<Value>();
        let mut objects = objects.collect::<Result<Vec<_>, _>>()?;
        let nested = objects.iter().flat_map(items).cloned().collect::<Vec<_>>();
        objects.extend(nested);
        Ok(objects)
    }

    /// Every pod that the chart would start is let in by an API server that enforces the restricted level.
    pub(super) fn restricted(&self) -> Result<()> {
        let pods = self.get(&["pods"])?;
        ensure!(
            items(&pods).count() >= 8,
            "too few pods run to say anything"
        );
        let mut privileged = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "privileged"},
            "spec": {"containers": [{
                "name": "privileged", "image": "none", "securityContext": {"privileged": true},
            }]},
        });
        let refused = self
            .kubectl(&["create", "--dry-run=server", "--filename", "-"])
            .input(privileged.take().to_string())
            .answer()?;
        ensure!(
            !refused.success && refused.stderr.contains("restricted"),
            "this API server does not enforce the restricted level: {}",
            refused.stderr
        );
        for file in fs::read_dir(root().join("charts/berth/golden"))? {
            let file = file?.path();
            let text = fs::read_to_string(&file)?;
            for (about, pod) in rendered::pods(&text)? {
                let answer = self
                    .kubectl(&["create", "--dry-run=server", "--filename", "-"])
                    .input(pod.to_string())
                    .answer()?;
                ensure!(
                    answer.success,
                    "{about} of {}: {}",
                    file.display(),
                    answer.stderr
                );
            }
        }
        Ok(())
    }

    /// Starts what receives the traces of everything else.
    pub(super) fn start_trace_sink(&self) -> Result<()> {
        let labels = json!({"app": TRACE_SINK});
        let mut pod = visitor(TRACE_SINK, &self.images.tag, &["trace-sink"]);
        pod["metadata"]["labels"] = labels.clone();
        let service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": TRACE_SINK},
            "spec": {"selector": labels, "ports": [{"port": 4317}]},
        });
        for object in [pod, service] {
            self.kubectl(&["create", "--filename", "-"])
                .input(object.to_string())
                .output()?;
        }
        self.running(TRACE_SINK)
    }

    /// Logs, events, descriptions, metrics and what the store's check says.
    pub(super) fn collect(&self, folder: &Path) {
        // The pods of stories are gone, but not what they said.
        for entry in fs::read_dir(self.folder.path())
            .into_iter()
            .flatten()
            .flatten()
        {
            let _ = fs::copy(entry.path(), folder.join(entry.file_name()));
        }
        let keep = |file: String, arguments: &[&str]| {
            if let Ok(answer) = self.kubectl(arguments).answer() {
                let _ = fs::write(folder.join(file), answer.stdout + &answer.stderr);
            }
        };
        keep(
            "events.txt".to_owned(),
            &["get", "events", "--sort-by=.lastTimestamp"],
        );
        keep(
            "objects.txt".to_owned(),
            &["get", "all,networkpolicies,pvc", "--output=wide"],
        );
        keep("pods.txt".to_owned(), &["describe", "pods"]);
        let pods = self.get(&["pods"]).unwrap_or_default();
        for pod in items(&pods) {
            let pod_name = name(pod);
            keep(
                format!("{pod_name}.log"),
                &["logs", &pod_name, "--all-containers"],
            );
            keep(
                format!("{pod_name}.previous.log"),
                &["logs", &pod_name, "--all-containers", "--previous"],
            );
            let role = component(pod);
            if super::ROLES.contains(&role) {
                if let Ok(text) = self.metrics_of(&pod_name) {
                    let _ = fs::write(folder.join(format!("{pod_name}.metrics")), text);
                }
                let check = [
                    "exec", &pod_name, "--", "/berth", "store", "check", "--role", role,
                ];
                let settings = ["--config", "/etc/berth/berth.toml"];
                keep(
                    format!("{pod_name}.store"),
                    &[&check[..], &settings].concat(),
                );
            }
        }
    }

    /// Waits until a pod runs.
    pub(super) fn running(&self, pod_name: &str) -> Result<()> {
        poll(pod_name, Duration::from_secs(60), || {
            let pod = self.get(&["pod", pod_name])?;
            Ok((pod["status"]["phase"] == "Running").then_some(()))
        })
    }
}

/// Name of the pod and of the Service that receive traces.
pub(super) const TRACE_SINK: &str = "trace-sink";

/// A pod of our own image that is none of the release's.
pub(super) fn visitor(pod_name: &str, tag: &str, words: &[&str]) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": pod_name},
        "spec": {
            "restartPolicy": "Never",
            // The first process of a pod hears no SIGTERM that it does not ask for.
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": false,
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [{
                "name": pod_name,
                "image": format!("localhost/berth-e2e:{tag}"),
                "args": words,
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "readOnlyRootFilesystem": true,
                    "capabilities": {"drop": ["ALL"]},
                },
            }],
        },
    })
}

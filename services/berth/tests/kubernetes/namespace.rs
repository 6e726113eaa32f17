//! A namespace of its own, gone with its test.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub(crate) struct Namespace {
    pub(crate) name: String,
    folder: tempfile::TempDir,
}

impl Namespace {
    pub(crate) fn make(topic: &str) -> Self {
        let name = format!("berth-{topic}-{}", std::process::id());
        run(kubectl().args(["create", "namespace", &name]));
        Self {
            name,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn get(&self, plural: &str) -> Value {
        let shown = run(kubectl().args(["-n", &self.name, "get", plural, "-o", "json"]));
        serde_json::from_str(&shown).unwrap()
    }

    pub(crate) fn apply(&self, object: &Value) {
        let mut child = kubectl()
            .args(["-n", &self.name, "apply", "-f", "-"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(object.to_string().as_bytes()).unwrap();
        drop(input);
        assert!(child.wait().unwrap().success(), "{object}");
    }

    /// A kubeconfig of a service account that has these rights and no other.
    pub(crate) fn service_account(&self, rules: &Value) -> PathBuf {
        let name = json!({ "name": "bootstrap" });
        let group = "rbac.authorization.k8s.io";
        let version = format!("{group}/v1");
        self.apply(&json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": name }));
        self.apply(
            &json!({ "apiVersion": version, "kind": "Role", "metadata": name, "rules": rules }),
        );
        self.apply(&json!({
            "apiVersion": version, "kind": "RoleBinding", "metadata": name,
            "roleRef": { "apiGroup": group, "kind": "Role", "name": "bootstrap" },
            "subjects": [{ "kind": "ServiceAccount", "name": "bootstrap", "namespace": self.name }],
        }));
        let token = run(kubectl().args(["-n", &self.name, "create", "token", "bootstrap"]));
        let view = [
            "config",
            "view",
            "--raw",
            "--minify",
            "--flatten",
            "-o",
            "json",
        ];
        let mut config: Value = serde_json::from_str(&run(kubectl().args(view))).unwrap();
        config["users"][0]["user"] = json!({ "token": token.trim() });
        let path = self.file("kubeconfig", &config.to_string());
        // What authorizes learns of a new binding a moment later.
        let begun = Instant::now();
        let allowed = || {
            let asked = ["-n", &self.name, "auth", "can-i", "get", "secrets/berth-ca"];
            let mut command = kubectl();
            command.args(asked).env("KUBECONFIG", &path);
            command.output().unwrap().status.success()
        };
        while !allowed() {
            assert!(begun.elapsed() < Duration::from_secs(30), "no rights yet");
        }
        path
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let deleted = ["delete", "namespace", &self.name, "--wait=false"];
        let _ = kubectl().args(deleted).output();
    }
}

pub(crate) fn berth() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_berth"));
    command.stdin(Stdio::null());
    command
}

fn kubectl() -> Command {
    Command::new("kubectl")
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(err)
    )
}

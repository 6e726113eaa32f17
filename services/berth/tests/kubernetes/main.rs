//! `berth bootstrap` and `berth support-bundle` against a real API server. They need `kubectl` and a cluster that
//! `KUBECONFIG` names, in which they may make a namespace; `cargo xtask e2e --provider kubeconfig` runs them.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod namespace;

use std::io::Read as _;
use std::process::Command;

use data_encoding::{BASE64, HEXLOWER};
use flate2::read::GzDecoder;
use serde_json::{Value, json};

use crate::namespace::{Namespace, berth, said};

const SPEC: &str = r#"
[labels]
"app.kubernetes.io/instance" = "berth"

[[secret]]
name = "berth-ca"
kind = "authority"
trust_domain = "berth.test"

[[secret]]
name = "berth-aanf-tls"
kind = "identity"
authority = "berth-ca"
uri = "spiffe://berth.test/nf/aanf"
dns = ["berth-aanf"]

[[secret]]
name = "berth-aanf-kek"
kind = "key-encryption-key"
function = "aanf"

[[secret]]
name = "berth-aanf-store"
kind = "store-user"
user = "aanf"
authority = "berth-ca"

[[secret]]
name = "berth-store-users"
kind = "store-users"
users = ["berth-aanf-store"]

[[secret]]
name = "berth-operator-root"
kind = "operator-root"
operator_id = "berth-operator"

[[secret]]
name = "berth-operator-keys"
kind = "operator-keys"
root = "berth-operator-root"

[[secret]]
name = "berth-inventory"
kind = "inventory"
"#;

/// What is never made anew.
const KEPT: &[&str] = &[
    "berth-ca",
    "berth-aanf-kek",
    "berth-operator-root",
    "berth-operator-keys",
];

/// What the documentation says that it needs, and no more.
fn rights(names: &[&str]) -> Value {
    let renewed = names.iter().filter(|name| !KEPT.contains(name));
    let renewed = renewed.collect::<Vec<_>>();
    json!([
        { "apiGroups": [""], "resources": ["secrets"], "verbs": ["create"] },
        { "apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": names },
        { "apiGroups": [""], "resources": ["secrets"], "verbs": ["update"], "resourceNames": renewed },
    ])
}

fn names() -> Vec<&'static str> {
    SPEC.lines()
        .filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
        .collect()
}

fn bootstrap(namespace: &Namespace, kubeconfig: &std::path::Path, spec: &str) -> Command {
    let file = namespace.file("spec.toml", spec);
    let mut command = berth();
    command.args(["bootstrap", "--namespace", &namespace.name, "--spec"]);
    command.arg(file).env("KUBECONFIG", kubeconfig);
    command
}

fn text(secrets: &Value, name: &str, part: &str) -> String {
    let mut items = secrets["items"].as_array().unwrap().iter();
    let secret = items.find(|item| item["metadata"]["name"] == name).unwrap();
    let value = secret["data"][part].as_str().unwrap();
    String::from_utf8(BASE64.decode(value.as_bytes()).unwrap()).unwrap()
}

#[test]
#[ignore = "needs a cluster"]
fn several_at_once_with_the_least_rights_make_one_set_and_keep_it() {
    let namespace = Namespace::make("bootstrap");
    let kubeconfig = namespace.service_account(&rights(&names()));
    let running: Vec<_> = (0..4)
        .map(|_| {
            let mut command = bootstrap(&namespace, &kubeconfig, SPEC);
            std::thread::spawn(move || command.output().unwrap())
        })
        .collect();
    for ended in running {
        let output = ended.join().unwrap();
        assert!(output.status.success(), "{}", said(&output));
    }

    let made = namespace.get("secrets");
    assert_eq!(made["items"].as_array().unwrap().len(), names().len());
    let authority = text(&made, "berth-ca", "tls.crt");
    assert_eq!(text(&made, "berth-aanf-tls", "ca.crt"), authority);
    assert_eq!(text(&made, "berth-aanf-store", "ca.crt"), authority);
    let password = text(&made, "berth-aanf-store", "password");
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, password.as_bytes());
    let hash = HEXLOWER.encode(hash.as_ref());
    assert!(text(&made, "berth-store-users", "users.acl").contains(&hash));
    assert_eq!(
        text(&made, "berth-operator-root", "signer.key"),
        text(&made, "berth-operator-keys", "signer.key")
    );

    let output = bootstrap(&namespace, &kubeconfig, SPEC).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert!(!said(&output).contains(&password) && !said(&output).contains("BEGIN"));
    assert_eq!(namespace.get("secrets"), made, "nothing was touched");

    let renamed = SPEC.replace("[\"berth-aanf\"]", "[\"berth-aanf\", \"aanf\"]");
    let output = bootstrap(&namespace, &kubeconfig, &renamed)
        .output()
        .unwrap();
    assert!(said(&output).contains("renewed"), "{}", said(&output));
    let renewed = namespace.get("secrets");
    assert_ne!(
        text(&renewed, "berth-aanf-tls", "tls.crt"),
        text(&made, "berth-aanf-tls", "tls.crt")
    );
}

#[test]
#[ignore = "needs a cluster"]
fn a_missing_right_is_named() {
    let namespace = Namespace::make("rights");
    let mut rights = rights(&names());
    let kubeconfig = namespace.service_account(&json!([rights[1].take()]));
    let output = bootstrap(&namespace, &kubeconfig, SPEC).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("give the verb create on secrets"),
        "{}",
        said(&output)
    );
    assert_eq!(namespace.get("secrets")["items"], json!([]));
}

#[test]
#[ignore = "needs a cluster"]
fn a_bundle_from_a_cluster_holds_objects_and_no_secret() {
    let namespace = Namespace::make("bundle");
    let labels =
        json!({ "app.kubernetes.io/name": "berth", "app.kubernetes.io/instance": "berth" });
    let password = "6f1d0c8b7a695847362514039f8e7d6c";
    for (kind, name) in [("ConfigMap", "berth-settings"), ("Secret", "berth-hidden")] {
        let data = if kind == "Secret" {
            "stringData"
        } else {
            "data"
        };
        namespace.apply(&json!({
            "apiVersion": "v1", "kind": kind,
            "metadata": { "name": name, "labels": labels, "annotations": { "note": "imsi-001010000000042" } },
            data: { "berth.toml": format!("password = \"{password}\"\nlisten = \"0.0.0.0:8443\"\n") },
        }));
    }
    let bundle = namespace.path("bundle.tar.gz");
    let mut command = berth();
    command.args(["support-bundle", "--namespace", &namespace.name, "--output"]);
    let output = command.arg(&bundle).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));

    let mut octets = Vec::new();
    let file = std::fs::File::open(&bundle).unwrap();
    GzDecoder::new(file).read_to_end(&mut octets).unwrap();
    let text = String::from_utf8(octets).unwrap();
    for kept in [
        "berth-settings",
        "0.0.0.0:8443",
        "imsi-00101…042",
        "cluster",
    ] {
        assert!(text.contains(kept), "{kept}");
    }
    let encoded = BASE64.encode(password.as_bytes());
    for secret in [password, &encoded, "berth-hidden", "imsi-001010000000042"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

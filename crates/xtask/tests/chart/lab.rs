//! What the test and the laboratory are given, and what is said after an install.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::rendering::{Release, find, folder, helm_of, objects_with, rendered};

#[test]
fn numbers_of_test_and_laboratory_fit_the_network() {
    for (mnc, digits) in [("01", 10), ("001", 9)] {
        let values = json!({"tests": {"plmn": {"mnc": mnc}}, "lab": {"enabled": true}});
        let objects = objects_with(&[], &values);
        let mut ranges = Vec::new();
        for component in ["test", "lab"] {
            let settings = &find(&objects, "ConfigMap", &format!("berth-{component}"))["data"];
            let settings = settings["berth.toml"].as_str().unwrap();
            for key in ["first_msin", "last_msin"] {
                let line = settings.lines().find_map(|line| line.strip_prefix(key));
                let number = line.unwrap().trim_matches([' ', '=', '"']);
                assert_eq!(number.len(), digits, "{component}: {key} of {mnc}");
                ranges.push(number.to_owned());
            }
        }
        let [first, last, lab_first, lab_last] = ranges.as_slice() else {
            panic!("{ranges:?}");
        };
        assert!(first < last && lab_first < lab_last, "{ranges:?}");
        assert!(lab_last < first, "{ranges:?} overlap");
    }
}

#[test]
fn a_portal_secret_without_authority_lets_the_pods_start() {
    let values = json!({"portal": {"tls": {"secretName": "acme"}}, "lab": {"enabled": true}});
    let objects = objects_with(&[], &values);
    for pod in [
        &find(&objects, "Pod", "berth-test")["spec"],
        &find(&objects, "Deployment", "berth-lab")["spec"]["template"]["spec"],
    ] {
        let mut volumes = pod["volumes"].as_array().unwrap().iter();
        let authority = volumes
            .find(|volume| volume["name"] == "portal-ca")
            .unwrap();
        assert_eq!(authority["secret"]["secretName"], "acme");
        assert_eq!(authority["secret"]["optional"], true);
    }
}

#[test]
fn devices_of_the_test_reach_gateways_that_are_named() {
    let names = ["berth-test", "berth-lab"];
    let outer = |objects: &[Value], name: &str| {
        let rules = find(objects, "NetworkPolicy", name)["spec"]["egress"].clone();
        let rules = rules.as_array().unwrap().iter();
        let outer = rules.filter(|rule| !rule["to"][0]["namespaceSelector"].is_null());
        outer.cloned().collect::<Vec<_>>()
    };
    let lab = json!({"lab": {"enabled": true}});
    let objects = objects_with(&["ci/exposure.yaml"], &lab);
    for name in names {
        let rules = outer(&objects, name);
        assert_eq!(rules.len(), 1, "{name}: {rules:?}");
        let namespace = &rules[0]["to"][0]["namespaceSelector"]["matchLabels"];
        assert_eq!(namespace["kubernetes.io/metadata.name"], "gateways");
        assert_eq!(
            rules[0]["ports"],
            json!([{"port": 8443, "protocol": "TCP"}])
        );
    }
    let objects = objects_with(&[], &lab);
    for name in names {
        assert!(
            outer(&objects, name).is_empty(),
            "{name} leaves the release"
        );
    }
}

#[test]
fn notes_speak_of_the_root_key_only_where_the_hook_makes_it() {
    let root = "delete secret berth-operator-root";
    assert!(notes(&[], &json!({})).contains(root));
    let given = json!({"keys": {"operatorKeysSecret": "operator-keys"}});
    assert!(!notes(&[], &given).contains(root));
    assert!(!notes(&["ci/given-secrets.yaml"], &json!({})).contains("operator-root"));
}

/// The notes of an install; `helm template` shows none, so that a copy of the chart has them in an object.
fn notes(files: &[&str], own: &Value) -> String {
    let copy = tempfile::tempdir().unwrap();
    copy_all(&folder(), copy.path());
    let templates = copy.path().join("templates");
    fs::rename(templates.join("NOTES.txt"), copy.path().join("notes.txt")).unwrap();
    let object = "kind: Notes\ntext: {{ tpl (.Files.Get \"notes.txt\") . | toJson }}\n";
    fs::write(templates.join("notes.yaml"), object).unwrap();
    let release = Release {
        chart: copy.path(),
        name: "berth",
        namespace: "berth",
        kinds: &[],
    };
    let objects = rendered(helm_of(release, files, Some(own)));
    let notes = objects.iter().find(|object| object["kind"] == "Notes");
    notes.unwrap()["text"].as_str().unwrap().to_owned()
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

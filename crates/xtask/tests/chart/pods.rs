//! Every pod of every value set keeps the restricted level and the house's rules.

use serde_json::Value;

use super::rendering::{SETS, objects, pods};

#[test]
fn every_pod_keeps_the_restricted_level_and_has_a_read_only_root() {
    for set in SETS {
        for (name, _, pod) in pods(&objects(set)) {
            let context = format!("{name} of {set:?}");
            for field in ["hostNetwork", "hostPID", "hostIPC"] {
                assert!(pod[field].is_null(), "{context}: {field}");
            }
            let security = &pod["securityContext"];
            assert_eq!(security["runAsNonRoot"], true, "{context}");
            assert_eq!(security["runAsUser"], 65_532, "{context}");
            assert_eq!(
                security["seccompProfile"]["type"], "RuntimeDefault",
                "{context}"
            );
            assert!(
                pod["initContainers"].is_null(),
                "{context}: look at them here too"
            );
            for container in pod["containers"].as_array().unwrap() {
                let security = &container["securityContext"];
                assert_eq!(security["allowPrivilegeEscalation"], false, "{context}");
                assert_eq!(security["capabilities"]["drop"][0], "ALL", "{context}");
                assert!(security["capabilities"]["add"].is_null(), "{context}");
                assert_eq!(security["readOnlyRootFilesystem"], true, "{context}");
                for port in list(&container["ports"]) {
                    assert!(port["hostPort"].is_null(), "{context}");
                }
            }
            for volume in list(&pod["volumes"]) {
                let kinds = [
                    "configMap",
                    "secret",
                    "projected",
                    "emptyDir",
                    "persistentVolumeClaim",
                ];
                let known = kinds.iter().any(|kind| !volume[kind].is_null());
                assert!(known, "{context}: {volume}");
            }
        }
    }
}

#[test]
fn every_pod_has_limits_time_to_stop_and_no_token_it_does_not_need() {
    for set in SETS {
        for (name, labels, pod) in pods(&objects(set)) {
            let context = format!("{name} of {set:?}");
            let bootstrap = labels["app.kubernetes.io/component"] == "bootstrap";
            assert_eq!(pod["enableServiceLinks"], false, "{context}");
            assert_eq!(pod["automountServiceAccountToken"], bootstrap, "{context}");
            assert!(
                pod["terminationGracePeriodSeconds"].as_i64() >= Some(30),
                "{context}"
            );
            for container in list(&pod["containers"]) {
                let resources = &container["resources"];
                for (part, what) in [
                    ("requests", "cpu"),
                    ("requests", "memory"),
                    ("limits", "memory"),
                ] {
                    assert!(!resources[part][what].is_null(), "{context}: {part}.{what}");
                }
                for mount in list(&container["volumeMounts"]) {
                    let written = ["/tmp", "/data"]
                        .iter()
                        .any(|path| mount["mountPath"] == **path);
                    assert!(written || mount["readOnly"] == true, "{context}: {mount}");
                    assert!(
                        mount["subPath"].is_null(),
                        "{context}: {mount} would never change"
                    );
                }
            }
        }
    }
}

#[test]
fn functions_are_probed_on_the_admin_port_and_restart_with_their_settings() {
    for set in SETS {
        for object in objects(set) {
            let component =
                &object["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"];
            let kind = object["kind"].as_str().unwrap();
            if !matches!(kind, "Deployment" | "StatefulSet") || component == "store" {
                continue;
            }
            let template = &object["spec"]["template"];
            let context = format!("{component} of {set:?}");
            assert!(
                template["metadata"]["annotations"]["checksum/config"].is_string(),
                "{context}"
            );
            for container in list(&template["spec"]["containers"]) {
                for (probe, path) in [
                    ("startupProbe", "/readyz"),
                    ("readinessProbe", "/readyz"),
                    ("livenessProbe", "/livez"),
                ] {
                    assert_eq!(container[probe]["httpGet"]["path"], path, "{context}");
                    assert_eq!(container[probe]["httpGet"]["port"], "admin", "{context}");
                }
            }
            assert_eq!(
                kind == "StatefulSet",
                component == "msgin5g-server",
                "{context}"
            );
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

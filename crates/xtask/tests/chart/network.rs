//! The network policies allow what the authorization table allows, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::rendering::{find, folder, objects, objects_with};

/// From, to, protocol and port, by component.
type Edges = BTreeSet<(String, String, String, i64)>;

const COMPONENT: &str = "app.kubernetes.io/component";
const LAB: &[&str] = &["ci/lab-and-monitoring.yaml"];

#[test]
fn everything_is_denied_first() {
    let objects = objects(LAB);
    let deny = policies(&objects).find(|policy| policy["metadata"]["name"] == "berth-deny");
    let spec = &deny.unwrap()["spec"];
    assert_eq!(
        spec["policyTypes"],
        serde_json::json!(["Ingress", "Egress"])
    );
    assert!(spec["ingress"].is_null() && spec["egress"].is_null());
    for (name, labels, _) in super::rendering::pods(&objects) {
        let is_hook = labels[COMPONENT] == "bootstrap";
        assert_eq!(selects(spec, &labels), !is_hook, "{name}");
        assert!(labels[COMPONENT].is_string(), "{name}");
    }
}

/// The policies of the revision before hold while the hook runs: they must have no say in what it reaches.
#[test]
fn the_hook_brings_its_own_policy_and_no_other_holds_for_it() {
    let objects = objects(&[]);
    let mut pods = super::rendering::pods(&objects).into_iter();
    let hook = pods.find(|(_, labels, _)| labels[COMPONENT] == "bootstrap");
    let labels = hook.unwrap().1;
    let holding = policies(&objects).filter(|policy| selects(&policy["spec"], &labels));
    let [policy] = holding.collect::<Vec<_>>()[..] else {
        panic!("not one policy for the hook");
    };
    let annotations = &policy["metadata"]["annotations"];
    assert_eq!(annotations["helm.sh/hook-weight"], "-10");
    assert_eq!(policy["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
    let rules = policy["spec"]["egress"].as_array().unwrap();
    let ports = rules
        .iter()
        .flat_map(|rule| rule["ports"].as_array().unwrap());
    let ports = ports.filter_map(|port| port["port"].as_i64());
    assert_eq!(
        ports.collect::<BTreeSet<_>>(),
        BTreeSet::from([53, 443, 6443, 8443, 16443])
    );
}

#[test]
fn functions_reach_whom_they_may_call() {
    let allowed = table();
    let (ingress, _) = edges(&objects(LAB));
    for callee in allowed.values().flatten().collect::<BTreeSet<_>>() {
        for caller in allowed.keys() {
            let may = allowed[caller].contains(callee);
            match caller.as_str() {
                // Both kinds of caller are played by test and laboratory.
                "operator" | "access-gateway" => {
                    let test = edge("test", callee, "TCP", 8443);
                    assert!(!may || ingress.contains(&test), "{test:?} is missing");
                }
                _ => {
                    let edge = edge(caller, callee, "TCP", 8443);
                    assert_eq!(ingress.contains(&edge), may, "{edge:?}");
                }
            }
        }
    }
}

#[test]
fn both_ends_of_every_edge_allow_it() {
    for set in [&[][..], LAB, &["ci/exposure.yaml"]] {
        let (ingress, egress) = edges(&objects(set));
        assert!(ingress.len() > 20, "{ingress:?}");
        // Ports for devices are open to all.
        let devices = |edge: &(String, String, String, i64)| matches!(edge.3, 5684 | 8444);
        let named = |edges: &Edges| {
            edges
                .iter()
                .filter(|edge| !devices(edge))
                .cloned()
                .collect::<Edges>()
        };
        assert_eq!(named(&ingress), named(&egress), "{set:?}");
        for (_, to, _, port) in egress.iter().filter(|edge| devices(edge)) {
            assert!(matches!(
                (to.as_str(), port),
                ("subscription-manager", _) | ("msgin5g-server", 5684)
            ));
        }
    }
}

#[test]
fn only_the_fetcher_reaches_the_world_and_no_private_network() {
    let objects = objects(&[]);
    for policy in policies(&objects) {
        let component = policy["spec"]["podSelector"]["matchLabels"][COMPONENT].as_str();
        for rule in policy["spec"]["egress"].as_array().into_iter().flatten() {
            let anywhere = rule["to"].as_array().is_none_or(Vec::is_empty);
            assert!(!anywhere, "{component:?} may go anywhere");
            for block in rule["to"]
                .as_array()
                .unwrap()
                .iter()
                .map(|to| &to["ipBlock"])
            {
                if block.is_null() || component == Some("bootstrap") {
                    continue;
                }
                assert_eq!(component, Some("certificate-fetcher"));
                let except = block["except"].as_array().unwrap().iter();
                let except = except.filter_map(Value::as_str).collect::<Vec<_>>();
                let private = match block["cidr"].as_str().unwrap() {
                    "0.0.0.0/0" => &[
                        "10.0.0.0/8",
                        "172.16.0.0/12",
                        "192.168.0.0/16",
                        "169.254.0.0/16",
                    ][..],
                    _ => &["fc00::/7", "fe80::/10"][..],
                };
                assert!(
                    private.iter().all(|network| except.contains(network)),
                    "{except:?}"
                );
                assert_eq!(
                    rule["ports"],
                    serde_json::json!([{"port": 443, "protocol": "TCP"}])
                );
            }
        }
    }
}

#[test]
fn traces_leave_only_where_a_receiver_is_named() {
    let leaves = |set: &[&str]| {
        let objects = objects(set);
        policies(&objects).any(|policy| {
            let rules = policy["spec"]["egress"].as_array();
            rules
                .into_iter()
                .flatten()
                .any(|rule| rule["ports"][0]["port"] == 4317)
        })
    };
    assert!(leaves(LAB));
    assert!(!leaves(&[]));
}

#[test]
fn traces_leave_by_the_port_of_the_scheme_where_the_receiver_names_none() {
    for (endpoint, port) in [
        ("https://otel.example.com", 443),
        ("http://otel.example.com/", 80),
        ("https://otel.example.com:4317", 4317),
    ] {
        let own = json!({"config": {"telemetry": {"otlp_endpoint": endpoint}}});
        let objects = objects_with(&[], &own);
        let policy = find(&objects, "NetworkPolicy", "berth-aanf");
        let mut rules = policy["spec"]["egress"].as_array().unwrap().iter();
        let receiver = rules.find(|rule| !rule["to"][0]["namespaceSelector"].is_null());
        assert_eq!(
            receiver.unwrap()["ports"],
            json!([{"port": port, "protocol": "TCP"}])
        );
    }
}

/// Whether a policy holds for a pod with these labels.
fn selects(spec: &Value, labels: &Value) -> bool {
    let selector = &spec["podSelector"];
    let equal = selector["matchLabels"].as_object().into_iter().flatten();
    let apart = selector["matchExpressions"].as_array();
    equal.into_iter().all(|(key, value)| labels[key] == *value)
        && apart.into_iter().flatten().all(|expression| {
            assert_eq!(expression["operator"], "NotIn");
            let value = &labels[expression["key"].as_str().unwrap()];
            !expression["values"].as_array().unwrap().contains(value)
        })
}

fn policies(objects: &[Value]) -> impl Iterator<Item = &Value> {
    objects
        .iter()
        .filter(|object| object["kind"] == "NetworkPolicy")
}

fn edge(from: &str, to: &str, protocol: &str, port: i64) -> (String, String, String, i64) {
    (from.to_owned(), to.to_owned(), protocol.to_owned(), port)
}

/// Edges between components, as ingress rules and as egress rules name them.
fn edges(objects: &[Value]) -> (Edges, Edges) {
    let (mut ingress, mut egress) = (Edges::new(), Edges::new());
    for policy in policies(objects) {
        let selector = &policy["spec"]["podSelector"]["matchLabels"];
        let Some(own) = selector[COMPONENT].as_str() else {
            continue;
        };
        for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
            for rule in policy["spec"][direction].as_array().into_iter().flatten() {
                for peer in rule[peers].as_array().into_iter().flatten() {
                    let Some(other) = peer["podSelector"]["matchLabels"][COMPONENT].as_str() else {
                        continue;
                    };
                    for port in rule["ports"].as_array().unwrap() {
                        let (number, protocol) = (
                            port["port"].as_i64().unwrap(),
                            port["protocol"].as_str().unwrap(),
                        );
                        if direction == "ingress" {
                            ingress.insert(edge(other, own, protocol, number));
                        } else {
                            egress.insert(edge(own, other, protocol, number));
                        }
                    }
                }
            }
        }
    }
    (ingress, egress)
}

/// Callees of each caller, from the authorization table as the reference prints it.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let page = std::fs::read_to_string(folder().join("../../docs/reference.md")).unwrap();
    let mut callees = BTreeMap::<_, BTreeSet<_>>::new();
    let rows = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `/berth."));
    for row in rows {
        let (package, rest) = row.split_once('.').unwrap();
        let callers = rest.split('|').nth(1).unwrap();
        // A service that every function answers has no callee of its own.
        let callee = match package {
            "common" => continue,
            "msgin5g" => "msgin5g-server".to_owned(),
            package => package.replace('_', "-"),
        };
        for caller in callers.split(',').map(str::trim) {
            callees
                .entry(caller.to_owned())
                .or_default()
                .insert(callee.clone());
        }
    }
    assert!(
        callees.len() > 4,
        "no table of callers in docs/reference.md"
    );
    callees
}

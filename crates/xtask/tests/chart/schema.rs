//! Misspelt and wrong values are refused by a message that names the key.

use serde_json::{Map, Value, json};

use super::rendering::{documents, folder, helm, rendered};

/// What a key is called that somebody misspelt.
const MISSPELT: &str = "Misspelt";

/// A key of the values: its path as the message writes it, and the default.
struct Key {
    path: Vec<String>,
    default: Value,
}

impl Key {
    fn pointer(&self) -> String {
        format!("/{}", self.path.join("/"))
    }

    /// Whether leaving it out says the same as its default.
    fn is_empty(&self) -> bool {
        matches!(&self.default, Value::Null)
            || self.default == ""
            || self.default == json!([])
            || self.default == json!({})
    }
}

#[test]
fn every_misspelt_value_is_refused_by_name() {
    let keys = keys();
    let mut values = json!({});
    for key in &keys {
        // Below keys that take any name (labels) nothing can be misspelt.
        let mut path = key.path.clone();
        let last = path.pop().unwrap();
        path.push(format!("{last}{MISSPELT}"));
        set(&mut values, &path, json!("x"));
    }
    let said = refusal(&values);
    for key in &keys {
        let misspelt = format!("'{}{MISSPELT}'", key.path.last().unwrap());
        let object = match key.path.split_last().unwrap().1 {
            [] => "at ''".to_owned(),
            above => format!("at '/{}'", above.join("/")),
        };
        let named = said
            .lines()
            .any(|line| line.contains(&object) && line.contains(&misspelt));
        assert!(
            named,
            "{}: {misspelt} is not refused:\n{said}",
            key.pointer()
        );
    }
}

#[test]
fn every_value_of_a_wrong_type_is_refused_by_name() {
    let keys = keys();
    let deepest = keys.iter().map(|key| key.path.len()).max().unwrap();
    // What is wrong above hides what is below, so that each depth takes its turn.
    for depth in 1..=deepest {
        let here = keys.iter().filter(|key| key.path.len() == depth);
        let here = here.collect::<Vec<_>>();
        let mut values = json!({});
        for key in &here {
            set(&mut values, &key.path, wrong(&key.default));
        }
        let said = refusal(&values);
        for key in here {
            let named = format!("at '{}'", key.pointer());
            assert!(said.contains(&named), "{named} is not refused:\n{said}");
        }
    }
}

#[test]
fn every_section_left_empty_is_refused_by_name() {
    let keys = keys();
    let deepest = keys.iter().map(|key| key.path.len()).max().unwrap();
    let mut sections = 0;
    for depth in 1..=deepest {
        let here = keys.iter().filter(|key| key.path.len() == depth);
        // Requests and limits may be taken away.
        let here = here.filter(|key| !key.is_empty());
        let here = here.filter(|key| !key.path.contains(&"resources".to_owned()));
        let here = here.collect::<Vec<_>>();
        sections += here.iter().filter(|key| key.default.is_object()).count();
        let mut values = json!({});
        for key in &here {
            set(&mut values, &key.path, Value::Null);
        }
        if here.is_empty() {
            continue;
        }
        let said = refusal(&values);
        for key in here {
            let (last, above) = key.path.split_last().unwrap();
            let object = match above {
                [] => "at ''".to_owned(),
                above => format!("at '/{}'", above.join("/")),
            };
            let named = said.lines().any(|line| {
                line.contains(&format!("{object}: missing propert"))
                    && line.contains(&format!("'{last}'"))
            });
            assert!(named, "{} is not missed:\n{said}", key.pointer());
        }
    }
    assert!(sections > 30, "{sections} sections");
}

#[test]
fn what_is_empty_by_default_may_be_left_empty() {
    let keys = keys();
    let empty = keys.iter().filter(|key| key.is_empty()).collect::<Vec<_>>();
    assert!(empty.len() > 50, "{} keys", empty.len());
    let mut values = json!({});
    for key in empty {
        set(&mut values, &key.path, Value::Null);
    }
    assert_eq!(
        rendered(helm(&[], Some(&values))),
        rendered(helm(&[], None))
    );
    for component in ["bootstrap", "tests", "lab", "defaults"] {
        let without = json!({component: {"resources": null}});
        assert!(!rendered(helm(&[], Some(&without))).is_empty());
    }
}

#[test]
fn berths_own_settings_are_as_closed_as_the_rest() {
    let schema = std::fs::read_to_string(folder().join("values.schema.json")).unwrap();
    let schema = serde_json::from_str::<Value>(&schema).unwrap();
    let mut misspelt = json!({});
    let mut of_wrong_type = json!({});
    let mut leaves = Vec::new();
    let mut objects = Vec::new();
    walk(
        &schema["$defs"]["config"],
        vec!["config".to_owned()],
        &mut |path, schema| {
            if schema["type"] == "object" {
                objects.push(path.join("/"));
                let path = [path, &[MISSPELT.to_owned()]].concat();
                set(&mut misspelt, &path, json!(1));
            } else {
                let wrong = if schema["type"] == "string" {
                    json!(7)
                } else {
                    json!("text")
                };
                leaves.push(path.join("/"));
                set(&mut of_wrong_type, path, wrong);
            }
        },
    );
    assert!(leaves.len() > 100, "the settings are not in the schema");
    let said = refusal(&misspelt);
    for object in objects {
        let named = format!("at '/{object}': additional properties '{MISSPELT}' not allowed");
        assert!(said.contains(&named), "{named}:\n{said}");
    }
    let said = refusal(&of_wrong_type);
    for leaf in leaves {
        assert!(
            said.contains(&format!("at '/{leaf}'")),
            "{leaf} is not refused:\n{said}"
        );
    }
}

#[test]
fn wrong_words_numbers_and_combinations_are_refused_by_name() {
    let refused = [
        (json!({"store": {"mode": "cluster"}}), "/store/mode"),
        (
            json!({"store": {"mode": "external"}}),
            "/store/external/url",
        ),
        (
            json!({"store": {"mode": "sentinel"}}),
            "/store/sentinel/addresses",
        ),
        (
            json!({"store": {"vault": {"mode": "external"}}}),
            "store.vault.external.url",
        ),
        (
            json!({"tls": {"mode": "certManager"}}),
            "/tls/certManager/issuerRef/name",
        ),
        (json!({"tls": {"mode": "secret"}}), "tls.secrets."),
        (
            json!({"bootstrap": {"enabled": false}}),
            "bootstrap.enabled",
        ),
        (
            json!({"bootstrap": {"replaceLost": ["Berth CA"]}}),
            "/bootstrap/replaceLost/0",
        ),
        (
            json!({"store": {"passwordSecrets": {"vault": "mine"}}}),
            "store.passwordSecrets.vault",
        ),
        (
            json!({"defaults": {"terminationGracePeriodSeconds": 10}}),
            "/defaults/terminationGracePeriodSeconds",
        ),
        (
            json!({"services": {"ausf": {"replicas": -1}}}),
            "/services/ausf/replicas",
        ),
        (
            json!({"services": {"ausf": {"autoscaling": {"maxReplicas": 1}}}}),
            "maxReplicas of services.ausf",
        ),
        (json!({"services": {"auf": {}}}), "'auf'"),
        (json!({"tests": {"plmn": {"mnc": "1"}}}), "/tests/plmn/mnc"),
        (
            json!({"portal": {"url": "http://portal.example"}}),
            "/portal/url",
        ),
        (
            json!({"portal": {"gateway": {"enabled": true}}}),
            "/portal/gateway/parentRefs",
        ),
        (
            json!({"msgin5g": {"service": {"type": "NodePorts"}}}),
            "/msgin5g/service/type",
        ),
        (
            json!({"networkPolicy": {"fetcher": {"except": ["private"]}}}),
            "/networkPolicy/fetcher/except/0",
        ),
        (
            json!({"defaults": {"resources": {"limits": {"memory": "256MiB"}}}}),
            "/defaults/resources/limits/memory",
        ),
        (
            json!({"config": {"admin_listen": "0.0.0.0:9999"}}),
            "/config/admin_listen",
        ),
        (
            json!({"config": {"listen": {"ausf": "0.0.0.0:1"}}}),
            "/config/listen",
        ),
        (json!({"config": {"tls": {"ca": "/ca.crt"}}}), "/config/tls"),
        (
            json!({"config": {"msgin5g_server": {"listen": "0.0.0.0:1"}}}),
            "/config/msgin5g_server/listen",
        ),
        (
            json!({"config": {"subscription_manager": {"portal_listen": "0.0.0.0:1"}}}),
            "/config/subscription_manager/portal_listen",
        ),
        (
            json!({"config": {"shutdown": {"grace": "1m 30s"}}}),
            "terminationGracePeriodSeconds of services.aanf is 40, but config.shutdown.settle and grace take 93 seconds",
        ),
        (
            json!({"services": {"vault": {"terminationGracePeriodSeconds": 30}}, "config": {"shutdown": {"settle": "10s 1ms"}}}),
            "of services.vault is 30, but config.shutdown.settle and grace take 31 seconds",
        ),
        (
            json!({"config": {"shutdown": {"grace": "20x"}}}),
            "/config/shutdown/grace",
        ),
        (
            json!({"config": {"listen": {"asuf": "0.0.0.0:1"}}}),
            "/config/listen",
        ),
        (
            json!({"config": {"msgin5g_server": {"suites": ["ccm"]}}}),
            "/config/msgin5g_server/suites/0",
        ),
    ];
    for (values, named) in refused {
        let said = refusal(&values);
        assert!(said.contains(named), "{values}: {named} is not in\n{said}");
    }
}

/// What helm says against values that it has to refuse.
fn refusal(values: &Value) -> String {
    super::rendering::refusal(helm(&[], Some(values)))
}

/// Every key of `values.yaml`, tables too; what is below a key that takes any name is its value.
fn keys() -> Vec<Key> {
    let text = std::fs::read_to_string(folder().join("values.yaml")).unwrap();
    let values = documents(&text).remove(0);
    let mut keys = Vec::new();
    collect(&values, &[], &mut keys);
    assert!(keys.len() > 150, "{} keys", keys.len());
    keys
}

fn collect(values: &Value, above: &[String], keys: &mut Vec<Key>) {
    for (name, default) in values.as_object().unwrap() {
        let path = [above, std::slice::from_ref(name)].concat();
        if default.is_object() {
            collect(default, &path, keys);
        }
        keys.push(Key {
            path,
            default: default.clone(),
        });
    }
}

/// Something that a value of this kind never is; some take numbers as well as text.
fn wrong(default: &Value) -> Value {
    match default {
        Value::String(_) | Value::Number(_) => json!(true),
        _ => json!("text"),
    }
}

/// Puts a value at a path, over a whole that may have been put there before.
fn set(values: &mut Value, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        *values = value;
        return;
    };
    if !values.is_object() {
        *values = Value::Object(Map::new());
    }
    set(&mut values[first], rest, value);
}

/// Visits every object and leaf of a schema.
fn walk(schema: &Value, path: Vec<String>, visit: &mut dyn FnMut(&[String], &Value)) {
    visit(&path, schema);
    for (name, below) in schema["properties"].as_object().into_iter().flatten() {
        walk(
            below,
            [path.as_slice(), std::slice::from_ref(name)].concat(),
            visit,
        );
    }
}

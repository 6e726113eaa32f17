//! What the hook is asked for, and what it may do.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::references::of_spec;
use super::rendering::{SETS, find, helm, objects, objects_with, refusal};

const CERT_MANAGER: &str = "ci/cert-manager.yaml";
const GIVEN: &str = "ci/given-secrets.yaml";

#[test]
fn the_hook_may_touch_the_secrets_of_its_spec_and_renew_what_can_be_renewed() {
    for set in SETS {
        let objects = objects(set);
        let Some([create, get, update]) = rights(&objects) else {
            assert!(set.contains(&GIVEN), "{set:?} has no hook");
            continue;
        };
        assert_eq!((create.0, get.0, update.0), ("create", "get", "update"));
        assert_eq!(create.1, BTreeSet::new(), "{set:?}");
        assert_eq!(get.1, of_spec(&objects), "{set:?}");
        let never = get.1.difference(&update.1).map(String::as_str);
        let mut expected = vec![
            "berth-aanf-kek",
            "berth-ausf-kek",
            "berth-ca",
            "berth-operator-keys",
            "berth-operator-root",
            "berth-subscription-manager-kek",
            "berth-vault-kek",
        ];
        expected.retain(|name| *name != "berth-ca" || !set.contains(&CERT_MANAGER));
        assert_eq!(never.collect::<Vec<_>>(), expected, "{set:?}");
        assert!(update.1.is_subset(&get.1), "{set:?}");
    }
}

/// RBAC takes an empty list of names for all.
#[test]
fn with_everything_given_the_hook_sees_its_inventory_alone() {
    let own = json!({"bootstrap": {"enabled": true}});
    let objects = objects_with(&[GIVEN], &own);
    let [_, get, update] = rights(&objects).unwrap();
    let inventory = BTreeSet::from(["core-inventory".to_owned()]);
    assert_eq!((&get.1, &update.1), (&inventory, &inventory));
    assert_eq!(of_spec(&objects), inventory);
}

/// Otherwise a value that is forgotten at an upgrade would draw another key.
#[test]
fn the_inventory_knows_every_key_whether_made_or_given() {
    let given = json!({"keys": {
        "operatorKeysSecret": "mine",
        "keyEncryptionKeySecrets": {"vault": "mine", "aanf": "mine"},
    }});
    for own in [json!({}), given] {
        let objects = objects_with(&[CERT_MANAGER], &own);
        let spec = spec(&objects);
        assert!(of_spec(&objects).contains("berth-inventory"));
        for name in ["vault-kek", "ausf-kek", "aanf-kek", "operator-keys"] {
            let named = format!("\"berth-{name}\"");
            assert_eq!(spec.matches(&named).count(), 1, "{name}: {spec}");
        }
    }
}

#[test]
fn what_is_lost_can_be_given_up_by_a_value() {
    let own = json!({"bootstrap": {"replaceLost": ["berth-ca"]}});
    let objects = objects_with(&[], &own);
    let first = spec(&objects).lines().next();
    assert_eq!(first, Some("replace_lost = [\"berth-ca\"]"));
}

#[test]
fn everything_of_the_hook_is_there_before_install_upgrade_and_rollback() {
    let objects = objects(&[]);
    let of_hook = objects
        .iter()
        .filter(|object| object["metadata"]["name"] == "berth-bootstrap");
    let of_hook = of_hook.collect::<Vec<_>>();
    assert_eq!(of_hook.len(), 6);
    for object in of_hook {
        let hook = &object["metadata"]["annotations"]["helm.sh/hook"];
        assert_eq!(
            hook, "pre-install,pre-upgrade,pre-rollback",
            "{}",
            object["kind"]
        );
    }
}

#[test]
fn without_the_hook_every_secret_that_nobody_makes_is_named() {
    let own = json!({
        "bootstrap": {"enabled": false},
        "tls": cert_manager(),
    });
    let said = refusal(helm(&[], Some(&own)));
    for value in [
        "store.mode",
        "keys.operatorKeysSecret",
        "keys.keyEncryptionKeySecrets.vault",
        "keys.keyEncryptionKeySecrets.subscription-manager",
        "store.passwordSecrets.msgin5g-server",
    ] {
        assert!(said.contains(value), "{value}: {said}");
    }
    assert!(!said.contains("tls.mode"), "{said}");
    let one = json!({"keys": {"operatorKeysSecret": ""}});
    let said = refusal(helm(&[GIVEN], Some(&one)));
    assert!(said.contains("set keys.operatorKeysSecret\n"), "{said}");
}

#[test]
fn a_public_authority_is_asked_for_public_names_alone() {
    let names = |files: &[&str], own: &Value| {
        let objects = objects_with(files, own);
        let portal = find(&objects, "Certificate", "berth-portal-tls");
        portal["spec"]["dnsNames"].clone()
    };
    let tls = |tls: Value| json!({"portal": {"tls": tls}});
    let public = tls(json!({"hostnames": ["sign-up.operator.example"]}));
    let expected = ["portal.operator.example", "sign-up.operator.example"];
    assert_eq!(names(&[CERT_MANAGER], &public), json!(expected));
    let own_issuer = tls(json!({"public": false}));
    let names_of_own = names(&[CERT_MANAGER], &own_issuer);
    assert_eq!(names_of_own, json!(["portal.operator.example"]));
    let inside = names(&[], &json!({"tls": cert_manager()}));
    assert_eq!(inside.as_array().unwrap().len(), 4);
}

fn cert_manager() -> Value {
    json!({"mode": "certManager", "certManager": {"issuerRef": {"name": "identities"}}})
}

/// The rules of the hook's Role: verb, and names of Secrets.
fn rights(objects: &[Value]) -> Option<[(&str, BTreeSet<String>); 3]> {
    let role = objects.iter().find(|object| object["kind"] == "Role")?;
    let rules = role["rules"].as_array().unwrap().iter().map(|rule| {
        assert_eq!(rule["resources"], json!(["secrets"]));
        let [verb] = &rule["verbs"].as_array().unwrap()[..] else {
            panic!("{rule}");
        };
        let names = rule["resourceNames"].as_array().into_iter().flatten();
        let names = names.map(|name| name.as_str().unwrap().to_owned());
        (verb.as_str().unwrap(), names.collect())
    });
    Some(rules.collect::<Vec<_>>().try_into().unwrap())
}

fn spec(objects: &[Value]) -> &str {
    let mut specs = objects.iter();
    let spec = specs.find_map(|object| object["data"]["spec.toml"].as_str());
    spec.unwrap()
}

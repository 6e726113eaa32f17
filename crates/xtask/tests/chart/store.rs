//! Every function is given the authority of its store's certificate.

use serde_json::{Value, json};

use super::rendering::{find, helm, objects_with, pods, refusal};

#[test]
fn the_built_in_stores_authority_is_that_of_its_certificate_whoever_issued_it() {
    let names = [
        "vault",
        "ausf",
        "aanf",
        "configuration-management",
        "subscription-manager",
        "msgin5g-server",
        "certificate-fetcher",
        "operator",
        "test",
        "test-gateway",
    ];
    let mut given = json!({
        "tls": {"mode": "secret", "secrets": {"store": "mine"}},
        "portal": {"tls": {"secretName": "portal"}},
    });
    for name in names {
        given["tls"]["secrets"][name] = json!(format!("{name}-tls"));
    }
    for (own, secret) in [
        (json!({}), "berth-store-tls"),
        (cert_manager(), "berth-store-tls"),
        (given, "mine"),
    ] {
        let authorities = authorities(&own);
        assert_eq!(authorities.len(), 6, "{own}");
        for (function, authority) in authorities {
            assert_eq!(authority.as_deref(), Some(secret), "{function}: {own}");
        }
    }
}

#[test]
fn an_outer_stores_authority_is_the_one_that_is_named() {
    let outer = |url: &str, mut own: Value| {
        own["store"]["mode"] = json!("external");
        own["store"]["external"] = json!({"url": url});
        own["store"]["vault"] = json!({"mode": "builtin"});
        own
    };
    let of = |own: &Value, function: &str| {
        let mut authorities = authorities(own).into_iter();
        authorities.find(|(name, _)| name == function).unwrap().1
    };
    let own = outer("rediss://s:1/0", json!({}));
    assert_eq!(of(&own, "ausf").as_deref(), Some("berth-ausf-store"));
    assert_eq!(of(&own, "vault").as_deref(), Some("berth-store-tls"));
    let own = outer("rediss://s:1/0", json!({"store": {"caSecret": "valkey"}}));
    assert_eq!(of(&own, "ausf").as_deref(), Some("valkey"));
    assert_eq!(of(&own, "vault").as_deref(), Some("berth-store-tls"));

    let plain = outer("redis://s:1/0", cert_manager());
    assert_eq!(of(&plain, "ausf"), None);
    let own = outer("rediss://s:1/0", cert_manager());
    let said = refusal(helm(&[], Some(&own)));
    assert!(said.contains("store.caSecret is not set"), "{said}");

    let public = json!({"ca_file": "/etc/ssl/certs/ca-certificates.crt"});
    let mut own = outer("rediss://s:1/0", cert_manager());
    own["config"] = json!({"store": {"default": public, "messages": public}});
    assert_eq!(of(&own, "ausf"), None);
}

fn cert_manager() -> Value {
    json!({"tls": {"mode": "certManager", "certManager": {"issuerRef": {"name": "identities"}}}})
}

/// Each function with a store and the Secret from which it gets the `ca_file` that its settings name.
fn authorities(own: &Value) -> Vec<(String, Option<String>)> {
    let objects = objects_with(&[], own);
    let pods = pods(&objects).into_iter().filter_map(|(_, labels, pod)| {
        let volumes = pod["volumes"].as_array().unwrap();
        let store = volumes.iter().find(|volume| volume["name"] == "store")?;
        let function = labels["app.kubernetes.io/component"].as_str().unwrap();
        let sources = store["projected"]["sources"].as_array().unwrap().iter();
        let mut authorities = sources.filter(|source| {
            let items = source["secret"]["items"].as_array().unwrap();
            items.iter().any(|item| item["path"] == "ca.crt")
        });
        let secret = authorities.next().map(|source| &source["secret"]["name"]);
        assert!(authorities.next().is_none(), "{function}: two authorities");
        let settings = find(&objects, "ConfigMap", &format!("berth-{function}"));
        let settings = settings["data"]["berth.toml"].as_str().unwrap();
        let named = settings.contains("ca_file = \"/etc/berth/store/ca.crt\"");
        assert_eq!(named, secret.is_some(), "{function}");
        let secret = secret.map(|name| name.as_str().unwrap().to_owned());
        Some((function.to_owned(), secret))
    });
    pods.collect()
}

//! The portal behind a Gateway.

use serde_json::{Value, json};

use super::rendering::{Release, folder, helm_of, refusal, rendered};

const V1: &str = "gateway.networking.k8s.io/v1/BackendTLSPolicy";
const ROUTE: &str = "gateway.networking.k8s.io/v1/HTTPRoute";
const V1ALPHA3: &str = "gateway.networking.k8s.io/v1alpha3/BackendTLSPolicy";

#[test]
fn the_gateway_speaks_https_by_a_version_that_the_cluster_knows() {
    for (kinds, version) in [
        // Without a cluster to ask.
        (&[][..], "gateway.networking.k8s.io/v1"),
        (&[V1, ROUTE], "gateway.networking.k8s.io/v1"),
        (&[V1ALPHA3, ROUTE], "gateway.networking.k8s.io/v1alpha3"),
        (&[V1ALPHA3, V1], "gateway.networking.k8s.io/v1"),
    ] {
        let objects = rendered(exposed(kinds, &json!({})));
        let policy = objects
            .iter()
            .find(|object| object["kind"] == "BackendTLSPolicy");
        assert_eq!(policy.unwrap()["apiVersion"], version, "{kinds:?}");
    }
}

#[test]
fn a_cluster_without_that_kind_is_refused_by_name() {
    let said = refusal(exposed(&[ROUTE], &json!({})));
    assert!(
        said.contains("portal.gateway.backendTLSPolicy.enabled"),
        "{said}"
    );
    let off = json!({"portal": {"gateway": {"backendTLSPolicy": {"enabled": false}}}});
    let objects = rendered(exposed(&[ROUTE], &off));
    assert!(objects.iter().any(|object| object["kind"] == "HTTPRoute"));
}

fn exposed(kinds: &[&str], own: &Value) -> std::process::Output {
    let release = Release {
        chart: &folder(),
        name: "berth",
        namespace: "berth",
        kinds,
    };
    helm_of(release, &["ci/exposure.yaml"], Some(own))
}

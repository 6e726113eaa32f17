//! Alerts and dashboards lead to runbooks where these are read.

use serde_json::json;

use super::rendering::{objects, objects_with};

const SET: &[&str] = &["ci/lab-and-monitoring.yaml"];
const PAGES: &str = "https://pages.example/berth/1.0";

#[test]
fn alerts_and_dashboards_lead_to_the_runbooks_of_the_values() {
    let own = json!({"monitoring": {"runbooksUrl": PAGES}});
    for (objects, expected) in [
        (objects(SET), "docs/runbooks"),
        (objects_with(SET, &own), PAGES),
    ] {
        let rules = objects
            .iter()
            .find(|object| object["kind"] == "PrometheusRule");
        let rules = rules.unwrap()["spec"]["groups"][0]["rules"]
            .as_array()
            .unwrap();
        assert!(rules.len() > 3, "{rules:?}");
        for rule in rules {
            let (alert, url) = (&rule["alert"], &rule["annotations"]["runbook_url"]);
            let page = format!("{expected}/{}.md", alert.as_str().unwrap());
            assert_eq!(url, &json!(page));
        }
        let dashboards = objects
            .iter()
            .filter(|object| object["metadata"]["labels"]["grafana_dashboard"].is_string());
        let mut seen = 0;
        for dashboard in dashboards {
            for text in dashboard["data"].as_object().unwrap().values() {
                let text = text.as_str().unwrap();
                let dashboard = serde_json::from_str::<serde_json::Value>(text).unwrap();
                let variables = dashboard["templating"]["list"].as_array().unwrap();
                let runbooks = variables
                    .iter()
                    .find(|variable| variable["name"] == "runbooks");
                assert_eq!(runbooks.unwrap()["query"], expected);
                seen += 1;
            }
        }
        assert_eq!(seen, 3);
    }
}

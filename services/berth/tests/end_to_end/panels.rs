//! Dashboards and alerts against a running story: what they name exists, and every panel has something to show.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use tempfile::tempdir;

use crate::aka::Gateway;
use crate::device::in_service;
use crate::installation::Installation;
use crate::process::{get, poll};
use crate::prometheus::{NAMESPACE, Prometheus, Target, chart, number};
use crate::promql::Shown;
use crate::redis_server::RedisServer;
use crate::search::Search;

/// An expression and where it stands.
struct Expression {
    place: String,
    text: String,
}

#[tokio::test]
async fn every_panel_shows_the_story_and_names_nothing_else() {
    let folder = tempdir().unwrap();
    // With a replica: waits for it are shown too.
    let redis = RedisServer::with_replica();
    let settings = folder.path().join("berth.toml");
    std::fs::write(&settings, redis.settings()).unwrap();
    let settings = settings.to_str().unwrap();
    let arguments = ["--lab", "--processes", "--config", settings];
    let installation = Installation::start(&folder.path().join("data"), &arguments);
    let targets: Vec<_> = installation
        .admin_urls()
        .into_iter()
        .map(Target::at)
        .collect();
    let prometheus = Prometheus::start(&targets, &chart().join("rules/berth.yaml"));
    poll("every function is scraped", || {
        (prometheus.number("sum(berth_ready)")? == targets.len() as f64).then_some(())
    });

    let panels = panels();
    let mut private = Search::default();
    let registered = "sum(berth_msgin5g_server_procedure_duration_seconds_count\
                      {procedure=\"register\",cause=\"NONE\"})";
    for round in 1..=2_u32 {
        play(
            &installation,
            &folder.path().join(round.to_string()),
            &mut private,
        )
        .await;
        // What a rate counts has to be seen before and after.
        poll("the story is scraped", || {
            (prometheus.number(registered)? >= f64::from(2 * round)).then_some(())
        });
        if round == 1 {
            assert_shows_single_refusals(&prometheus, &panels);
        }
    }

    let shown = shown(&targets);
    let alerts = alerts(&prometheus);
    assert_eq!(alerts.len(), 5);
    let wrong: Vec<_> = panels
        .iter()
        .chain(&alerts)
        .filter_map(|it| Some(format!("{}: {}", it.place, shown.check(&it.text).err()?)))
        .collect();

    let mut empty: Vec<_> = panels.iter().collect();
    let has_data = |it: &Expression| {
        prometheus
            .query(&it.text)
            .iter()
            .any(|it| number(it).is_some())
    };
    let begun = std::time::Instant::now();
    while !empty.is_empty() && begun.elapsed() < std::time::Duration::from_secs(30) {
        empty.retain(|it| !has_data(it));
    }
    let empty: Vec<_> = empty.iter().map(|it| &it.place).collect();
    assert!(
        wrong.is_empty() && empty.is_empty(),
        "named and not there: {wrong:#?}\nnothing to show: {empty:#?}"
    );
    assert!(panels.len() > 60, "only {} expressions", panels.len());

    // A procedure that can be traced can be counted, before its first run.
    let traced = traced_procedures();
    assert!(traced.len() > 30, "{traced:?}");
    for (function, procedure) in traced {
        let series = format!("berth_{function}_procedure_duration_seconds_count");
        let selector = format!("{series}{{procedure=\"{procedure}\",cause=\"NONE\"}}");
        assert!(prometheus.number(&selector).is_some(), "{selector}");
    }
    for variable in ["namespace", "function"] {
        assert!(
            shown
                .check(&format!("count by ({variable}) (berth_ready)"))
                .is_ok()
        );
    }
    let found = prometheus.series();
    assert!(found.contains(NAMESPACE) && found.contains("start_owa"));
    assert_eq!(private.found(found.as_bytes()), [""; 0]);
    installation.stop();
}

/// Two devices become bare to registered, one sends the other a message, and something is refused.
async fn play(installation: &Installation, folder: &Path, private: &mut Search) {
    let mut devices = Vec::new();
    for name in ["sensor", "band"] {
        let device = in_service(&folder.join(name), &installation.lab()).await;
        let status = device.status().unwrap();
        let subscription = status.subscription.unwrap();
        let supi = subscription.supi.as_text().trim_start_matches("imsi-");
        private.text("SUPI", supi);
        let gpsi = subscription.gpsi.unwrap();
        private.text("MSISDN", gpsi.as_str().trim_start_matches("msisdn-"));
        devices.push(device);
    }
    let mut sender = devices[0].register().await.unwrap();
    let mut receiver = devices[1].register().await.unwrap();
    let to = receiver.registration().ue_service_id.clone();
    sender.send(to.as_str(), "hello").await.unwrap();
    receiver.receive(crate::process::LIMIT).await.unwrap();
    sender
        .send("ue-aaaaaaaa@msgin5g.berth.test", "hello")
        .await
        .unwrap_err();
    sender.deregister().await.unwrap();
    receiver.deregister().await.unwrap();
    let gateway = Gateway::new(installation, "lab");
    let refused = gateway.start("imsi-001019999999999").await;
    assert!(refused.is_err(), "nobody has this number");
}

/// A cause appears with its first failure; the table of refusals counts it nevertheless.
fn assert_shows_single_refusals(prometheus: &Prometheus, panels: &[Expression]) {
    let table = panels
        .iter()
        .find(|it| it.place.contains("Refusals by step and cause"));
    let table = &table.unwrap().text;
    poll("a device that was refused once is in the table", || {
        let rows = prometheus.query(table);
        let row = rows.iter().find(|row| {
            row["metric"]["procedure"] == "start_aka" && row["metric"]["cause"] == "USER_NOT_FOUND"
        })?;
        (number(row)? == 1.0).then_some(())
    });
}

/// Everything that the functions show, as it is labelled once it is scraped.
fn shown(targets: &[Target]) -> Shown {
    let mut shown = Shown::default();
    for target in targets {
        let (_, page) = get(&format!("{}/metrics", target.url)).unwrap();
        shown.add_page(&page);
    }
    shown.scraped_with(&["namespace", "function", "instance", "job"])
}

fn dashboards() -> Vec<(String, Value)> {
    let mut dashboards = Vec::new();
    for entry in std::fs::read_dir(chart().join("dashboards")).unwrap() {
        let file = entry.unwrap().path();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read(&file).unwrap();
        dashboards.push((name, serde_json::from_slice(&text).unwrap()));
    }
    dashboards
}

/// The panels of a dashboard, those of rows that are folded up included.
fn panels_of(dashboard: &Value) -> Vec<&Value> {
    let panels = dashboard["panels"].as_array().into_iter().flatten();
    panels
        .flat_map(|panel| [vec![panel], panels_of(panel)].concat())
        .collect()
}

/// The expressions of all panels, as Grafana would send them for everything.
fn panels() -> Vec<Expression> {
    let mut expressions = Vec::new();
    for (name, dashboard) in dashboards() {
        for panel in panels_of(&dashboard) {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let text = target["expr"].as_str().unwrap();
                let text = text
                    .replace("$namespace", ".*")
                    .replace("$function", ".*")
                    .replace("$__rate_interval", "5m")
                    .replace("$__range_s", "3600")
                    .replace("$__range", "1h");
                assert!(!text.contains('$'), "{name}: {text}");
                expressions.push(Expression {
                    place: format!("{name}: {} {}", panel["title"], target["refId"]),
                    text,
                });
            }
        }
    }
    expressions
}

/// The expressions of all alerts, as Prometheus has read them.
fn alerts(prometheus: &Prometheus) -> Vec<Expression> {
    let rules = prometheus.rules().into_iter();
    rules
        .map(|rule| {
            assert_eq!(rule["type"], "alerting", "{rule}");
            assert_ne!(rule["health"], "err", "{rule}");
            Expression {
                place: rule["name"].as_str().unwrap().to_owned(),
                text: rule["query"].as_str().unwrap().to_owned(),
            }
        })
        .collect()
}

/// The procedures that have a span, by the name of their function in metrics.
fn traced_procedures() -> BTreeSet<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut procedures = BTreeSet::new();
    for rooms in ["services", "devices"] {
        for (file, text) in crate::search::files(&root.join(rooms), &[]) {
            let text = String::from_utf8_lossy(&text).into_owned();
            if !file.ends_with(".rs") || file.contains("/tests/") {
                continue;
            }
            for (_, after) in text
                .split("instrument(")
                .skip(1)
                .filter_map(|it| it.split_once("name = \""))
            {
                let name = after.split('"').next().unwrap();
                if let Some((function, procedure)) = name.split_once('.') {
                    procedures.insert((function.to_owned(), procedure.to_owned()));
                }
            }
        }
    }
    procedures
}

#[test]
fn dashboards_can_be_read_by_a_person_in_trouble() {
    let dashboards = dashboards();
    assert_eq!(dashboards.len(), 3);
    let runbooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/runbooks");
    let mut uids = BTreeSet::new();
    for (name, dashboard) in &dashboards {
        assert!(dashboard["schemaVersion"].as_u64().unwrap() >= 39, "{name}");
        assert!(uids.insert(dashboard["uid"].as_str().unwrap()), "{name}");
        let variables = dashboard["templating"]["list"].as_array().unwrap();
        let variables: Vec<_> = variables
            .iter()
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        assert!(
            variables.starts_with(&["datasource", "namespace"]),
            "{name}"
        );
        let (mut ids, mut titles) = (BTreeSet::new(), BTreeSet::new());
        for panel in panels_of(dashboard) {
            let title = panel["title"].as_str().unwrap();
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{name}: {title}");
            assert!(titles.insert(title), "{name}: {title} twice");
            if panel["type"] == "row" {
                continue;
            }
            assert!(
                panel["description"].as_str().unwrap().len() > 15,
                "{name}: {title}"
            );
            assert!(
                !panel["fieldConfig"]["defaults"]["unit"].is_null(),
                "{name}: {title}"
            );
            assert_eq!(
                panel["datasource"]["uid"], "${datasource}",
                "{name}: {title}"
            );
            // Grafana asks for exemplars only where it is told to.
            for target in panel["targets"].as_array().into_iter().flatten() {
                let is_of_durations = target["expr"].as_str().unwrap().contains("_bucket");
                assert_eq!(
                    target["exemplar"] == true,
                    is_of_durations,
                    "{name}: {title}"
                );
            }
            for link in panel["links"].as_array().into_iter().flatten() {
                let page = link["url"].as_str().unwrap().strip_prefix("${runbooks}/");
                assert!(runbooks.join(page.unwrap()).exists(), "{name}: {title}");
            }
        }
    }
}

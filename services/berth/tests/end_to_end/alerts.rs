//! The alerts: what fires them, what they say, and which causes they know.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use cause::Cause;

use crate::process::{output, said};
use crate::prometheus::chart;

#[test]
fn every_alert_fires_and_resolves_and_has_a_runbook() {
    let rules = chart().join("rules");
    for (what, file) in [("check", "berth.yaml"), ("test", "tests/berth.yaml")] {
        let tested = output(
            Command::new("promtool")
                .args([what, "rules"])
                .arg(rules.join(file)),
        );
        assert!(tested.status.success(), "{}", said(&tested));
    }
    let text = std::fs::read_to_string(rules.join("berth.yaml")).unwrap();
    let tests = std::fs::read_to_string(rules.join("tests/berth.yaml")).unwrap();
    let alerts: Vec<_> = values(&text, "- alert: ").collect();
    assert_eq!(alerts.len(), 5);
    for (alert, runbook) in alerts.iter().zip(values(&text, "runbook_url: ")) {
        assert!(runbook.ends_with(&format!("/{alert}.md")), "{runbook}");
        let page = std::fs::read_to_string(root().join(runbook)).unwrap();
        for part in [
            "**Meaning.**",
            "**Impact.**",
            "**Diagnosis.**",
            "**Mitigation.**",
        ] {
            assert!(page.contains(part), "{runbook}: {part}");
        }
        // Not yet, now, and not any more.
        let tested = values(&tests, "alertname: ").filter(|it| it == alert);
        assert!(tested.count() >= 3, "{alert}");
    }
    assert_eq!(values(&text, "severity: ").count(), 5);
    assert_eq!(values(&text, "summary: ").count(), 5);
}

/// A new cause is sorted in here, or the alert and its panel pass over it.
#[test]
fn every_fault_of_ours_is_known_to_the_alert_the_panel_and_the_runbook() {
    let not_ours = [
        // The manufacturer's server.
        Cause::CertificateNotReachable,
        // What a device asks for and nobody offers.
        Cause::Unsupported,
        Cause::UnsupportedProtectionScheme,
    ];
    let ours: BTreeSet<_> = Cause::ALL
        .iter()
        .filter(|cause| cause.http() >= 500 && !not_ours.contains(cause))
        .map(|cause| cause.name().to_owned())
        .collect();

    let lists = alternatives(&read("charts/berth/rules/berth.yaml"), "cause=~\"");
    assert_eq!(lists.len(), 3);
    let panels = read("charts/berth/dashboards/functions.json").replace("\\\"", "\"");
    let shown = alternatives(&panels, "cause=~\"");
    assert_eq!(shown.len(), 1);
    for list in lists.iter().chain(&shown) {
        assert_eq!(list, &ours);
    }
    let page = read("docs/runbooks/BerthFaults.md");
    let (meaning, _) = page.split_once("**Impact.**").unwrap();
    let told: BTreeSet<_> = meaning
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    assert_eq!(told, ours);
}

#[test]
fn an_enrolment_that_waits_is_told_from_one_that_is_refused() {
    let waiting = |cause: &&Cause| {
        let is_repeated = cause.http() >= 500 || cause.retryable();
        is_repeated && ![Cause::NumberRangeExhausted, Cause::ChallengeStale].contains(cause)
    };
    let repeated: BTreeSet<_> = Cause::ALL
        .iter()
        .filter(waiting)
        .map(|cause| cause.name().to_owned())
        .collect();
    let lists = alternatives(&read("charts/berth/rules/berth.yaml"), "cause!~\"");
    let (all, refused) = lists.split_first().unwrap();
    let neither = ["NONE", "CANCELLED"].map(str::to_owned).into();
    assert_eq!(all, &neither);
    assert_eq!(refused.len(), 2);
    for list in refused {
        assert_eq!(list, &(&repeated | &neither));
    }
}

/// The words of each alternation behind `begin`.
fn alternatives(text: &str, begin: &str) -> Vec<BTreeSet<String>> {
    text.split(begin)
        .skip(1)
        .map(|rest| {
            let list = rest.split('"').next().unwrap();
            list.split('|').map(str::to_owned).collect()
        })
        .collect()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn values<'a>(text: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines()
        .filter_map(move |line| line.trim().strip_prefix(key))
}

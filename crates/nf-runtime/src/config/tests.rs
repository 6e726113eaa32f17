use std::fs;
use std::time::Duration;

use serde::Deserialize;

use super::*;
use crate::telemetry::{LogFormat, TelemetryConfig};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Example {
    plmn: Plmn,
    port: u16,
    enabled: bool,
    #[serde(with = "humantime_serde")]
    grace: Duration,
    hosts: Vec<String>,
    store_url: Option<String>,
    telemetry: TelemetryConfig,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Plmn {
    mcc: String,
    mnc: String,
}

impl Default for Plmn {
    fn default() -> Self {
        Self {
            mcc: "001".to_owned(),
            mnc: "01".to_owned(),
        }
    }
}

impl Default for Example {
    fn default() -> Self {
        Self {
            plmn: Plmn::default(),
            port: 7001,
            enabled: false,
            grace: Duration::from_secs(20),
            hosts: vec!["a".to_owned()],
            store_url: None,
            telemetry: TelemetryConfig::default(),
        }
    }
}

fn read(
    file: &str,
    environment: &[(&str, &str)],
    overrides: &[(&str, &str)],
) -> Result<Example, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("berth.toml");
    fs::write(&path, file).unwrap();
    let own = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()))
            .collect()
    };
    layered(
        Some(&path),
        Some(own(environment).into_iter().collect()),
        &own(overrides),
    )
}

fn complaint(result: Result<Example, ConfigError>) -> String {
    format!("{:#}", anyhow::Error::new(result.unwrap_err()))
}

#[test]
fn nothing_given_is_the_default() {
    assert_eq!(read("", &[], &[]).unwrap(), Example::default());
    assert_eq!(
        layered::<Example>(None, Some(Map::new()), &[]).unwrap(),
        Example::default()
    );
}

#[test]
fn each_layer_goes_over_the_one_before() {
    let file = "port = 1\nenabled = true\nhosts = [\"b\", \"c\"]\n[plmn]\nmcc = \"262\"";
    let environment = [
        ("BERTH__PORT", "2"),
        ("BERTH__GRACE", "3s"),
        ("BERTH__TELEMETRY__LOG_FORMAT", "text"),
    ];
    let config = read(
        file,
        &environment,
        &[("port", "3"), ("telemetry.log_filter", "debug")],
    )
    .unwrap();
    assert_eq!(config.port, 3);
    assert!(config.enabled);
    assert_eq!(config.hosts, ["b", "c"]);
    assert_eq!(config.grace, Duration::from_secs(3));
    assert_eq!(
        config.plmn,
        Plmn {
            mcc: "262".to_owned(),
            mnc: "01".to_owned()
        }
    );
    assert_eq!(config.telemetry.log_format, LogFormat::Text);
    assert_eq!(config.telemetry.log_filter, "debug");
}

#[test]
fn an_unset_optional_key_can_be_set_from_everywhere() {
    for config in [
        read("store_url = \"redis://a\"", &[], &[]),
        read("", &[("BERTH__STORE_URL", "redis://a")], &[]),
        read("", &[], &[("store_url", "redis://a")]),
    ] {
        assert_eq!(config.unwrap().store_url.as_deref(), Some("redis://a"));
    }
}

#[test]
fn a_network_code_keeps_its_zero() {
    let config = read(
        "",
        &[("BERTH__PLMN__MCC", "001"), ("BERTH__PLMN__MNC", "01")],
        &[],
    )
    .unwrap();
    assert_eq!(config.plmn, Plmn::default());
    assert_eq!(read("", &[], &[("plmn.mnc", "01")]).unwrap().plmn.mnc, "01");
    assert!(read("[plmn]\nmnc = 01", &[], &[]).is_err());
}

#[test]
fn unknown_keys_are_refused_wherever_they_stand() {
    for refused in [
        read("prot = 1", &[], &[]),
        read("[plmn]\nmcn = \"01\"", &[], &[]),
        read("", &[("BERTH__PROT", "1")], &[]),
        read("", &[("BERTH__PLMN__MCN", "01")], &[]),
        read("", &[], &[("plmn.mcn", "01")]),
    ] {
        let complaint = complaint(refused);
        assert!(
            complaint.contains("prot") || complaint.contains("mcn"),
            "{complaint}"
        );
    }
}

#[test]
fn values_that_do_not_fit_are_refused_by_name() {
    assert!(complaint(read("port = \"seven\"", &[], &[])).contains("port"));
    assert!(complaint(read("", &[("BERTH__PORT", "70000")], &[])).contains("port"));
    assert!(complaint(read("port = ", &[], &[])).contains("berth.toml"));
}

#[test]
fn variables_that_kubernetes_injects_do_not_count() {
    let injected = [
        ("BERTH_PORT", "tcp://10.0.0.1:7001"),
        ("BERTH_PORT_7001_TCP_ADDR", "10.0.0.1"),
        ("BERTH_SERVICE_HOST", "10.0.0.1"),
        ("BERTH__PORT", ""),
    ];
    assert_eq!(read("", &injected, &[]).unwrap(), Example::default());
}

#[test]
fn a_printed_configuration_reads_the_same_and_hides_passwords() {
    let page = print(&Example::default()).unwrap();
    assert_eq!(read(&page, &[], &[]).unwrap(), Example::default());

    let config = Example {
        store_url: Some("redis://berth:swordfish@store:6379/0".to_owned()),
        hosts: vec!["redis://:swordfish@other".to_owned()],
        ..Example::default()
    };
    let page = print(&config).unwrap();
    assert!(!page.contains("swordfish"), "{page}");
    assert!(
        page.contains("redis://berth:redacted@store:6379/0"),
        "{page}"
    );
}

#[test]
fn the_file_is_the_one_that_was_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("berth.toml"), "port = 1").unwrap();
    let said = |path: &Path| {
        let loaded = layered::<Example>(Some(path), Some(Map::new()), &[]);
        complaint(loaded)
    };
    let without_ending = said(&folder.path().join("berth"));
    assert!(without_ending.contains("No such file"), "{without_ending}");
    let directory = said(folder.path());
    assert!(directory.contains("is a directory"), "{directory}");
}

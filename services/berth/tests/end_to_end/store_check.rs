//! `berth store check`: what it says of a whole store and of a damaged one.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::installation::Installation;
use crate::process::{berth, output, said};
use crate::redis_server::RedisServer;

fn store_check(settings: &Path, more: &[&str]) -> Output {
    let mut command = berth();
    command
        .args(["store", "check", "--json", "--config"])
        .arg(settings)
        .args(more);
    output(&mut command)
}

fn findings(output: &Output) -> Vec<(String, String, String)> {
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| {
            let finding: Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| finding[name].as_str().unwrap().to_owned();
            (text("about"), text("verdict"), text("text"))
        })
        .collect()
}

#[test]
fn a_file_is_checked_when_nobody_uses_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let settings = folder.path().join("settings.toml");
    let stores = ["vault", "default", "messages"].map(|store| {
        let file = data.join(format!("store/{store}.redb"));
        format!(
            "[store.{store}]\nbackend = \"redb\"\npath = \"{}\"\n",
            file.display()
        )
    });
    std::fs::write(&settings, stores.concat()).unwrap();

    let absent = store_check(&settings, &["--role", "aanf"]);
    assert!(!absent.status.success(), "{}", said(&absent));
    assert!(!data.exists(), "a check makes nothing");

    let installation = Installation::laboratory(&data);
    let in_use = store_check(&settings, &["--role", "aanf"]);
    assert_eq!(in_use.status.code(), Some(1), "{}", said(&in_use));
    assert!(said(&in_use).contains("in use"), "{}", said(&in_use));
    installation.stop();

    let whole = store_check(&settings, &[]);
    assert!(whole.status.success(), "{}", said(&whole));
    let findings = findings(&whole);
    assert_eq!(findings.len(), 6, "{findings:?}");
    let ausf = findings.iter().find(|(about, ..)| about == "ausf").unwrap();
    assert!(ausf.2.contains("1 manufacturer"), "{ausf:?}");

    // A copy that broke off at once.
    let copy = data.join("store/default.redb");
    std::fs::write(&copy, "").unwrap();
    let empty = store_check(&settings, &["--role", "aanf"]);
    assert_eq!(empty.status.code(), Some(1), "{}", said(&empty));
    assert!(said(&empty).contains("is empty"), "{}", said(&empty));
    assert_eq!(std::fs::metadata(&copy).unwrap().len(), 0);
}

#[test]
fn a_damaged_server_is_told_without_identifiers() {
    let folder = tempfile::tempdir().unwrap();
    let server = RedisServer::start();
    let settings = folder.path().join("settings.toml");
    std::fs::write(&settings, server.settings()).unwrap();
    let data = folder.path().join("data");
    let config = settings.to_string_lossy();
    let installation = Installation::start(&data, &["--lab", "--config", &config]);

    // Also while it is used.
    let whole = store_check(&settings, &[]);
    assert!(whole.status.success(), "{}", said(&whole));

    let identifier = "imsi-001010000000001";
    for (key, value) in [
        (format!("aanf:{{{identifier}}}:context"), "damaged"),
        (format!("aanf:{{{identifier}}}:from-tomorrow"), "damaged"),
    ] {
        assert_eq!(server.ask(&["SET", &key, value]), "OK");
    }
    let damaged = store_check(&settings, &[]);
    installation.stop();
    assert_eq!(damaged.status.code(), Some(1), "{}", said(&damaged));
    assert!(!said(&damaged).contains(identifier), "{}", said(&damaged));
    let bad: Vec<_> = findings(&damaged)
        .into_iter()
        .filter(|(_, verdict, _)| verdict == "bad")
        .map(|(about, _, text)| format!("{about}: {text}"))
        .collect();
    assert_eq!(
        bad,
        [
            "aanf: 1 of kind from-tomorrow are of a kind that this release does not know: imsi…01",
            "aanf: 1 of kind context cannot be read: imsi…01",
        ]
    );
}

#[test]
fn what_cannot_be_checked_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("settings.toml");
    std::fs::write(&settings, "").unwrap();
    for (more, hint) in [
        (&[][..], "nothing to check"),
        (&["--role", "aanf"], "kept in memory"),
        (&["--role", "certificate-fetcher"], "no function"),
    ] {
        let refused = store_check(&settings, more);
        assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
        assert!(said(&refused).contains(hint), "{}", said(&refused));
    }
}

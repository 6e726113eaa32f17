//! What a start makes of a data folder, a store and an identity that are not as they should be.

use std::path::Path;

use rustix::process::Signal;
use tempfile::tempdir;

use crate::installation::Installation;
use crate::process::{Running, berth, free_address, output, poll, said};
use crate::redis_server::RedisServer;

#[test]
fn a_data_folder_may_be_moved_and_never_gets_another_key_for_a_lost_one() {
    let folder = tempdir().unwrap();
    let (old, data) = (folder.path().join("old"), folder.path().join("new"));
    Installation::laboratory(&old).stop();
    std::fs::rename(&old, &data).unwrap();
    Installation::laboratory(&data).stop();

    let key = data.join("keys/aanf.kek");
    std::fs::remove_file(&key).unwrap();
    let refused = output(berth().args(["up", "--lab", "--data"]).arg(&data));
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    let text = said(&refused);
    assert!(text.contains("aanf.kek is lost"), "{text}");
    assert!(!key.exists());

    tell_of_a_foreign_identity(&data, folder.path());
}

/// A function that is given the vault's identity runs, because the files may be replaced, but says so.
fn tell_of_a_foreign_identity(data: &Path, folder: &Path) {
    let pki = data.join("pki");
    let settings = folder.join("fetcher.toml");
    let text = format!(
        "[listen]\ncertificate_fetcher = \"{}\"\n[tls]\nca = \"{pki}/ca.crt\"\n\
         certificate = \"{pki}/nf-vault.crt\"\nkey = \"{pki}/nf-vault.key\"\n\
         trust_domain = \"berth.internal\"\n",
        free_address(),
        pki = pki.display(),
    );
    std::fs::write(&settings, text).unwrap();
    let mut command = berth();
    command.arg("certificate-fetcher").arg("--config");
    let fetcher = Running::start(command.arg(&settings), &folder.join("fetcher"));
    poll("the function is ready", || {
        fetcher.said().contains("ready").then_some(())
    });
    let text = fetcher.said();
    assert!(text.contains("no other function will accept"), "{text}");
    assert!(text.contains("nf-vault.crt"), "{text}");
    assert!(text.contains("not that of certificate-fetcher"), "{text}");
}

#[test]
fn a_start_waits_for_a_store_that_confirms_nothing_yet() {
    let folder = tempdir().unwrap();
    let redis = RedisServer::with_replica();
    redis.signal_replica(Signal::STOP);
    let settings = folder.path().join("berth.toml");
    std::fs::write(&settings, redis.settings()).unwrap();
    let data = folder.path().join("data");
    let mut command = berth();
    command
        .args(["up", "--processes", "--config"])
        .arg(&settings);
    command.arg("--data").arg(&data);
    let mut up = Running::start(&mut command, &folder.path().join("up"));
    for function in ["vault", "ausf"] {
        let log = data.join(format!("processes/{function}.log"));
        poll("the start waits", || {
            assert!(up.ended().is_none(), "{}", up.said());
            let told = std::fs::read_to_string(&log).unwrap_or_default();
            told.contains("the start waits for the store").then_some(())
        });
    }
    redis.signal_replica(Signal::CONT);
    poll("berth up is ready", || {
        assert!(up.ended().is_none(), "{}", up.said());
        up.said().contains("ready: ").then_some(())
    });
    up.signal(Signal::TERM);
    assert!(up.wait().success(), "{}", up.said());
}

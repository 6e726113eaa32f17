//! The directory: modes, versions, damage, crashes; and the command on top of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use ue::{Manufacture, State, StateError, Ue, UeError};

use crate::home::Laboratory;

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).collect()
}

#[tokio::test]
async fn nobody_else_reads_the_files() {
    let lab = Laboratory::new().await;
    let _device = lab.subscriber("band").await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&lab.path("band")), 0o700);
    let files = files(&lab.path("band"));
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn every_damaged_file_is_named_and_nothing_panics() {
    let lab = Laboratory::new().await;
    let mut device = lab.subscriber("band").await;
    for file in files(&lab.path("band")) {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        if name == "lock" {
            continue;
        }
        let good = fs::read(&file).unwrap();
        let cuts = (0..good.len()).step_by((good.len() / 40).max(1));
        for cut in cuts {
            fs::write(&file, &good[..cut]).unwrap();
            let results = [
                Ue::open(&lab.path("band")).map(|_| ()),
                device.status().map(|_| ()),
                device
                    .akma(None, ue::CipherSuite::PskAes128Ccm8)
                    .map(|_| ()),
            ];
            if name != "identity.pem" {
                let damaged = results.into_iter().any(|result| {
                    matches!(result, Err(UeError::State(StateError::Damaged { .. })))
                });
                assert!(damaged, "{name} cut at {cut}");
            }
        }
        fs::write(&file, &good).unwrap();
    }
    device.authenticate().await.unwrap();
}

#[tokio::test]
async fn a_newer_file_is_refused_and_what_a_crash_left_over_is_ignored() {
    let lab = Laboratory::new().await;
    let device = lab.subscriber("band").await;
    fs::write(lab.path("band").join("slot-a.json.new"), "{").unwrap();
    fs::write(lab.path("band").join("device.json.new"), "").unwrap();
    assert_eq!(device.status().unwrap().state, State::Active);
    let file = lab.path("band").join("device.json");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("\"version\": 1", "\"version\": 2")).unwrap();
    let refused = Ue::open(&lab.path("band")).unwrap_err();
    assert!(
        matches!(refused, UeError::State(StateError::Newer { found: 2, .. })),
        "{refused}"
    );
}

#[tokio::test]
async fn a_directory_holds_one_device_and_one_change_at_a_time() {
    let lab = Laboratory::new().await;
    let mut device = lab.device("band", &Manufacture::default());
    let again = Ue::manufacture(&lab.path("band"), &lab.path("lab"), &Manufacture::default());
    assert!(matches!(
        again,
        Err(UeError::State(StateError::DeviceExists { .. }))
    ));
    let missing = Ue::open(&lab.path("nothing"));
    assert!(matches!(
        missing,
        Err(UeError::State(StateError::NoDevice { .. }))
    ));
    let lock = fs::File::options()
        .write(true)
        .open(lab.path("band").join("lock"))
        .unwrap();
    lock.lock().unwrap();
    let refused = device.authenticate().await.unwrap_err();
    assert!(
        matches!(refused, UeError::State(StateError::InUse { .. })),
        "{refused}"
    );
    assert_eq!(device.status().unwrap().state, State::Bare);
}

#[tokio::test]
async fn reset_keeps_what_the_factory_put_in_and_nothing_else() {
    let lab = Laboratory::new().await;
    let mut device = lab.subscriber("band").await;
    let before = device.status().unwrap();
    device.reset().unwrap();
    let after = device.status().unwrap();
    assert_eq!((after.state, after.subscription), (State::Bare, None));
    assert_eq!(
        (after.serial, after.device_id),
        (before.serial, before.device_id)
    );
    crate::onboarding::onboard(&mut device).await.unwrap();
}

fn ue(lab: &Laboratory, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ue"));
    command.arg("--state").arg(lab.path("cli")).args(arguments);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

async fn run(lab: &Laboratory, arguments: &[&str]) -> Output {
    let mut command = tokio::process::Command::from(ue(lab, arguments));
    command.output().await.unwrap()
}

async fn json(lab: &Laboratory, arguments: &[&str]) -> Value {
    let output = run(lab, &[arguments, &["--json"]].concat()).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn the_command_tells_data_on_stdout_and_advice_on_stderr() {
    let lab = Laboratory::new().await;
    let folder = lab.path("lab");
    let folder = folder.to_str().unwrap();
    let made = json(&lab, &["new", "--lab", folder, "--serial", "LAB-0001"]).await;
    assert_eq!(made["serial"], "LAB-0001");
    assert!(Path::new(folder).join("certificates/LAB-0001.cer").exists());
    assert_eq!(
        json(&lab, &["discover"]).await["networks"][0]["network_id"],
        "lab"
    );

    let early = run(&lab, &["register"]).await;
    assert_eq!(early.status.code(), Some(4));
    assert!(early.stdout.is_empty());
    let said = String::from_utf8(early.stderr).unwrap();
    assert!(said.contains("try: run `ue onboard` first"), "{said}");

    let onboarded = json(&lab, &["onboard", "--sign-up", "auto"]).await;
    assert!(onboarded["phases_ms"]["owa"].is_u64());
    let authenticated = json(&lab, &["authenticate"]).await;
    assert_eq!(authenticated["state"], "active");
    let status = json(&lab, &["status"]).await;
    for name in ["device_id", "supi", "ue_service_id", "state"] {
        assert!(status[name].is_string(), "{name}");
    }
    let akma = json(&lab, &["akma", "--suite", "gcm"]).await;
    for name in [
        "a_kid",
        "k_af",
        "ua_star_id",
        "suite",
        "psk_identity",
        "coaps_uri",
        "expires_at",
    ] {
        assert!(akma[name].is_string(), "{name}");
    }
    assert_eq!(akma["ua_star_id"], "01000100a8");
    assert_eq!(
        json(&lab, &["register"]).await["ue_service_id"],
        status["ue_service_id"]
    );
    let me = status["ue_service_id"].as_str().unwrap();
    json(
        &lab,
        &["send", "--to", me, "--text", "from the command line"],
    )
    .await;
    let received = json(&lab, &["receive", "--count", "1", "--timeout", "10"]).await;
    assert_eq!(received["text"], "from the command line");
    json(&lab, &["deregister"]).await;
    assert_eq!(json(&lab, &["reset"]).await["state"], "bare");

    for (arguments, code) in [
        (&["akma", "--af", "not a name"][..], 2),
        (&["onboard", "--sign-up", "code"], 2),
        (&["nonsense"], 2),
        (&["new", "--lab", "/nonexistent"], 3),
        (&["authenticate"], 4),
        (&["--help"], 0),
    ] {
        assert_eq!(
            run(&lab, arguments).await.status.code(),
            Some(code),
            "{arguments:?}"
        );
    }
    let help = run(&lab, &["--help"]).await;
    assert!(
        String::from_utf8(help.stdout)
            .unwrap()
            .contains("Exit codes:")
    );
}

/// Kills the command at random moments; whatever it was doing, the device can be used afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_is_killed_at_any_moment_stays_usable() {
    let seed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .subsec_nanos();
    println!("seed {seed}");
    let random = nf_runtime::random::Random::seeded(seed.into());
    let lab = Laboratory::new().await;
    let folder = lab.path("lab");
    json(&lab, &["new", "--lab", folder.to_str().unwrap()]).await;
    for epoch in 1..=12 {
        lab.home.script(|script| script.epoch = epoch);
        for arguments in [&["onboard", "--sign-up", "auto"][..], &["authenticate"]] {
            let mut child = tokio::process::Command::from(ue(&lab, arguments))
                .spawn()
                .unwrap();
            let moment = Duration::from_millis(u64::from(random.array::<1>()[0]) % 120);
            if tokio::time::timeout(moment, child.wait()).await.is_err() {
                child.kill().await.unwrap();
            }
            let state = json(&lab, &["status"]).await["state"].clone();
            assert!(["bare", "installed", "proven", "active"].contains(&state.as_str().unwrap()));
        }
    }
    lab.home.script(|script| script.epoch = 100);
    json(&lab, &["onboard", "--sign-up", "auto"]).await;
    assert_eq!(json(&lab, &["authenticate"]).await["state"], "active");
    json(&lab, &["register"]).await;
}

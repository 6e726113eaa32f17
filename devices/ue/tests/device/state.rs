//! The directory: modes, versions, damage, crashes; and the command on top of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use ue::{CipherSuite, Manufacture, State, StateError, Ue, UeError};

use crate::home::Laboratory;
use crate::operator::{AF, ME, SUPI};

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
                device.akma(None, CipherSuite::PskAes128Ccm8).map(|_| ()),
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

#[tokio::test]
async fn a_receipt_that_was_lost_is_delivered_before_the_next_onboarding() {
    let lab = Laboratory::new().await;
    let folder = lab.path("lab");
    let direct = ["--recipient", "cert-direct"];
    let new = ["new", "--lab", folder.to_str().unwrap()];
    json(&lab, &[&new[..], &direct].concat()).await;
    lab.home.script(|script| script.lose_receipts = true);
    let onboard = ["onboard", "--sign-up", "auto"];
    assert_eq!(json(&lab, &onboard).await["receipt_delivered"], false);
    lab.home.script(|script| script.lose_receipts = false);
    let again = run(&lab, &onboard).await;
    assert!(again.status.success());
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(said.contains("receipt of the last installation"), "{said}");
    let receipts = lab.home.script(|script| script.receipts.clone());
    assert_eq!(receipts.len(), 2);
    assert_ne!(receipts[0].package_sha256, receipts[1].package_sha256);
}

/// Other programs read these members; a new one may come, none goes or changes its form.
#[tokio::test]
async fn what_status_and_akma_print_for_programs_keeps_its_shape() {
    let lab = Laboratory::new().await;
    let folder = lab.path("lab");
    json(&lab, &["new", "--lab", folder.to_str().unwrap()]).await;
    let bare = json(&lab, &["status"]).await;
    assert_eq!(bare["state"], "bare");
    assert!(bare["device_id"].as_str().unwrap().starts_with("dev_"));
    assert!(bare["supi"].is_null() && bare["ue_service_id"].is_null());

    json(&lab, &["onboard", "--sign-up", "auto"]).await;
    assert_eq!(json(&lab, &["status"]).await["state"], "installed");
    json(&lab, &["authenticate"]).await;
    let active = json(&lab, &["status"]).await;
    assert_eq!(active["state"], "active");
    assert_eq!(active["device_id"], bare["device_id"]);
    assert_eq!(active["supi"], SUPI);
    assert_eq!(active["ue_service_id"], ME);

    let device = Ue::open(&lab.path("cli")).unwrap();
    for (name, suite, registered, ua_star_id) in [
        (
            "ccm8",
            CipherSuite::PskAes128Ccm8,
            "TLS_PSK_WITH_AES_128_CCM_8",
            "010001c0a8",
        ),
        (
            "gcm",
            CipherSuite::PskAes128GcmSha256,
            "TLS_PSK_WITH_AES_128_GCM_SHA256",
            "01000100a8",
        ),
    ] {
        let printed = json(&lab, &["akma", "--suite", name]).await;
        let key = device.akma(None, suite).ok().unwrap();
        let k_af = data_encoding::HEXLOWER.encode(key.k_af.expose());
        assert_eq!(printed["a_kid"], key.a_kid.as_str());
        assert_eq!(printed["k_af"], k_af);
        assert_eq!(printed["af"], AF);
        assert_eq!(printed["ua_star_id"], ua_star_id);
        assert_eq!(printed["suite"], registered);
        let psk_identity = format!("3GPP-AKMA{}", key.a_kid.as_str());
        assert_eq!(printed["psk_identity"], psk_identity);
        let coaps_uri = lab.home.script(|script| script.coaps_uri.clone());
        assert_eq!(printed["coaps_uri"], coaps_uri);
        let expires_at: jiff::Timestamp = printed["expires_at"].as_str().unwrap().parse().unwrap();
        assert_eq!(
            expires_at.as_second(),
            i64::try_from(key.expires_at).unwrap()
        );
    }
    let elsewhere = json(&lab, &["akma", "--af", "other.berth.test"]).await;
    assert!(elsewhere["coaps_uri"].is_null());
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

//! `berth demo`, and the folder that it and `berth up` share.

use std::net::TcpListener;
use std::path::Path;
use std::process::Output;

use cause::Cause;
use nf_api::NetworkFunction;
use nf_api::pb::ausf::ListManufacturersRequest;
use nf_api::pb::ausf::manufacturer_service_client::ManufacturerServiceClient;
use nf_api::pb::subscription_manager::ListPlansRequest;
use nf_api::pb::subscription_manager::plan_service_client::PlanServiceClient;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::tempdir;
use ue::{CertificatePresentation, NetworkChoice, SignUp, UeError};

use crate::device::{in_service, manufacture};
use crate::grpc::as_operator;
use crate::installation::Installation;
use crate::process::{Running, berth, output, poll, said};

const STEPS: [&str; 10] = [
    "start",
    "manufacture",
    "owa",
    "limited",
    "sign-up",
    "profile",
    "aka",
    "akma",
    "register",
    "message",
];

fn demo(data: &Path) -> Output {
    output(berth().args(["demo", "--json", "--data"]).arg(data))
}

pub(crate) fn demo_against(installation: &Installation) -> Output {
    let target = installation.endpoints_file();
    output(berth().args(["demo", "--json", "--target"]).arg(target))
}

/// Each line as object, after its form has been looked at.
fn steps(stdout: &str) -> Vec<Value> {
    let steps = stdout.lines().filter(|line| line.starts_with("{\"step\""));
    steps
        .map(|line| {
            let value: Value = serde_json::from_str(line).unwrap();
            let members = [
                "\"step\":",
                ",\"name\":",
                ",\"ok\":",
                ",\"ms\":",
                ",\"detail\":",
            ];
            let mut rest = line;
            for member in members {
                let (_, after) = rest.split_once(member).unwrap_or_else(|| panic!("{line}"));
                rest = after;
            }
            assert_eq!(value.as_object().unwrap().len(), members.len(), "{line}");
            value
        })
        .collect()
}

pub(crate) fn assert_whole_story(demo: &Output) {
    assert_eq!(demo.status.code(), Some(0), "{}", said(demo));
    let steps = steps(&String::from_utf8_lossy(&demo.stdout));
    assert_eq!(steps.len(), STEPS.len(), "{}", said(demo));
    for (index, (step, name)) in steps.iter().zip(STEPS).enumerate() {
        assert_eq!(step["step"], index + 1);
        assert_eq!(step["name"], name);
        assert_eq!(step["ok"], true);
        assert!(step["ms"].as_f64().unwrap() > 0.0, "{step}");
        assert!(!step["detail"].as_str().unwrap().is_empty());
    }
}

/// The command failed with exit code 1 and its last line says `why`.
fn assert_fails(output: &Output, why: &str) {
    assert_eq!(output.status.code(), Some(1), "{}", said(output));
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("error: ") && last.contains(why),
        "{why} is not in: {}",
        said(output)
    );
}

fn up(data: &Path) -> Output {
    output(berth().args(["up", "--lab", "--data"]).arg(data))
}

/// Waits until a line about a step was printed.
fn step_printed(demo: &mut Running, name: &str) {
    let needle = format!("\"name\":\"{name}\"");
    poll(name, || demo.stdout().contains(&needle).then_some(()));
}

#[test]
fn the_demo_plays_twice_in_one_folder() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    for run in ["run-1", "run-2"] {
        assert_whole_story(&demo(&data));
        assert!(data.join("devices").join(run).join("band").is_dir());
        assert!(!data.join("endpoints.json").exists());
    }
}

#[test]
fn the_demo_plays_against_a_running_installation_for_programs_and_for_people() {
    let folder = tempdir().unwrap();
    let installation = Installation::laboratory(&folder.path().join("data"));
    assert_whole_story(&demo_against(&installation));

    let target = installation.endpoints_file();
    let shown = output(berth().args(["demo", "--target"]).arg(&target));
    assert_eq!(shown.status.code(), Some(0), "{}", said(&shown));
    let text = String::from_utf8_lossy(&shown.stdout);
    let marks = text.lines().filter(|line| line.starts_with('✓')).count();
    assert_eq!(marks, STEPS.len(), "{text}");
    assert!(!text.contains('\u{1b}'), "colours in a file: {text}");

    let checked = output(berth().args(["check", "--target"]).arg(&target));
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    installation.stop();
}

#[tokio::test]
async fn a_folder_survives_a_kill_in_the_middle_of_the_story() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    let mut installation = Installation::laboratory(&data);
    let mut device = in_service(&folder.path().join("device"), &installation.lab()).await;

    let target = installation.endpoints_file();
    let mut playing = Running::start(
        berth().args(["demo", "--json", "--target"]).arg(&target),
        &folder.path().join("demo"),
    );
    step_printed(&mut playing, "manufacture");
    installation.process.kill();
    // It may have been faster than the signal.
    let status = playing.wait();
    if !status.success() {
        assert_eq!(status.code(), Some(1));
        let steps = steps(&playing.stdout());
        let last = steps.last().unwrap();
        assert_eq!(last["ok"], false, "{}", playing.said());
        assert!(!last["detail"].as_str().unwrap().is_empty());
    }

    let installation = Installation::laboratory(&data);
    device.authenticate().await.unwrap();
    let registered = device.register().await.unwrap();
    registered.deregister().await.unwrap();
    assert_whole_story(&demo_against(&installation));
    installation.stop();
    assert_whole_story(&demo(&data));
}

#[test]
fn an_interrupted_demo_says_so_and_leaves_the_folder_usable() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    let mut playing = Running::start(
        berth().args(["demo", "--json", "--data"]).arg(&data),
        &folder.path().join("demo"),
    );
    step_printed(&mut playing, "manufacture");
    playing.signal(Signal::INT);
    let status = playing.wait();
    if !status.success() {
        assert_eq!(status.code(), Some(1), "{}", playing.said());
        let steps = steps(&playing.stdout());
        let last = steps.last().unwrap();
        assert_eq!(last["ok"], false);
        let detail = last["detail"].as_str().unwrap();
        assert!(detail.contains("interrupted"), "{detail}");
    }
    assert!(!data.join("endpoints.json").exists());
    assert_whole_story(&demo(&data));
}

#[tokio::test]
async fn sigterm_takes_traffic_away_first_and_then_ends_well() {
    let folder = tempdir().unwrap();
    let mut installation = Installation::laboratory(&folder.path().join("data"));
    let device = in_service(&folder.path().join("device"), &installation.lab()).await;
    let _open_session = device.register().await.unwrap();
    let admin = installation.admin_urls().remove(0);
    assert_eq!(readiness(&admin), Some(200));

    installation.process.signal(Signal::TERM);
    poll("not ready any more", || {
        (readiness(&admin) == Some(503)).then_some(())
    });
    assert!(installation.process.ended().is_none(), "it does not settle");
    let status = installation.process.wait();
    assert_eq!(status.code(), Some(0), "{}", installation.process.said());
    assert!(!installation.endpoints_file().exists());
}

/// Status code of `/readyz`; `None` if nobody answers.
fn readiness(admin: &str) -> Option<u16> {
    crate::process::get(&format!("{admin}/readyz")).map(|(status, _)| status)
}

#[test]
fn a_folder_in_use_is_refused() {
    let folder = tempdir().unwrap();
    let installation = Installation::laboratory(&folder.path().join("data"));
    assert_fails(&up(installation.data()), "is in use by another berth");
    let demo = demo(installation.data());
    assert_eq!(demo.status.code(), Some(1), "{}", said(&demo));
    let steps = steps(&String::from_utf8_lossy(&demo.stdout));
    let detail = steps[0]["detail"].as_str().unwrap();
    assert!(detail.contains("is in use by another berth"), "{detail}");
    // Those who were refused have not taken the running one's addresses away.
    assert!(installation.endpoints_file().exists());
    installation.stop();
}

#[test]
fn a_folder_of_a_newer_version_is_refused_and_left_alone() {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("version"), "2\n").unwrap();
    assert_fails(&up(folder.path()), "was written by a newer berth");
    assert_eq!(
        std::fs::read_to_string(folder.path().join("version")).unwrap(),
        "2\n"
    );
    assert!(!folder.path().join("pki").exists());
}

#[test]
fn a_port_that_somebody_else_took_is_named() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    Installation::laboratory(&data).stop();
    let ports: Value =
        serde_json::from_slice(&std::fs::read(data.join("ports.json")).unwrap()).unwrap();
    let address = format!("127.0.0.1:{}", ports["portal"]);
    let _taken = TcpListener::bind(&address).unwrap();
    let refused = up(&data);
    assert_fails(&refused, &format!("{address} for portal is used"));
    assert!(!data.join("endpoints.json").exists());
}

#[tokio::test]
async fn without_lab_nobody_is_trusted() {
    let folder = tempdir().unwrap();
    let installation = Installation::start(&folder.path().join("data"), &[]);
    let endpoints: Value =
        serde_json::from_slice(&std::fs::read(installation.endpoints_file()).unwrap()).unwrap();
    assert_eq!(endpoints.get("access_gateway"), None);
    assert_eq!(endpoints.get("lab_dir"), None);
    assert!(!installation.lab().exists());

    let channel = as_operator(&installation, NetworkFunction::Ausf);
    let listed = ManufacturerServiceClient::new(channel)
        .list(ListManufacturersRequest {})
        .await
        .unwrap();
    assert!(listed.into_inner().manufacturers.is_empty());
    let channel = as_operator(&installation, NetworkFunction::SubscriptionManager);
    let listed = PlanServiceClient::new(channel)
        .list(ListPlansRequest {})
        .await
        .unwrap();
    assert!(listed.into_inner().plans.is_empty());

    let refused = demo_against(&installation);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    let text = String::from_utf8_lossy(&refused.stdout);
    assert!(text.contains("start it with --lab"), "{text}");
    installation.stop();
}

#[tokio::test]
async fn a_device_of_another_laboratory_is_rejected() {
    let folder = tempdir().unwrap();
    let stranger = Installation::laboratory(&folder.path().join("stranger"));
    let installation = Installation::laboratory(&folder.path().join("data"));
    let lab = |of: &Installation| -> Value {
        serde_json::from_slice(&std::fs::read(of.lab().join("lab.json")).unwrap()).unwrap()
    };
    let mut elsewhere = lab(&stranger);
    elsewhere["access_gateway"] = lab(&installation)["access_gateway"].clone();

    // The manufacturer is a stranger: the network trusts nothing of the device.
    let stranger_made = folder.path().join("stranger-made");
    factory(&stranger_made, &stranger, &installation, &elsewhere);
    let error = refusal(&folder.path().join("unknown"), &stranger_made).await;
    assert!(matches!(error, UeError::Refused { .. }), "{error:?}");
    assert_eq!(error.cause(), Cause::UnknownManufacturer);

    // The operator is a stranger: the device does not show its proof.
    let stranger_trusting = folder.path().join("stranger-trusting");
    factory(
        &stranger_trusting,
        &installation,
        &stranger,
        &lab(&installation),
    );
    let error = refusal(&folder.path().join("cautious"), &stranger_trusting).await;
    assert!(matches!(error, UeError::Untrusted { .. }), "{error:?}");
}

/// A factory with the manufacturer of one laboratory, whose devices trust the operator of another.
fn factory(folder: &Path, maker: &Installation, operator: &Installation, lab: &Value) {
    std::fs::create_dir_all(folder.join("manufacturer")).unwrap();
    std::fs::create_dir_all(folder.join("certificates")).unwrap();
    for file in [
        "manufacturer/ca.cer",
        "manufacturer/ca.key",
        "portal-ca.pem",
    ] {
        std::fs::copy(maker.lab().join(file), folder.join(file)).unwrap();
    }
    let root = "operator-root.cer";
    std::fs::copy(operator.lab().join(root), folder.join(root)).unwrap();
    std::fs::write(folder.join("lab.json"), lab.to_string()).unwrap();
}

async fn refusal(device: &Path, factory: &Path) -> UeError {
    let mut device = manufacture(device, factory, CertificatePresentation::Inline);
    Box::pin(device.onboard(&NetworkChoice::Auto, &SignUp::Automatic, &mut |_| {}))
        .await
        .unwrap_err()
}

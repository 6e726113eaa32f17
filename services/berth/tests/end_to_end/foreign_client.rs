//! A CoAP client that is not ours registers: `coap-client-openssl` of libcoap.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use nf_api::NetworkFunction;
use nf_api::pb::msgin5g::registration_service_client::RegistrationServiceClient;
use nf_api::pb::msgin5g::{GetRegistrationRequest, GetRegistrationResponse};
use nf_api::status::cause_of;
use serde_json::{Value, json};
use tempfile::tempdir;
use ue::{ApplicationKey, CipherSuite, Ue};

use crate::device::in_service;
use crate::grpc::as_operator;
use crate::installation::Installation;
use crate::process::{Running, output, poll, said};

const CLIENT: &str = "coap-client-openssl";

/// K_AF of a device, of another authentication as long as it holds a zero octet: the tool takes the key on its
/// command line.
async fn application_key(device: &mut Ue) -> ApplicationKey {
    loop {
        let key = device.akma(None, CipherSuite::PskAes128Ccm8).unwrap();
        if !key.k_af.expose().contains(&0) {
            return key;
        }
        device.authenticate().await.unwrap();
    }
}

/// TS 24.538 6.3.1.1.1: a registration request with every element, the client profile among them.
fn registration_request(ue_service_id: &str) -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../vectors/msgin5g/reg.json"
    );
    let vector: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut request = vector["literal"].clone();
    assert!(request.get("MSGin5G Client Profile").is_some());
    request["UE Service ID"] = ue_service_id.into();
    request["Requested expiration time"] = "2999-01-01T00:00:00Z".into();
    request
}

/// Sends a request as a person would at a terminal.
fn post(key: &ApplicationKey, psk: &[u8], body: &Value) -> Output {
    Command::new(CLIENT)
        .args(["-v", "6", "-B", "20", "-m", "post", "-t", "50", "-f", "-"])
        .arg("-u")
        .arg(OsString::from_vec(key.psk_identity.clone()))
        .arg("-k")
        .arg(OsString::from_vec(psk.to_owned()))
        .arg(key.coaps_uri.as_ref().unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .and_then(|mut client| {
            use std::io::Write as _;
            let mut input = client.stdin.take().unwrap();
            input.write_all(body.to_string().as_bytes())?;
            drop(input);
            client.wait_with_output()
        })
        .unwrap_or_else(|error| panic!("{CLIENT}: {error}: apt-get install libcoap3-bin"))
}

/// Type, code, message id and token of the messages that the client shows.
fn messages(output: &Output) -> Vec<[String; 4]> {
    let text = said(output);
    let lines = text.lines().filter_map(|line| line.split_once("v:1 t:"));
    lines
        .map(|(_, rest)| {
            let mut words = rest.split(' ');
            let mut word = |prefix| {
                let word = words.next().unwrap_or_default();
                word.strip_prefix(prefix).unwrap_or(word).to_owned()
            };
            [word(""), word("c:"), word("i:"), word("")]
        })
        .collect()
}

/// The client showed one request and this piggy-backed answer to it, with its message id and token.
fn assert_answered(output: &Output, code: &str) {
    let messages = messages(output);
    let [asked, answered] = messages.as_slice() else {
        panic!("not one request and one answer: {}", said(output));
    };
    let [kind, method, message_id, token] = asked;
    assert_eq!((kind.as_str(), method.as_str()), ("CON", "POST"));
    assert_eq!(
        answered,
        &[
            "ACK".to_owned(),
            code.to_owned(),
            message_id.clone(),
            token.clone()
        ],
        "{}",
        said(output)
    );
}

async fn registration(
    installation: &Installation,
    ue_service_id: &str,
) -> Result<GetRegistrationResponse, &'static str> {
    let channel = as_operator(installation, NetworkFunction::Msgin5gServer);
    let request = GetRegistrationRequest {
        ue_service_id: ue_service_id.to_owned(),
    };
    let answer = RegistrationServiceClient::new(channel).get(request).await;
    answer
        .map(tonic::Response::into_inner)
        .map_err(|status| cause_of(&status).name())
}

#[tokio::test]
async fn a_foreign_client_registers_and_deregisters() {
    let folder = tempdir().unwrap();
    let installation = Installation::laboratory(&folder.path().join("data"));
    let mut device = in_service(&folder.path().join("device"), &installation.lab()).await;
    let key = application_key(&mut device).await;
    let id = device
        .status()
        .unwrap()
        .subscription
        .unwrap()
        .ue_service_id
        .unwrap();
    let id = id.as_str();
    let k_af = key.k_af.expose();

    // TS 24.538 6.3.1.1.1, 6.3.1.2.1
    let registered = post(&key, k_af, &registration_request(id));
    assert_answered(&registered, "2.01");
    assert!(
        registration(&installation, id)
            .await
            .unwrap()
            .registered_at
            .is_some()
    );

    // TS 24.538 6.3.1.1.2, 6.3.1.2.2
    let request = json!({"MSGin5G service identifier": "MSGin5G", "Message Type": "DEREG", "UE Service ID": id});
    assert_answered(&post(&key, k_af, &request), "2.04");
    assert_eq!(registration(&installation, id).await, Err("NOT_FOUND"));
    installation.stop();
}

#[tokio::test]
async fn a_foreign_client_gets_nothing_that_is_not_its_own() {
    let folder = tempdir().unwrap();
    let installation = Installation::laboratory(&folder.path().join("data"));
    let mut device = in_service(&folder.path().join("device"), &installation.lab()).await;
    let other = in_service(&folder.path().join("other"), &installation.lab()).await;
    let key = application_key(&mut device).await;
    let name = |device: &Ue| {
        let subscription = device.status().unwrap().subscription.unwrap();
        subscription.ue_service_id.unwrap().as_str().to_owned()
    };
    let (own, others) = (name(&device), name(&other));

    for unassociated in [others.as_str(), "ue-aaaaaaaa@msgin5g.berth.test"] {
        let refused = post(&key, key.k_af.expose(), &registration_request(unassociated));
        assert_answered(&refused, "4.03");
        assert_eq!(
            registration(&installation, unassociated).await,
            Err("NOT_FOUND")
        );
    }

    let mut wrong = *key.k_af.expose();
    wrong[31] ^= 1 << 7;
    wrong[31] |= 1;
    let failed = post(&key, &wrong, &registration_request(&own));
    assert_eq!(messages(&failed).len(), 1, "{}", said(&failed));
    assert!(
        said(&failed).contains("read:fatal:decrypt error"),
        "{}",
        said(&failed)
    );
    assert_eq!(registration(&installation, &own).await, Err("NOT_FOUND"));
    installation.stop();
}

/// The commands of docs/foreign-client.md as they stand there, in one shell.
#[test]
fn the_page_about_foreign_clients_works_as_written() {
    let page = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/foreign-client.md"
    ));
    let script: String = page
        .split("```sh\n")
        .skip(1)
        .filter_map(|block| block.split_once("```"))
        .map(|(block, _)| block)
        .filter(|block| !block.starts_with("cargo build"))
        .collect();
    assert!(
        script.contains("berth up --lab") && script.contains(CLIENT),
        "{script}"
    );

    let folder = tempdir().unwrap();
    let programs = folder.path().join("target/release");
    std::fs::create_dir_all(&programs).unwrap();
    for program in [PathBuf::from(env!("CARGO_BIN_EXE_berth")), ue_program()] {
        let name = program.file_name().unwrap();
        std::os::unix::fs::symlink(&program, programs.join(name)).unwrap();
    }
    let mut shell = Command::new("bash");
    shell.args(["-e", "-o", "pipefail", "-c"]).arg(script);
    shell.current_dir(folder.path()).stdin(Stdio::null());
    let mut shell = Running::start(&mut shell, &folder.path().join("shell"));
    let status = poll("the end of the page", || shell.ended());
    let text = shell.said();
    assert!(status.success(), "{status}: {text}");
    for answer in ["t:ACK c:2.01", "t:ACK c:2.04"] {
        assert!(text.contains(answer), "{answer}: {text}");
    }
}

/// The `ue` program, built beside `berth`: Cargo names to a test only the programs of its own package.
fn ue_program() -> PathBuf {
    let berth = Path::new(env!("CARGO_BIN_EXE_berth"));
    let folder = berth.parent().unwrap();
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--package", "berth-ue", "--bin", "ue"]);
    build.arg("--target-dir").arg(folder.parent().unwrap());
    if folder.ends_with("release") {
        build.arg("--release");
    }
    build.current_dir(env!("CARGO_MANIFEST_DIR"));
    let built = output(&mut build);
    assert!(built.status.success(), "{}", said(&built));
    folder.join("ue")
}

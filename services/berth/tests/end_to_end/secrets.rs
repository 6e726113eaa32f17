//! No key leaves the functions: not in logs, traces, metrics, nor in what they store.

use std::future::{Future as _, poll_fn};
use std::net::SocketAddr;
use std::path::Path;

use akma::{AKidFormat, AfId, a_tid, k_af, k_akma, psk_identity};
use coap::Code;
use identifiers::{Fqdn, ServingNetworkName, Supi, UaStarId};
use key_hierarchy::five_g_aka::k_seaf;
use nf_api::NetworkFunction;
use nf_api::pb::common::KeyMaterial;
use nf_api::pb::subscription_manager::CreateOrderRequest;
use nf_api::pb::subscription_manager::order_service_client::OrderServiceClient;
use nf_runtime::random::Random;
use secret::KAusf;
use serde_json::json;
use tempfile::tempdir;
use ue::{CertificatePresentation, CipherSuite, NetworkChoice, SignUp, Ue};

use crate::aka::{Gateway, Subscriber};
use crate::device::{Memory, json, manufacture, octets};
use crate::dtls_client::{Secrets, exchange};
use crate::grpc::{SERVING_NETWORK_NAME, as_operator};
use crate::installation::Installation;
use crate::owa;
use crate::process::{get, poll};
use crate::redis_server::RedisServer;
use crate::search::{Search, contains, files};
use crate::telemetry::Collector;

/// Parts of the data folder that hold keys because that is what they are for.
const KEY_FOLDERS: [&str; 5] = ["pki", "keys", "operator", "lab", "devices"];

const MESSAGE: &str = "a text that nobody but the recipient reads";

/// What must not be found, and what must be found because it was there.
#[derive(Default)]
struct Story {
    /// Keys: nowhere.
    keys: Search,
    /// Identifiers and texts: not in logs, traces, metrics.
    private: Search,
    /// A UE Service ID that is stored, and how logs show a SUPI.
    stored: String,
    shown: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_one_process_tells_or_stores_holds_a_key() {
    let folder = tempdir().unwrap();
    let (collector, otlp) = Collector::start().await;
    let settings = folder.path().join("berth.toml");
    std::fs::write(&settings, telemetry_settings(&otlp)).unwrap();
    let data = folder.path().join("data");
    let arguments = ["--lab", "--config", settings.to_str().unwrap()];
    let installation = Installation::start(&data, &arguments);

    let story = Box::pin(play(&installation, folder.path())).await;
    let metrics = metrics(&installation);
    let (out, errors) = (data.with_extension("out"), data.with_extension("err"));
    installation.stop();

    let mut told = vec![
        ("traces".to_owned(), collector.octets()),
        ("metrics".to_owned(), metrics),
    ];
    for file in [out, errors] {
        told.push((file.display().to_string(), std::fs::read(&file).unwrap()));
    }
    story.assert_told(&told);
    story.assert_stored(&files(&data, &KEY_FOLDERS));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_many_processes_tell_or_redis_stores_holds_a_key() {
    let folder = tempdir().unwrap();
    let (collector, otlp) = Collector::start().await;
    let redis = RedisServer::start();
    let settings = folder.path().join("berth.toml");
    let text = redis.settings() + &telemetry_settings(&otlp);
    std::fs::write(&settings, text).unwrap();
    let data = folder.path().join("data");
    let arguments = [
        "--lab",
        "--processes",
        "--config",
        settings.to_str().unwrap(),
    ];
    let installation = Installation::start(&data, &arguments);

    let story = Box::pin(play(&installation, folder.path())).await;
    let metrics = metrics(&installation);
    let (out, errors) = (data.with_extension("out"), data.with_extension("err"));
    installation.stop();

    let mut told = vec![
        ("traces".to_owned(), collector.octets()),
        ("metrics".to_owned(), metrics),
    ];
    for file in [out, errors] {
        told.push((file.display().to_string(), std::fs::read(&file).unwrap()));
    }
    let (processes, rest) = files(&data, &KEY_FOLDERS)
        .into_iter()
        .partition::<Vec<_>, _>(|(name, _)| name.starts_with("processes"));
    assert!(processes.len() >= 16, "a log and a file of settings each");
    // Settings name the ranges of the laboratory, whose first number a device has; keys they do not hold either.
    let (logs, settings) = processes
        .into_iter()
        .partition::<Vec<_>, _>(|(name, _)| name.ends_with(".log"));
    told.extend(logs);
    story.assert_told(&told);
    let no_keys: Vec<_> = rest
        .iter()
        .chain(&settings)
        .flat_map(|(_, file)| story.keys.found(file))
        .collect();
    assert_eq!(no_keys, [""; 0]);

    assert_eq!(redis.ask(&["SAVE"]), "OK");
    let disk = files(redis.folder(), &["socket"]);
    for kind in ["appendonlydir", "dump.rdb"] {
        assert!(
            disk.iter().any(|(name, _)| name.starts_with(kind)),
            "{kind}"
        );
    }
    story.assert_stored(&disk);
}

fn telemetry_settings(otlp: &str) -> String {
    format!("[telemetry]\nlog_filter = \"trace\"\notlp_endpoint = \"{otlp}\"\n")
}

fn metrics(installation: &Installation) -> Vec<u8> {
    let pages = installation.admin_urls().into_iter();
    let pages = pages.map(|url| get(&format!("{url}/metrics")).unwrap().1);
    pages.collect::<String>().into_bytes()
}

impl Story {
    fn assert_told(&self, told: &[(String, Vec<u8>)]) {
        for (name, octets) in told {
            assert_eq!(self.keys.found(octets), [""; 0], "keys in {name}");
            assert_eq!(self.private.found(octets), [""; 0], "identifiers in {name}");
        }
        // The control: what was told is here, and the search would have found it.
        let all = |text: &str| told.iter().any(|(_, octets)| contains(octets, text));
        assert!(all(&self.shown), "no log shows {}", self.shown);
        assert!(
            all("\"level\":\"TRACE\""),
            "the logs are not the most talkative"
        );
        let [(_, traces), (_, metrics), ..] = told else {
            panic!("traces and metrics come first");
        };
        assert!(
            contains(traces, "ausf.confirm_aka"),
            "no trace of the story"
        );
        assert!(contains(metrics, "confirm_aka"), "no metric of the story");
    }

    fn assert_stored(&self, stored: &[(String, Vec<u8>)]) {
        for (name, octets) in stored {
            assert_eq!(self.keys.found(octets), [""; 0], "keys in {name}");
        }
        // The control: the story was stored here, and not under a cover that hides everything.
        let is_here = stored
            .iter()
            .any(|(_, octets)| contains(octets, &self.stored));
        assert!(is_here, "{} is not stored", self.stored);
    }

    /// K_AUSF and all that follows from it.
    fn hierarchy(&mut self, name: &str, k_ausf: &KAusf, supi: &Supi) {
        let supi = supi.kdf_form();
        let k_akma = k_akma(k_ausf, &supi);
        self.keys
            .secret(&format!("K_AUSF of {name}"), k_ausf.expose());
        let k_seaf = k_seaf(k_ausf, &serving_network_name());
        self.keys
            .secret(&format!("K_SEAF of {name}"), k_seaf.expose());
        self.keys
            .secret(&format!("K_AKMA of {name}"), k_akma.expose());
        for suite in [CipherSuite::PskAes128Ccm8, CipherSuite::PskAes128GcmSha256] {
            let k_af = k_af(&k_akma, &af_id(suite));
            self.keys.secret(&format!("K_AF of {name}"), k_af.expose());
        }
    }
}

fn serving_network_name() -> ServingNetworkName {
    ServingNetworkName::parse(SERVING_NETWORK_NAME).unwrap()
}

fn af_id(suite: CipherSuite) -> AfId {
    AfId {
        fqdn: Fqdn::parse("msgin5g.berth.test").unwrap(),
        ua_star_id: UaStarId::tls12(suite.number()),
    }
}

/// From factory to message, with every key that is made on the way.
async fn play(installation: &Installation, folder: &Path) -> Story {
    let mut story = Story::default();
    let mut devices = Vec::new();
    for (name, certificate) in [
        ("sensor", CertificatePresentation::Url),
        ("band", CertificatePresentation::Inline),
    ] {
        let path = folder.join(name);
        let mut device = manufacture(&path, &installation.lab(), certificate);
        let pdp_dtls = onboard(&mut device, &path).await;
        story
            .keys
            .secret(&format!("K(pdp-dtls) of {name}"), &pdp_dtls);
        device.authenticate().await.unwrap();

        let memory = Memory::read(&path);
        let (k, opc) = memory.keys();
        story.keys.secret(&format!("K of {name}"), k.expose());
        story.keys.secret(&format!("OPc of {name}"), opc.expose());
        let k_ausf = octets(&json(&path.join("authentication.json")).unwrap(), "k_ausf").unwrap();
        let k_ausf = KAusf::try_from_slice(&k_ausf).unwrap();
        story.hierarchy(name, &k_ausf, &memory.secret.supi);
        story.identifiers(name, &device);
        devices.push((device, memory));
    }
    let [(sensor, memory), (band, _)] = devices.try_into().ok().unwrap();
    deliver(&sensor, &band).await;
    authenticate(&mut story, installation, memory).await;
    one_way(&mut story, installation, &folder.join("ordered")).await;

    // The control: on the device itself, where they belong, the search finds the same keys.
    let memory = files(&folder.join("band"), &[]);
    let found: Vec<_> = memory
        .iter()
        .flat_map(|(_, file)| story.keys.found(file))
        .collect();
    for key in ["K of band", "OPc of band", "K_AUSF of band"] {
        assert!(
            found.iter().any(|name| name.starts_with(key)),
            "{key}: {found:?}"
        );
    }
    story
}

impl Story {
    fn identifiers(&mut self, name: &str, device: &Ue) {
        let subscription = device.status().unwrap().subscription.unwrap();
        let supi = subscription.supi.as_text().trim_start_matches("imsi-");
        self.private.text(&format!("SUPI of {name}"), supi);
        let gpsi = subscription.gpsi.unwrap();
        let number = gpsi.as_str().trim_start_matches("msisdn-");
        self.private.text(&format!("MSISDN of {name}"), number);
        let key = device.akma(None, CipherSuite::PskAes128Ccm8).unwrap();
        self.private
            .text(&format!("A-KID of {name}"), key.a_kid.as_str());
        self.private.text("the message", MESSAGE);
        self.shown = subscription.supi.redacted().to_string();
        self.stored = subscription.ue_service_id.unwrap().as_str().to_owned();
    }
}

/// Onboards, and answers K(pdp-dtls), which is on the device between installation and receipt only.
async fn onboard(device: &mut Ue, folder: &Path) -> Vec<u8> {
    let mut key = None;
    let no_progress = &mut |_| {};
    let mut onboarding =
        Box::pin(device.onboard(&NetworkChoice::Auto, &SignUp::Automatic, no_progress));
    let onboarded = poll_fn(|context| {
        let polled = onboarding.as_mut().poll(context);
        for slot in ["slot-a.json", "slot-b.json"] {
            let slot = json(&folder.join(slot));
            key = slot
                .and_then(|slot| octets(&slot["receipt"], "pdp_dtls"))
                .or_else(|| key.take());
        }
        polled
    })
    .await
    .unwrap();
    assert!(onboarded.receipt_delivered);
    key.expect("the receipt was pending for a while")
}

async fn deliver(sensor: &Ue, band: &Ue) {
    let mut sender = sensor.register().await.unwrap();
    let mut receiver = band.register().await.unwrap();
    let to = receiver.registration().ue_service_id.clone();
    sender.send(to.as_str(), MESSAGE).await.unwrap();
    let received = receiver.receive(crate::process::LIMIT).await.unwrap();
    assert_eq!(received.unwrap().text(), MESSAGE);
    sender.deregister().await.unwrap();
    receiver.deregister().await.unwrap();
}

/// 5G AKA by hand for CK, IK and RES*, then REG by hand for the keys of the DTLS session.
async fn authenticate(story: &mut Story, installation: &Installation, memory: Memory) {
    let gateway = Gateway::new(installation, "lab");
    let subscriber = Subscriber::new(memory);
    let challenge = gateway.start(subscriber.supi()).await.unwrap();
    let answer = subscriber.answer(&challenge);
    let confirmed = gateway
        .confirm(&challenge, Some(&answer.res_star))
        .await
        .unwrap();
    assert_eq!(confirmed.supi, subscriber.supi());
    story.keys.secret("CK", answer.ck.expose());
    story.keys.secret("IK", answer.ik.expose());
    story.keys.secret("RES*", answer.res_star.expose());
    let supi = &subscriber.memory().secret.supi;
    story.hierarchy("the gateway's UE", &answer.k_ausf, supi);

    let access = &subscriber.memory().profile.access;
    let a_tid = a_tid(&answer.k_ausf, &supi.kdf_form());
    let a_kid = AKidFormat::default().a_kid(&access.routing_indicator, &a_tid, &access.home);
    let a_kid = a_kid.unwrap();
    story
        .private
        .text("A-KID of the gateway's UE", a_kid.as_str());
    let k_akma = k_akma(&answer.k_ausf, &supi.kdf_form());
    let k_af = k_af(&k_akma, &af_id(CipherSuite::PskAes128Ccm8));
    let applications = &subscriber.memory().profile.applications;
    let request = json!({
        "MSGin5G service identifier": "MSGin5G",
        "Message Type": "REG",
        "UE Service ID": applications.msgin5g.as_ref().unwrap().ue_service_id.as_str(),
    });
    let address = installation.endpoint("coaps_uri");
    let address = address
        .trim_start_matches("coaps://")
        .trim_end_matches("/msgin5g");
    let body = request.to_string();
    let registered = exchange(
        address.parse().unwrap(),
        &psk_identity(&a_kid),
        k_af.expose(),
        POST,
        "msgin5g",
        body.as_bytes(),
    );
    assert_eq!(registered.code, Code::CREATED);
    story.dtls("MSGin5G", registered.secrets);
}

impl Story {
    fn dtls(&mut self, name: &str, secrets: Secrets) {
        assert_eq!(
            secrets.len(),
            3,
            "master secret and a key for each direction"
        );
        for (secret, octets) in secrets {
            self.keys.secret(&format!("{secret} of {name}"), &octets);
        }
    }
}

/// OWA by hand for the keys of the session, with an order, so that the profile is sealed without a portal.
async fn one_way(story: &mut Story, installation: &Installation, folder: &Path) {
    let device = manufacture(folder, &installation.lab(), CertificatePresentation::Inline);
    let claim_secret: [u8; 16] = Random::system().array();
    let channel = as_operator(installation, NetworkFunction::SubscriptionManager);
    let order = CreateOrderRequest {
        idempotency_key: "an order".to_owned(),
        plan_id: "lab".to_owned(),
        manufacturer: "Laboratory manufacturer".to_owned(),
        serial: device.status().unwrap().serial,
        claim_secret: Some(KeyMaterial {
            value: claim_secret.to_vec(),
        }),
    };
    let created = OrderServiceClient::new(channel)
        .create(order)
        .await
        .unwrap();
    story
        .keys
        .text("order code", &created.into_inner().order_code);

    let admitted = owa::authenticate(installation, folder).await;
    let keys = &admitted.onboarded.keys;
    story.keys.secret("claim secret", &claim_secret);
    story.keys.secret("PRK of OWA", admitted.prk.expose());
    story.keys.secret("K(accept)", admitted.accept_key.expose());
    story.keys.secret("K(pdp-dtls)", keys.pdp_dtls.expose());
    story.keys.secret("K(package)", keys.package.expose());
    story.keys.secret("K_AUSF of OWA", keys.k_ausf.expose());

    let session = admitted.onboarded.parameters.session;
    let identity = format!("berth-owa:{}", session.base64url());
    let server: SocketAddr = admitted
        .limited_session
        .provisioning_server
        .parse()
        .unwrap();
    let delivered = poll("the ordered profile", || {
        let key = keys.pdp_dtls.expose();
        let answer = exchange(server, identity.as_bytes(), key, GET, "profile", &[]);
        (answer.code == Code::CONTENT).then_some(answer)
    });
    story.dtls("provisioning", delivered.secrets);
}

const GET: Code = Code::from_byte(0x01);
const POST: Code = Code::from_byte(0x02);

//! One trace leads from a device through every function that its step needs, and log lines name it.

use std::collections::HashSet;
use std::path::Path;

use serde_json::Value;
use tempfile::tempdir;
use ue::{CertificatePresentation, Outgoing, Payload, ReceivedKind, Traceparent, Ue};

use crate::device::{manufacture, onboard};
use crate::installation::Installation;
use crate::process::{LIMIT, get};
use crate::redis_server::RedisServer;
use crate::search::files;
use crate::telemetry::Collector;
use crate::trace_tree::Traces;

const ONBOARDING: &str = "0000000000000000000000000000000a";
const AUTHENTICATION: &str = "0000000000000000000000000000000b";
/// The span of the device, which it tells nobody but the network.
const DEVICE: &str = "00000000000000dd";

const EXCHANGE: [(&str, &str); 1] = [(
    "access-gateway",
    "berth.access_gateway.v1.N1Service/Exchange",
)];
const START: [(&str, &str); 5] = [
    ("access-gateway", "access_gateway.one_way_authentication"),
    ("access-gateway", "berth.ausf.v1.OneWayAuthService/Start"),
    ("ausf", "berth.ausf.v1.OneWayAuthService/Start"),
    ("ausf", "ausf.start_owa"),
    ("ausf", "berth.vault.v1.VaultService/SignOwaNet"),
];
const PROVE: [(&str, &str); 4] = [
    ("access-gateway", "access_gateway.one_way_authentication"),
    ("access-gateway", "berth.ausf.v1.OneWayAuthService/Prove"),
    ("ausf", "berth.ausf.v1.OneWayAuthService/Prove"),
    ("ausf", "ausf.prove_owa"),
];
const SIGN_UP: [(&str, &str); 2] = [
    ("subscription-manager", "portal.sign_up"),
    ("subscription-manager", "subscription_manager.sign_up"),
];
const ENROL: [(&str, &str); 2] = [
    ("subscription-manager", "subscription_manager.outbox"),
    ("subscription-manager", "subscription_manager.enrol"),
];
const CONFIRM: [(&str, &str); 4] = [
    ("access-gateway", "access_gateway.authentication_response"),
    (
        "access-gateway",
        "berth.ausf.v1.AuthenticationService/ConfirmAka",
    ),
    ("ausf", "berth.ausf.v1.AuthenticationService/ConfirmAka"),
    ("ausf", "ausf.confirm_aka"),
];

#[tokio::test]
async fn each_step_of_the_story_is_one_trace_through_all_functions() {
    let folder = tempdir().unwrap();
    let (collector, otlp) = Collector::start().await;
    let redis = RedisServer::start();
    let settings = folder.path().join("berth.toml");
    let telemetry = format!("[telemetry]\nlog_filter = \"{LOGGED}\"\notlp_endpoint = \"{otlp}\"\n");
    std::fs::write(&settings, redis.settings() + &telemetry).unwrap();
    let data = folder.path().join("data");
    let settings = settings.to_str().unwrap();
    let arguments = ["--lab", "--processes", "--config", settings];
    let installation = Installation::start(&data, &arguments);

    let band = play(&folder.path().join("band"), &installation).await;
    let sensor = play(&folder.path().join("sensor"), &installation).await;
    deliver(&sensor, &band).await;
    assert_exemplars(&installation);
    // What waits to be sent is sent when a process stops.
    let stopping = tokio::task::spawn_blocking(|| installation.stop());
    stopping.await.unwrap();

    let traces = Traces::new(collector.spans());
    traces.assert_whole();
    traces.assert_onboarding();
    traces.assert_authentication();
    traces.assert_datagrams();
    traces.assert_documented();
    assert_logged(&data);
}

/// From the factory into service; the device names a trace for each step.
async fn play(folder: &Path, installation: &Installation) -> Ue {
    let mut device = manufacture(folder, &installation.lab(), CertificatePresentation::Url);
    // Everything of the device runs on the thread of the test.
    let trace = named(ONBOARDING).attach();
    onboard(&mut device).await;
    drop(trace);
    let trace = named(AUTHENTICATION).attach();
    device.authenticate().await.unwrap();
    drop(trace);
    device
}

/// A trace that the device names.
fn named(trace: &str) -> Traceparent {
    format!("00-{trace}-{DEVICE}-01").parse().unwrap()
}

async fn deliver(sensor: &Ue, band: &Ue) {
    let mut sender = sensor.register().await.unwrap();
    let receiver = band.register().await.unwrap();
    let to = receiver.registration().ue_service_id.clone();
    receiver.deregister().await.unwrap();
    // It waits for its recipient, who reports that it came.
    let message = Outgoing {
        to,
        payload: Payload::text("hello").unwrap(),
        report_wanted: true,
    };
    assert!(sender.send_message(message).await.unwrap().stored);
    let mut receiver = band.register().await.unwrap();
    receiver.receive(LIMIT).await.unwrap();
    let report = sender.receive(LIMIT).await.unwrap().unwrap();
    assert_eq!(report.kind, ReceivedKind::Report { delivered: true });
    sender.deregister().await.unwrap();
    receiver.deregister().await.unwrap();
}

impl Traces {
    /// Nothing hangs in the air: each parent was sent too, or is the device's.
    fn assert_whole(&self) {
        let known: HashSet<_> = self
            .spans
            .iter()
            .map(|span| (span.trace_id.as_str(), span.span_id.as_str()))
            .collect();
        for span in &self.spans {
            let parent = (span.trace_id.as_str(), span.parent.as_str());
            assert!(
                span.parent.is_empty() || span.parent == DEVICE || known.contains(&parent),
                "{span:#?} has a parent that nobody sent"
            );
        }
        let services: HashSet<_> = self.spans.iter().map(|span| &span.service).collect();
        // Eight functions, and the process that set the laboratory up.
        assert_eq!(services.len(), 9, "{services:?}");
    }

    fn assert_onboarding(&self) {
        let assert = |parts: &[&[(&str, &str)]]| self.assert_path(ONBOARDING, DEVICE, parts);
        let vault = [
            ("vault", "berth.vault.v1.VaultService/SignOwaNet"),
            ("vault", "vault.sign_owa_net"),
        ];
        assert(&[&EXCHANGE, &START, &vault]);
        let fetch = call(
            "ausf",
            "certificate-fetcher",
            "berth.certificate_fetcher.v1.FetchService/Fetch",
            "certificate_fetcher.fetch",
        );
        assert(&[
            &EXCHANGE,
            &PROVE,
            &[("ausf", "ausf.device_certificate")],
            &fetch,
        ]);
        let open = call(
            "ausf",
            "subscription-manager",
            "berth.subscription_manager.v1.DeviceIntakeService/DeviceAuthenticated",
            "subscription_manager.open_session",
        );
        assert(&[&EXCHANGE, &PROVE, &open]);
        assert(&[&EXCHANGE, &PROVE, &[("ausf", "store.commit")]]);
        assert(&[&[("subscription-manager", "portal.captive_api")]]);
        assert(&[&[
            ("subscription-manager", "portal.enter"),
            ("subscription-manager", "subscription_manager.link_browser"),
        ]]);
        let mint = call(
            "subscription-manager",
            "vault",
            "berth.vault.v1.VaultService/Mint",
            "vault.mint",
        );
        let seal = call(
            "subscription-manager",
            "vault",
            "berth.vault.v1.VaultService/Seal",
            "vault.seal",
        );
        let associate = call(
            "subscription-manager",
            "configuration-management",
            "berth.configuration_management.v1.AssociationService/Put",
            "configuration_management.open_association",
        );
        for work in [&mint, &seal, &associate] {
            assert(&[&SIGN_UP, &ENROL, work]);
        }
        assert(&[&SIGN_UP, &ENROL, &mint, &[("vault", "store.commit")]]);
    }

    fn assert_authentication(&self) {
        let assert = |parts: &[&[(&str, &str)]]| self.assert_path(AUTHENTICATION, DEVICE, parts);
        let start = call(
            "access-gateway",
            "ausf",
            "berth.ausf.v1.AuthenticationService/StartAka",
            "ausf.start_aka",
        );
        let vector = call(
            "ausf",
            "vault",
            "berth.vault.v1.VaultService/GetVector",
            "vault.get_vector",
        );
        assert(&[
            &EXCHANGE,
            &[("access-gateway", "access_gateway.registration")],
            &start,
            &vector,
            &[("vault", "store.commit")],
        ]);
        let promote = call(
            "ausf",
            "vault",
            "berth.vault.v1.VaultService/Promote",
            "vault.promote",
        );
        assert(&[&EXCHANGE, &CONFIRM, &promote]);
        let outbox = [("ausf", "ausf.outbox")];
        let anchor = call(
            "ausf",
            "aanf",
            "berth.aanf.v1.AnchorKeyService/Register",
            "aanf.register_anchor_key",
        );
        assert(&[&EXCHANGE, &CONFIRM, &outbox, &anchor]);
        let activate = call(
            "ausf",
            "subscription-manager",
            "berth.subscription_manager.v1.DeliveryService/CredentialActivated",
            "subscription_manager.activate_credential",
        );
        assert(&[&EXCHANGE, &CONFIRM, &outbox, &activate]);
    }

    /// Datagrams carry no trace: it begins at the server.
    fn assert_datagrams(&self) {
        let server = "msgin5g-server";
        let key = call(
            server,
            "aanf",
            "berth.aanf.v1.ApplicationKeyService/Get",
            "aanf.get_application_key",
        );
        let look_up = call(
            server,
            "configuration-management",
            "berth.configuration_management.v1.AssociationService/LookupByUeId",
            "configuration_management.look_up_by_ue_id",
        );
        let resolve = call(
            server,
            "configuration-management",
            "berth.configuration_management.v1.AssociationService/ResolveServiceId",
            "configuration_management.resolve_service_id",
        );
        let request = |name| [(server, "/msgin5g"), (server, name)];
        let register = request("msgin5g_server.register");
        let message = request("msgin5g_server.accept_message");
        let manager = "subscription-manager";
        let paths: [&[&[(&str, &str)]]; 10] = [
            &[
                &[
                    (server, "dtls.key"),
                    (server, "msgin5g_server.find_application_key"),
                ],
                &key,
            ],
            &[&register, &look_up],
            &[&register, &[(server, "store.commit")]],
            &[&message, &resolve],
            // It waited, and was pushed when its recipient came.
            &[
                &message,
                &[(server, "msgin5g_server.push"), (server, "store.commit")],
            ],
            &[
                &request("msgin5g_server.accept_report"),
                &[(server, "msgin5g_server.push")],
            ],
            &[&request("msgin5g_server.deregister")],
            &[&[(server, "msgin5g_server.deliver"), (server, "store.scan")]],
            &[&[(manager, "dtls.key"), (manager, "store.read")]],
            &[&[
                (manager, "/receipt"),
                (manager, "subscription_manager.take_receipt"),
                (manager, "store.commit"),
            ]],
        ];
        for parts in paths {
            self.assert_begun(&parts.concat());
        }
        // Pushed, as a rule; a device that asks late enough is answered at once.
        let noted = [
            (manager, "subscription_manager.deliver_package"),
            (manager, "store.commit"),
        ];
        let answered = [&[(manager, "/profile")], noted.as_slice()].concat();
        let delivered = if self.has_begun(&answered) {
            answered.as_slice()
        } else {
            &noted
        };
        self.assert_begun(delivered);
    }

    /// Each procedure of the page was looked for above, unless the story has no part for it.
    fn assert_documented(&self) {
        let mut looked_for = self.looked_for();
        for name in ELSEWHERE {
            assert!(looked_for.insert(name.to_owned()), "{name} is looked for");
        }
        let missing: Vec<_> = documented()
            .into_iter()
            .filter(|name| !looked_for.contains(name))
            .collect();
        assert_eq!(missing, [""; 0]);
    }
}

/// What this story does not cause.
const ELSEWHERE: [&str; 10] = [
    "access_gateway.authentication_failure",
    "ausf.resync_aka",
    "vault.destroy",
    "aanf.remove_context",
    "configuration_management.close_association",
    "configuration_management.free_claims",
    "subscription_manager.create_order",
    "subscription_manager.end_session",
    "subscription_manager.free_labels",
    "msgin5g_server.expire",
];

/// The procedure spans that docs/observability.md lists.
fn documented() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/observability.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, table) = page.split_once("| Function | Procedure spans |").unwrap();
    let mut names = Vec::new();
    for row in table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
    {
        let mut function = "";
        for name in row.split('`').skip(1).step_by(2) {
            match name.split_once('.').unwrap() {
                ("", procedure) => names.push(format!("{function}.{procedure}")),
                (first, _) => {
                    function = first;
                    names.push(name.to_owned());
                }
            }
        }
    }
    assert!(names.len() > 30, "{names:?}");
    names
}

/// Whatever ran has an exemplar, whichever way it came in.
fn assert_exemplars(installation: &Installation) {
    let mut without = Vec::new();
    for url in installation.admin_urls() {
        let (_, page) = get(&format!("{url}/metrics")).unwrap();
        let procedures = |part: &'static str| {
            page.lines().filter_map(move |line| {
                let (name, rest) = line.split_once('{')?;
                let (labels, value) = rest.split_once("} ")?;
                let labels = labels.split_once("procedure=")?.1;
                let is_part = name.ends_with(&format!("_procedure_duration_seconds_{part}"));
                is_part.then_some((labels, value))
            })
        };
        let with: HashSet<_> = procedures("bucket")
            .filter_map(|(labels, value)| value.contains("trace_id=").then_some(labels))
            .collect();
        without.extend(
            procedures("count")
                .filter(|(labels, count)| *count != "0" && !with.contains(labels))
                .map(|(labels, _)| labels.to_owned()),
        );
        assert!(!with.is_empty(), "{url}");
    }
    assert_eq!(without, [""; 0]);
}

/// A call from one function to a procedure of another.
fn call<'a>(
    from: &'a str,
    to: &'a str,
    rpc: &'a str,
    procedure: &'a str,
) -> [(&'a str, &'a str); 3] {
    [(from, rpc), (to, rpc), (to, procedure)]
}

/// Each line is an object with the members that are promised, and what is said inside a span names its trace.
fn assert_logged(data: &Path) {
    let mut traced = HashSet::new();
    let mut logs = 0;
    for (name, text) in files(&data.join("processes"), &[]) {
        let Some(function) = name.strip_suffix(".log") else {
            continue;
        };
        logs += 1;
        let text = String::from_utf8(text).unwrap();
        for line in text.lines() {
            let line: Value = serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("{name}: {error}: {line}"));
            for member in ["timestamp", "level", "target"] {
                assert!(line[member].is_string(), "{name}: {line}");
            }
            if line["span"].is_string() {
                let trace = line["trace_id"].as_str().unwrap_or_default();
                assert!(
                    trace.len() == 32 && line["span_id"].is_string(),
                    "{name}: {line}"
                );
                traced.insert((function.to_owned(), trace.to_owned()));
            }
        }
    }
    assert_eq!(logs, 8);
    // The traces that the device named are found in the logs of the functions that had something to say.
    for (function, trace) in [
        ("ausf", ONBOARDING),
        ("vault", ONBOARDING),
        ("vault", AUTHENTICATION),
    ] {
        assert!(
            traced.contains(&(function.to_owned(), trace.to_owned())),
            "{function} {trace}"
        );
    }
}

/// What our own crates say, each procedure included.
const LOGGED: &str = "info,aanf=debug,access_gateway=debug,ausf=debug,certificate_fetcher=debug,\
configuration_management=debug,msgin5g_server=debug,nf_runtime=debug,store=debug,subscription_manager=debug,vault=debug";

//! `berth check --refusals` beside functions that run as processes of their own.

use std::collections::BTreeSet;

use nf_api::NetworkFunction;
use rustix::process::Signal;

use crate::check::{Cluster, told};
use crate::process::{Running, berth, poll, said};

/// What is tried at each function.
const AT_FUNCTIONS: [&str; 5] = [
    "no certificate",
    "foreign certificate",
    "access gateway",
    "operator",
    "reflection",
];

/// What is tried once, and how it is refused.
const ONCE: [(&str, &str); 14] = [
    ("device: unregistered manufacturer", "UNKNOWN_MANUFACTURER"),
    ("device: forged certificate", "CERTIFICATE_CHAIN_INVALID"),
    ("owa: Proof of another device", "CHALLENGE_STALE"),
    ("owa: Proof, signed by nobody", "PROOF_INVALID"),
    ("portal: /sign-up without cookie", "NOT_AUTHORIZED"),
    ("portal: /status without cookie", "NOT_AUTHORIZED"),
    ("portal: link code, used twice", "LINK_CODE_INVALID"),
    ("portal: wrong order code", "NO_ORDER"),
    ("aka: wrong RES*", "without keys"),
    ("dtls: wrong K_AF", "DTLS alert 51"),
    ("dtls: unknown A-KID", "DTLS alert 51"),
    ("msgin5g: another's UE Service ID", "4.03"),
    ("msgin5g: message from another", "4.03"),
    ("clean-up", "nothing of berth-check-"),
];

#[tokio::test]
async fn an_installation_refuses_what_it_must() {
    let cluster = Cluster::start_with(&[("BERTH__GRPC__REFLECTION", "false")]);
    let tried = cluster.check(&["--refusals"]);
    assert_eq!(tried.status.code(), Some(0), "{}", said(&tried));
    let lines = told(&tried);
    let text = |about: &str| {
        let found = lines.iter().find(|line| line["about"] == about);
        let found = found.unwrap_or_else(|| panic!("{about}: {}", said(&tried)));
        assert_eq!(found["verdict"], "good", "{found}");
        found["text"].as_str().unwrap().to_owned()
    };
    for function in NetworkFunction::ALL {
        if function == NetworkFunction::AccessGateway {
            continue;
        }
        for what in AT_FUNCTIONS {
            text(&format!("{function}: {what}"));
        }
    }
    for (about, refusal) in ONCE {
        let text = text(about);
        assert!(text.contains(refusal), "{about}: {text}");
    }
    assert_eq!(cluster.registered().await, BTreeSet::new());
    cluster.installation.stop();
}

#[tokio::test]
async fn an_installation_that_tells_its_interface_is_found() {
    // `berth up` is one machine's: its operator may look at the interface.
    let cluster = Cluster::start();
    let tried = cluster.check(&["--refusals"]);
    assert_eq!(tried.status.code(), Some(1), "{}", said(&tried));
    let lines = told(&tried);
    let bad = lines.iter().filter(|line| line["verdict"] == "bad");
    let bad = bad.map(|line| line["about"].as_str().unwrap().to_owned());
    let reflecting = NetworkFunction::ALL
        .into_iter()
        .filter(|function| *function != NetworkFunction::AccessGateway)
        .map(|function| format!("{function}: reflection"));
    assert_eq!(
        bad.collect::<BTreeSet<_>>(),
        reflecting.collect::<BTreeSet<_>>(),
        "{}",
        said(&tried)
    );
    assert_eq!(cluster.registered().await, BTreeSet::new());
    cluster.installation.stop();
}

#[tokio::test]
async fn a_signal_leaves_nothing_registered() {
    let cluster = Cluster::start();
    let mut command = berth();
    command.args(["check", "--json", "--refusals", "--config"]);
    command.arg(&cluster.settings);
    let mut trying = Running::start(&mut command, &cluster.folder.path().join("broken-off"));
    poll("a device is tried", || {
        trying.stdout().contains("device: forged").then_some(())
    });
    assert_ne!(cluster.registered().await, BTreeSet::new());
    trying.signal(Signal::TERM);
    let status = trying.wait();
    assert_eq!(status.code(), Some(1), "{}", trying.said());
    assert!(trying.said().contains("a signal broke it off"));
    assert_eq!(cluster.registered().await, BTreeSet::new());
    cluster.installation.stop();
}

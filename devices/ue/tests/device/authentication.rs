//! 5G AKA and AKMA at the device. TS 33.501 6.1.3.2, TS 33.535 6.1.

use std::path::Path;

use cause::Cause;
use data_encoding::BASE64;
use identifiers::Fqdn;
use ue::{CipherSuite, Manufacture, NotReady, State, Ue, UeError};

use crate::home::{Commits, Laboratory};
use crate::onboarding::onboard;
use crate::operator::{AF, Operator, SUPI};

#[tokio::test]
async fn the_first_success_makes_the_set_active() {
    let lab = Laboratory::new().await;
    let mut device = lab.device("band", &Manufacture::default());
    onboard(&mut device).await.unwrap();
    let authenticated = device.authenticate().await.unwrap();
    assert!(authenticated.committed && !authenticated.resynchronized);
    assert_eq!(authenticated.supi.as_text(), SUPI);
    let status = device.status().unwrap();
    assert_eq!(status.state, State::Active);
    assert!(status.authenticated_at.is_some());
}

#[tokio::test]
async fn without_a_profile_there_is_nothing_to_authenticate() {
    let lab = Laboratory::new().await;
    let mut device = lab.device("band", &Manufacture::default());
    let refused = device.authenticate().await.unwrap_err();
    assert!(
        matches!(refused, UeError::NotReady(NotReady::NoProfile)),
        "{refused}"
    );
    let refused = device.akma(None, CipherSuite::PskAes128Ccm8).err().unwrap();
    assert!(
        matches!(refused, UeError::NotReady(NotReady::NoProfile)),
        "{refused}"
    );
}

#[tokio::test]
async fn a_challenge_that_the_home_network_did_not_make_is_refused() {
    let lab = Laboratory::new().await;
    let mut device = lab.device("band", &Manufacture::default());
    onboard(&mut device).await.unwrap();
    lab.home.script(|script| script.spoil_autn = true);
    let refused = device.authenticate().await.unwrap_err();
    assert!(matches!(refused, UeError::Untrusted { .. }), "{refused}");
    assert_eq!(refused.cause(), Cause::MacFailure);
    // The AuSF heard that no answer comes.
    assert_eq!(lab.home.script(|script| script.res_stars.clone()), [None]);
    assert_eq!(device.status().unwrap().state, State::Installed);
    lab.home.script(|script| script.spoil_autn = false);
    device.authenticate().await.unwrap();
}

#[tokio::test]
async fn a_home_network_that_lost_its_numbers_is_put_back_in_step() {
    let lab = Laboratory::new().await;
    let mut device = lab.subscriber("band").await;
    for _ in 0..3 {
        device.authenticate().await.unwrap();
    }
    lab.home.script(|script| script.sqn = aka::Sqn::ZERO);
    let authenticated = device.authenticate().await.unwrap();
    assert!(authenticated.resynchronized);
    assert_eq!(lab.home.script(|script| script.resynchronized), 1);
    assert!(!device.authenticate().await.unwrap().resynchronized);
}

#[tokio::test]
async fn the_sequence_number_outlives_the_process() {
    let lab = Laboratory::new().await;
    drop(lab.subscriber("band").await);
    // The same numbers again, as an attacker who recorded them would send.
    lab.home.script(|script| script.sqn = aka::Sqn::ZERO);
    let mut device = Ue::open(&lab.path("band")).unwrap();
    assert!(device.authenticate().await.unwrap().resynchronized);
}

#[tokio::test]
async fn a_missed_commit_comes_with_the_next_authentication() {
    let lab = Laboratory::new().await;
    lab.home
        .script(|script| script.commit = Box::new(|_, _| Vec::new()));
    let mut device = lab.device("band", &Manufacture::default());
    onboard(&mut device).await.unwrap();
    assert!(!device.authenticate().await.unwrap().committed);
    assert_eq!(device.status().unwrap().state, State::Proven);
    lab.home.script(|script| {
        script.commit = Box::new(|operator, commit| commit.sign(&operator.signer).unwrap());
    });
    assert!(device.authenticate().await.unwrap().committed);
    assert_eq!(device.status().unwrap().state, State::Active);
}

#[tokio::test]
async fn a_commit_of_something_else_does_not_end_the_older_set() {
    let lab = Laboratory::new().await;
    let mut device = lab.subscriber("band").await;
    let first = device
        .status()
        .unwrap()
        .subscription
        .unwrap()
        .credential_set_id;
    lab.home.script(|script| script.epoch = 2);
    onboard(&mut device).await.unwrap();
    // Still the older one: the new one has proven nothing.
    assert_eq!(
        device
            .status()
            .unwrap()
            .subscription
            .unwrap()
            .credential_set_id,
        first
    );

    let cases: Vec<(Commits, Cause)> = vec![
        (
            Box::new(|operator, mut commit| {
                commit.credential_epoch = 1;
                commit.sign(&operator.signer).unwrap()
            }),
            Cause::Conflict,
        ),
        (
            Box::new(|operator, mut commit| {
                commit.device_id = identifiers::DeviceId::from_spki_sha256(&[9; 32]);
                commit.sign(&operator.signer).unwrap()
            }),
            Cause::Conflict,
        ),
        (
            Box::new(|_, commit| commit.sign(&Operator::new("stranger").signer).unwrap()),
            Cause::SignatureInvalid,
        ),
        (
            Box::new(|operator, commit| commit.sign(&operator.network).unwrap()),
            Cause::KeysetInvalid,
        ),
    ];
    for (spoil, cause) in cases {
        lab.home.script(|script| script.commit = spoil);
        let refused = device.authenticate().await.unwrap_err();
        assert!(matches!(refused, UeError::Untrusted { .. }), "{refused}");
        assert_eq!(refused.cause(), cause);
        assert!(
            lab.path("band").join("slot-a.json").exists()
                && lab.path("band").join("slot-b.json").exists()
        );
    }
    lab.home.script(|script| {
        script.commit = Box::new(|operator, commit| commit.sign(&operator.signer).unwrap());
    });
    assert!(device.authenticate().await.unwrap().committed);
    let slots = ["slot-a.json", "slot-b.json"].map(|name| lab.path("band").join(name).exists());
    assert_eq!(slots.iter().filter(|exists| **exists).count(), 1);
}

#[tokio::test]
async fn a_home_network_that_holds_only_the_older_set_finds_it() {
    let lab = Laboratory::new().await;
    let mut device = lab.subscriber("band").await;
    let first = subscription(&device);
    lab.home.script(|script| script.epoch = 2);
    onboard(&mut device).await.unwrap();
    // What the newer set holds is not what the home network challenges with.
    let newer = lab.path("band").join("slot-a.json");
    let newer = if is_installed(&newer) {
        newer
    } else {
        lab.path("band").join("slot-b.json")
    };
    replace_k(&newer);
    lab.home.script(|script| script.res_stars.clear());

    let authenticated = device.authenticate().await.unwrap();
    assert_eq!(authenticated.credential_set_id.as_str(), first);
    // The newer set was challenged by turns and has proven nothing: it stays for the network's next turn.
    let answers = lab.home.script(|script| script.res_stars.clone());
    assert!(
        matches!(answers.as_slice(), [None, None, Some(_)]),
        "{} answers",
        answers.len()
    );
    assert!(is_installed(&newer));
}

fn subscription(device: &Ue) -> String {
    device
        .status()
        .unwrap()
        .subscription
        .unwrap()
        .credential_set_id
}

fn slot(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn is_installed(path: &Path) -> bool {
    path.exists() && slot(path)["state"] == "installed"
}

/// Gives a slot another K than the home network has.
fn replace_k(path: &Path) {
    let mut content = slot(path);
    let profile = content["profile"].as_str().unwrap().as_bytes();
    let mut profile = BASE64.decode(profile).unwrap();
    let k = crate::operator::k();
    let at = profile
        .windows(k.expose().len())
        .position(|window| window == k.expose())
        .unwrap();
    profile[at] ^= 1;
    content["profile"] = BASE64.encode(&profile).into();
    std::fs::write(path, content.to_string()).unwrap();
}

#[tokio::test]
async fn the_networks_refusal_has_its_cause() {
    let lab = Laboratory::new().await;
    let mut device = lab.subscriber("band").await;
    lab.home
        .script(|script| script.refuse_aka = Some(Cause::CredentialNotActive));
    let refused = device.authenticate().await.unwrap_err();
    assert_eq!(refused.cause(), Cause::CredentialNotActive);
    assert!(refused.advice().contains("ue onboard"));
}

#[tokio::test]
async fn application_keys_depend_on_function_and_suite() {
    let lab = Laboratory::new().await;
    let device = lab.subscriber("band").await;
    let other = Fqdn::parse("other.berth.test").unwrap();
    let key = |af: Option<&Fqdn>, suite| device.akma(af, suite).ok().unwrap();
    let ccm8 = key(None, CipherSuite::PskAes128Ccm8);
    assert_eq!(ccm8.af.as_str(), AF);
    assert_eq!(ccm8.ua_star_id.as_bytes(), &[1, 0, 1, 0xc0, 0xa8]);
    assert!(ccm8.coaps_uri.is_some());
    assert!(ccm8.psk_identity.starts_with(b"3GPP-AKMA0."));
    let gcm = key(None, CipherSuite::PskAes128GcmSha256);
    assert!(ccm8.k_af != gcm.k_af && ccm8.a_kid == gcm.a_kid);
    let elsewhere = key(Some(&other), CipherSuite::PskAes128Ccm8);
    assert!(elsewhere.k_af != ccm8.k_af && elsewhere.coaps_uri.is_none());
    assert!(key(Some(&Fqdn::parse(AF).unwrap()), CipherSuite::PskAes128Ccm8).k_af == ccm8.k_af);
}

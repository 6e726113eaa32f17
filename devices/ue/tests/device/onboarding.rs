//! From a bare device to an installed profile, and what is refused on the way.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cause::Cause;
use identifiers::{DeviceId, OnboardingSession};
use onboarding::{AgreementKey, NetworkProofLevel, Recipient, Suite};
use provisioning::{ClaimSecret, ReceiptResult};
use secret::PrivateKey;
use ue::{
    CertificatePresentation, ClaimSecretOption, Manufacture, NetworkChoice, Onboarded,
    PackageRecipient, Phase, Progress, SignUp, State, Ue, UeError,
};

use crate::home::{Laboratory, Seals};
use crate::operator::{ME, Operator, SUPI};

pub(crate) async fn onboard(device: &mut Ue) -> Result<Onboarded, UeError> {
    device
        .onboard(&NetworkChoice::Auto, &SignUp::Automatic, &mut |_| {})
        .await
}

#[tokio::test]
async fn a_bare_device_gets_a_profile_however_it_presents_its_certificate() {
    for certificate in [
        CertificatePresentation::Url,
        CertificatePresentation::Inline,
    ] {
        let lab = Laboratory::new().await;
        let options = Manufacture {
            certificate,
            ..Manufacture::default()
        };
        let mut device = lab.device("band", &options);
        assert_eq!(device.status().unwrap().state, State::Bare);
        let mut told = Vec::new();
        let onboarded = device
            .onboard(
                &NetworkChoice::Id("lab".to_owned()),
                &SignUp::Automatic,
                &mut |progress| told.push(progress),
            )
            .await
            .unwrap();
        assert!(onboarded.receipt_delivered);
        assert_eq!(onboarded.network_proof, NetworkProofLevel::OperatorChain);
        let phases: Vec<_> = told
            .iter()
            .filter_map(|progress| match progress {
                Progress::Finished { phase, .. } => Some(*phase),
                _ => None,
            })
            .collect();
        assert_eq!(phases, Phase::ALL);
        // The network has proven itself: there is no code to compare.
        assert!(
            !told
                .iter()
                .any(|progress| matches!(progress, Progress::MatchCode(_)))
        );

        let status = device.status().unwrap();
        assert_eq!(status.state, State::Installed);
        let subscription = status.subscription.unwrap();
        assert_eq!(subscription.supi.as_text(), SUPI);
        assert_eq!(subscription.ue_service_id.unwrap().as_str(), ME);
        let posted = lab.home.script(|script| script.posted.clone());
        assert_eq!(
            posted,
            ["csrf=token&plan_id=lab&order_code=&terms=accepted"]
        );
        let receipts = lab.home.script(|script| script.receipts.clone());
        // One GET, one POST: the end of the observation costs no second transfer.
        assert_eq!(lab.home.script(|script| script.packages.len()), 1);
        assert_eq!(receipts.len(), 1);
        assert_eq!(receipts[0].result, ReceiptResult::Installed);
        let packages = lab.home.script(|script| script.packages.clone());
        assert_eq!(
            receipts[0].package_sha256,
            cose::sha256(packages.last().unwrap())
        );
    }
}

#[tokio::test]
async fn a_profile_may_be_sealed_to_the_identity_key_itself() {
    for certificate in [
        CertificatePresentation::Url,
        CertificatePresentation::Inline,
    ] {
        let lab = Laboratory::new().await;
        let options = Manufacture {
            certificate,
            recipient: PackageRecipient::CertDirect,
            ..Manufacture::default()
        };
        drop(lab.device("band", &options));
        // What the factory decided is on disk.
        let mut device = Ue::open(&lab.path("band")).unwrap();
        assert!(onboard(&mut device).await.unwrap().receipt_delivered);
        let asked = lab.home.script(|script| {
            let sessions = script.sessions.values();
            sessions
                .map(|admitted| admitted.recipient.clone())
                .collect::<Vec<_>>()
        });
        assert_eq!(asked, [Recipient::CertDirect]);
        assert!(device.authenticate().await.unwrap().committed);
    }
}

#[tokio::test]
async fn a_package_for_another_kind_of_recipient_than_asked_for_is_refused() {
    let cases: Vec<(PackageRecipient, Seals)> = vec![
        (
            PackageRecipient::CertBound,
            Box::new(|_, sealing| sealing.cert_direct = true),
        ),
        (
            PackageRecipient::CertDirect,
            Box::new(|_, sealing| sealing.cert_direct = false),
        ),
        (
            PackageRecipient::CertDirect,
            Box::new(|_, sealing| {
                let stranger = PrivateKey::new([7; PrivateKey::LEN]);
                let stranger = AgreementKey::new(Suite::P256, stranger).unwrap();
                sealing.recipient.public = stranger.public().to_vec();
            }),
        ),
    ];
    for (recipient, spoil) in cases {
        let lab = Laboratory::new().await;
        lab.home.script(|script| script.seals = spoil);
        let options = Manufacture {
            recipient,
            ..Manufacture::default()
        };
        let mut device = lab.device("band", &options);
        let refused = onboard(&mut device).await.unwrap_err();
        assert!(matches!(refused, UeError::Untrusted { .. }), "{refused}");
        assert_eq!(refused.cause(), Cause::RecipientMismatch);
        assert_eq!(device.status().unwrap().state, State::Bare);
    }
}

#[tokio::test]
async fn a_package_that_is_sealed_later_is_pushed() {
    let lab = Laboratory::new().await;
    let mut device = lab.device("band", &Manufacture::default());
    let link = Arc::new(Mutex::new(None));
    let shown = Arc::clone(&link);
    let home = lab.home.clone();
    // A person opens the link and takes a while.
    let person = async {
        let (session, observation) = loop {
            if let Some(waiting) = home.script(|script| script.observations.pop()) {
                break waiting;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        home.sign_up();
        crate::provisioning_server::push(&home, &session, &observation).await;
    };
    let mut progress = |progress| {
        if let Progress::PortalLink(link) = progress {
            *shown.lock().unwrap() = Some(link);
        }
    };
    let (onboarded, ()) = tokio::join!(
        device.onboard(&NetworkChoice::Auto, &SignUp::Portal, &mut progress),
        person
    );
    assert!(onboarded.unwrap().receipt_delivered);
    assert!(link.lock().unwrap().take().unwrap().ends_with("/?c=CODE"));
    assert!(lab.home.script(|script| script.posted.is_empty()));
}

#[tokio::test]
async fn an_order_code_is_redeemed_and_an_order_needs_no_form() {
    let lab = Laboratory::new().await;
    let mut device = lab.device("band", &Manufacture::default());
    let sign_up = SignUp::Code("ABCD".to_owned());
    device
        .onboard(&NetworkChoice::Auto, &sign_up, &mut |_| {})
        .await
        .unwrap();
    let posted = lab.home.script(|script| script.posted.clone());
    assert!(posted[0].contains("order_code=ABCD"), "{posted:?}");

    // Signed up already, so the portal has nothing to ask.
    let mut other = lab.device("other", &Manufacture::default());
    let mut ordered = false;
    let mut progress = |progress| ordered |= progress == Progress::AlreadyOrdered;
    other
        .onboard(&NetworkChoice::Auto, &SignUp::Automatic, &mut progress)
        .await
        .unwrap();
    assert!(ordered);
}

#[tokio::test]
async fn a_headless_device_installs_only_what_knows_its_label() {
    let secret = "MFRGGZDFMZTWQ2LKNNWG23TP";
    let lab = Laboratory::new().await;
    lab.home.sign_up();
    let options = || Manufacture {
        headless: true,
        claim_secret: ClaimSecretOption::Given(ClaimSecret::parse(secret).unwrap()),
        ..Manufacture::default()
    };
    // Sealed without the secret, whatever chain signed the Challenge.
    let mut device = lab.device("first", &options());
    assert_eq!(device.claim_secret().unwrap().as_deref(), Some(secret));
    let refused = device
        .onboard(&NetworkChoice::Auto, &SignUp::Ordered, &mut |_| {})
        .await
        .unwrap_err();
    assert_eq!(refused.cause(), Cause::NetworkProofUnavailable);

    // Somebody who guessed.
    let seal_with = |secret: &'static str| {
        lab.home.script(|script| {
            script.seals = Box::new(move |_, sealing| {
                sealing.network_proof = NetworkProofLevel::ClaimSecret;
                sealing.claim_secret = Some(ClaimSecret::parse(secret).unwrap());
            });
        });
    };
    seal_with("AAAAAAAAAAAAAAAAAAAAAAAA");
    let refused = device
        .onboard(&NetworkChoice::Auto, &SignUp::Ordered, &mut |_| {})
        .await
        .unwrap_err();
    assert_eq!(refused.cause(), Cause::PackageInvalid);

    seal_with(secret);
    let onboarded = device
        .onboard(&NetworkChoice::Auto, &SignUp::Ordered, &mut |_| {})
        .await
        .unwrap();
    assert_eq!(onboarded.network_proof, NetworkProofLevel::ClaimSecret);
}

#[tokio::test]
async fn packages_that_are_not_for_this_device_are_refused_by_table() {
    let cases: Vec<(&str, Seals, Cause)> = vec![
        (
            "another device",
            Box::new(|_, sealing| sealing.profile.device_id = DeviceId::from_spki_sha256(&[9; 32])),
            Cause::RecipientMismatch,
        ),
        (
            "another session",
            Box::new(|_, sealing| sealing.session = OnboardingSession::new([9; 16])),
            Cause::RecipientMismatch,
        ),
        (
            "another root",
            Box::new(|_, sealing| {
                let stranger = Operator::new("stranger");
                sealing.keyset = Some(stranger.keyset.clone());
                sealing.profile.management.pin.root = stranger.root;
                sealing.operator = Some(stranger);
            }),
            Cause::KeysetInvalid,
        ),
        (
            "a profile that pins another root",
            Box::new(|_, sealing| sealing.profile.management.pin.root = cose::KeyId::new([9; 32])),
            Cause::KeysetInvalid,
        ),
        (
            "no keyset",
            Box::new(|_, sealing| sealing.keyset = None),
            Cause::KeysetInvalid,
        ),
        (
            "a signer outside the keyset",
            Box::new(|_, sealing| sealing.operator = Some(Operator::new("stranger"))),
            Cause::SignatureInvalid,
        ),
        (
            "an expired profile",
            Box::new(|_, sealing| sealing.profile.not_after = 1),
            Cause::PackageExpired,
        ),
    ];
    for (name, spoil, cause) in cases {
        let lab = Laboratory::new().await;
        lab.home.script(|script| script.seals = spoil);
        let mut device = lab.device("band", &Manufacture::default());
        let refused = onboard(&mut device).await.unwrap_err();
        assert!(
            matches!(refused, UeError::Untrusted { .. }),
            "{name}: {refused}"
        );
        assert_eq!(refused.cause(), cause, "{name}");
        assert_eq!(device.status().unwrap().state, State::Bare, "{name}");
        let receipts = lab.home.script(|script| script.receipts.clone());
        assert_eq!(receipts[0].result, ReceiptResult::Rejected, "{name}");
        assert_eq!(receipts[0].cause, Some(cause.number()), "{name}");
    }
}

#[tokio::test]
async fn a_replayed_package_is_refused_and_what_is_installed_stays() {
    let lab = Laboratory::new().await;
    let mut device = lab.subscriber("band").await;
    lab.home.script(|script| script.replay_package = Some(0));
    let refused = onboard(&mut device).await.unwrap_err();
    assert_eq!(refused.cause(), Cause::RecipientMismatch);
    assert_eq!(device.status().unwrap().state, State::Active);
    device.authenticate().await.unwrap();
}

#[tokio::test]
async fn octets_that_are_no_package_are_refused() {
    let lab = Laboratory::new().await;
    lab.home.script(|script| {
        script.packages = vec![b"no package at all".to_vec()];
        script.replay_package = Some(0);
    });
    let mut device = lab.device("band", &Manufacture::default());
    let refused = onboard(&mut device).await.unwrap_err();
    assert!(matches!(refused, UeError::Untrusted { .. }), "{refused}");
}

#[tokio::test]
async fn a_reject_is_advice_with_its_cause() {
    let lab = Laboratory::new().await;
    lab.home
        .script(|script| script.reject = Some(Cause::NoOrder));
    let mut device = lab.device("band", &Manufacture::default());
    match onboard(&mut device).await.unwrap_err() {
        UeError::Refused {
            cause, retry_after, ..
        } => {
            assert_eq!(
                (cause, retry_after),
                (Cause::NoOrder, Some(Duration::from_secs(30)))
            );
        }
        other => panic!("{other}"),
    }
    lab.home.script(|script| script.reject = None);
    onboard(&mut device).await.unwrap();
}

#[tokio::test]
async fn a_form_for_a_person_is_left_to_a_person() {
    let lab = Laboratory::new().await;
    let page = "<form method=post><input name=card_number required></form>";
    lab.home.script(|script| script.page = page.to_owned());
    let mut device = lab.device("band", &Manufacture::default());
    let left = onboard(&mut device).await.unwrap_err();
    assert!(matches!(left, UeError::PersonNeeded(_)), "{left}");
    assert_eq!(left.exit_code(), 8);
    assert!(lab.home.script(|script| script.posted.is_empty()));
}

#[tokio::test]
async fn a_lost_receipt_does_not_cost_the_profile_and_is_delivered_later() {
    let lab = Laboratory::new().await;
    lab.home.script(|script| script.lose_receipts = true);
    let mut device = lab.device("band", &Manufacture::default());
    assert!(!onboard(&mut device).await.unwrap().receipt_delivered);
    assert_eq!(device.status().unwrap().state, State::Installed);
    // As after a crash between installation and receipt: another process, the same directory.
    drop(device);
    lab.home.script(|script| script.lose_receipts = false);
    let mut device = Ue::open(&lab.path("band")).unwrap();
    assert!(device.deliver_receipt().await.unwrap());
    assert_eq!(lab.home.script(|script| script.receipts.len()), 1);
    assert!(!device.deliver_receipt().await.unwrap());
    device.authenticate().await.unwrap();
}

#[tokio::test]
async fn the_package_may_be_fetched_again_until_it_is_in_use() {
    let lab = Laboratory::new().await;
    let mut device = lab.device("band", &Manufacture::default());
    let first = onboard(&mut device).await.unwrap();
    // The same credential set, sealed to a new session.
    let second = onboard(&mut device).await.unwrap();
    assert_eq!(first.credential_set_id, second.credential_set_id);
    device.authenticate().await.unwrap();
    // In use, it is not newer than itself.
    let refused = onboard(&mut device).await.unwrap_err();
    assert_eq!(refused.cause(), Cause::PackageInvalid);
    lab.home.script(|script| script.epoch = 2);
    let third = onboard(&mut device).await.unwrap();
    assert_ne!(first.credential_set_id, third.credential_set_id);
}

#[tokio::test]
async fn a_network_that_is_not_there_is_named() {
    let lab = Laboratory::new().await;
    let mut device = lab.device("band", &Manufacture::default());
    let choice = NetworkChoice::Id("elsewhere".to_owned());
    let refused = device
        .onboard(&choice, &SignUp::Automatic, &mut |_| {})
        .await
        .unwrap_err();
    assert_eq!(refused.cause(), Cause::NotFound);
    let networks = device.discover().await.unwrap();
    assert_eq!(networks[0].network_id, "lab");
}

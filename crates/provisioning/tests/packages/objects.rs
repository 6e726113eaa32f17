//! Receipts, commits, keysets and profiles.

use crate::support::{NOW, Run, octets, run, vectors};
use cause::Cause;
use cose::{CoseError, KeyId, SigningKey};
use identifiers::{
    CredentialSetId, DeviceId, Fqdn, Gpsi, Nid, OperatorId, PackageId, PlanId, Plmn,
    ProtectionScheme, RoutingIndicator, SubscriptionId, Supi, UeServiceId,
};
use onboarding::{Kem, RecipientKey};
use provisioning::profile::{
    Access, Applications, AuthenticationKeys, Fallback, Management, MsgIn5g, OperatorName,
    PduSessionType, Pin, Plan, Rollback, Service, Slice, Snpn, SuciKey,
};
use provisioning::{
    Commit, CommitError, CommittedBy, Keyset, KeysetError, Profile, Receipt, ReceiptError,
    ReceiptResult, SecretPart, VerifiedKeyset, insert_secret,
};
use secret::{PrivateKey, SecretBytes};

#[test]
fn every_receipt_is_signed_byte_for_byte() {
    for run in Run::all() {
        let expected = octets(&run.value["receipt"]);
        let receipt = Receipt::verify(&expected, &run.identity().verification_key()).unwrap();
        let sha256 = cose::sha256(&run.sealed());
        assert_eq!(receipt.package_sha256, sha256);
        assert_eq!(receipt.check(&receipt.package_id, 1, &sha256), Ok(()));
        let again = Receipt {
            package_id: receipt.package_id.clone(),
            seal_seq: 1,
            result: ReceiptResult::Installed,
            package_sha256: sha256,
            agent: "berthpeer/1".to_owned(),
            time: NOW + 5,
            cause: None,
        };
        assert_eq!(again.sign(&run.identity()).unwrap(), expected);
    }
}

#[test]
fn a_receipt_is_compared_member_by_member() {
    let run = run("s1-bound-n0");
    let device = run.identity().verification_key();
    let receipt = Receipt::verify(&octets(&run.value["receipt"]), &device).unwrap();
    let sha256 = cose::sha256(&run.sealed());
    let other = PackageId::generate(0, [0; 10]);
    let package = receipt.package_id.clone();
    for (outcome, expected) in [
        (
            receipt.check(&other, 1, &sha256),
            ReceiptError::OtherPackage,
        ),
        (
            receipt.check(&package, 2, &sha256),
            ReceiptError::OtherPackage,
        ),
        (
            receipt.check(&package, 1, &[0; 32]),
            ReceiptError::OtherOctets,
        ),
    ] {
        assert_eq!(outcome, Err(expected));
        assert_eq!(expected.cause(), Cause::ReceiptConflict);
    }
    let stranger = SigningKey::new(&PrivateKey::new([1; 32])).unwrap();
    let outcome = Receipt::verify(&octets(&run.value["receipt"]), &stranger.verification_key());
    assert_eq!(outcome, Err(ReceiptError::Object(CoseError::KeyId)));
}

#[test]
fn the_commit_is_signed_byte_for_byte_and_compared_member_by_member() {
    let run = run("s1-bound-n0");
    let expected = octets(&vectors("owa-and-package.json")["commit_of_first_case_package"]);
    let keyset = VerifiedKeyset::verify(&run.keyset, Some(NOW)).unwrap();
    let commit = Commit::verify(&expected, &keyset, Some(NOW)).unwrap();
    let profile = Profile::decode(&run.profile).unwrap();
    let installed = Commit {
        by: CommittedBy::Package(profile.package_id),
        device_id: profile.device_id,
        subscription_id: profile.subscription_id,
        credential_set_id: profile.credential_set_id,
        credential_epoch: profile.credential_epoch,
        committed_at: NOW + 9,
    };
    assert_eq!(installed.sign(&run.signer).unwrap(), expected);
    assert_eq!(commit.check(&installed), Ok(()));

    let other = |change: fn(&mut Commit)| {
        let mut other = installed.clone();
        change(&mut other);
        commit.check(&other).err()
    };
    let cases = [
        (
            other(|commit| commit.by = CommittedBy::Update("upd_1".to_owned())),
            CommitError::OtherOrigin,
        ),
        (
            other(|commit| commit.device_id = DeviceId::from_spki_sha256(&[0; 32])),
            CommitError::OtherDevice,
        ),
        (
            other(|commit| commit.subscription_id = SubscriptionId::generate(0, [0; 10])),
            CommitError::OtherSubscription,
        ),
        (
            other(|commit| commit.credential_set_id = CredentialSetId::generate(0, [0; 10])),
            CommitError::OtherCredentialSet,
        ),
        (
            other(|commit| commit.credential_epoch = 2),
            CommitError::OtherEpoch,
        ),
    ];
    for (outcome, expected) in cases {
        assert_eq!(outcome, Some(expected));
    }
    assert_eq!(other(|commit| commit.committed_at = 0), None);
}

#[test]
fn a_commit_of_a_key_that_may_not_sign_commits_is_refused() {
    let run = run("s1-bound-n0");
    let keyset = VerifiedKeyset::verify(&run.keyset, None).unwrap();
    let commit = octets(&vectors("owa-and-package.json")["commit_of_first_case_package"]);
    let commit = Commit::verify(&commit, &keyset, None).unwrap();
    let network_key = crate::support::private(&run.identities["operator_net_signer_private"]);
    let by_network_key = commit
        .sign(&SigningKey::new(&network_key).unwrap())
        .unwrap();
    let outcome = Commit::verify(&by_network_key, &keyset, None);
    assert_eq!(outcome, Err(CommitError::Keyset(KeysetError::KeyUse)));
    let by_root = commit.sign(&run.root_key()).unwrap();
    let outcome = Commit::verify(&by_root, &keyset, None);
    assert_eq!(outcome, Err(CommitError::Keyset(KeysetError::UnknownKey)));
    let update = Commit {
        by: CommittedBy::Update("upd_1".to_owned()),
        ..commit
    };
    assert_eq!(Commit::decode(&update.encode()), Ok(update));
}

#[test]
fn the_keyset_is_signed_byte_for_byte() {
    let run = run("s1-bound-n0");
    let verified = VerifiedKeyset::verify(&run.keyset, Some(NOW)).unwrap();
    let payload = octets(&run.identities["keyset_payload"]);
    assert_eq!(verified.keyset.encode(), payload);
    assert_eq!(verified.keyset.sign(&run.root_key()).unwrap(), run.keyset);
    assert_eq!(Keyset::decode(&payload), Ok(verified.keyset));
    assert_eq!(verified.root, run.root());
}

#[test]
fn a_full_profile_keeps_every_member() {
    let profile = full_profile();
    assert_eq!(Profile::decode(&profile.encode()), Ok(profile.clone()));
    for (k, topc) in [(16, 32), (32, 32)] {
        let secret = SecretPart {
            supi: Supi::parse("nai-user@example.org").unwrap(),
            keys: AuthenticationKeys::Tuak {
                k: SecretBytes::new(vec![1; k]),
                topc: SecretBytes::new(vec![2; topc]),
            },
            amf: [0x80, 0],
            sqn: [0, 0, 0, 0, 0, 32],
        };
        let whole = insert_secret(&profile.encode(), &secret).unwrap();
        let (read, read_secret) = Profile::decode_with_secret(whole.expose()).unwrap();
        assert_eq!(read, profile);
        assert!(read_secret.keys == secret.keys);
        assert_eq!(read_secret.supi, secret.supi);
        assert_eq!((read_secret.amf, read_secret.sqn), (secret.amf, secret.sqn));
    }
}

#[test]
fn keys_of_another_length_than_their_algorithm_are_refused() {
    let secret = SecretPart {
        supi: Supi::parse("imsi-001010000000001").unwrap(),
        keys: AuthenticationKeys::Tuak {
            k: SecretBytes::new(vec![1; 24]),
            topc: SecretBytes::new(vec![2; 32]),
        },
        amf: [0x80, 0],
        sqn: [0; 6],
    };
    let whole = insert_secret(&full_profile().encode(), &secret).unwrap();
    assert!(Profile::decode_with_secret(whole.expose()).is_err());
}

pub(crate) fn full_profile() -> Profile {
    let plmn = Plmn::parse("00101").unwrap();
    Profile {
        package_id: PackageId::generate(1, [1; 10]),
        subscription_id: SubscriptionId::generate(2, [2; 10]),
        device_id: DeviceId::from_spki_sha256(&[3; 32]),
        credential_set_id: CredentialSetId::generate(4, [4; 10]),
        credential_epoch: 5,
        access: Access {
            home: plmn.clone(),
            equivalent: vec![Plmn::parse("001001").unwrap()],
            routing_indicator: RoutingIndicator::parse("0").unwrap(),
            suci_keys: vec![
                SuciKey {
                    scheme: ProtectionScheme::Null,
                    id: 0,
                    public: None,
                },
                SuciKey {
                    scheme: ProtectionScheme::ProfileA,
                    id: 1,
                    public: Some(vec![1; 32]),
                },
                SuciKey {
                    scheme: ProtectionScheme::ProfileB,
                    id: 2,
                    public: Some(vec![2; 33]),
                },
            ],
            snpn: Some(Snpn {
                plmn,
                nid: Nid::parse("0000000000A").unwrap(),
                group_ids: vec!["group".to_owned()],
            }),
            access_identities: vec![1, 11],
            uac: Some(vec![7]),
        },
        service: Service {
            slices: vec![Slice {
                s_nssai: vec![1, 0, 0, 1],
                dnn: "internet".to_owned(),
                session_type: PduSessionType::Ipv4v6,
                five_qi: Some(9),
                ambr_uplink: Some(1_000_000),
                ambr_downlink: Some(2_000_000),
                default: Some(false),
            }],
            ursp: Some(vec![8]),
            gpsis: vec![Gpsi::parse("msisdn-491234567890").unwrap()],
            plan: Some(Plan {
                id: PlanId::parse("band-basic").unwrap(),
                name: "Band basic".to_owned(),
                limits: Some(vec![9]),
                valid_from: Some(NOW),
                valid_until: Some(NOW + 1),
            }),
            roaming: Some(1),
        },
        applications: Applications {
            msgin5g: Some(MsgIn5g {
                server_uri: "coaps://msgin5g.berth.test:5684".to_owned(),
                ue_service_id: UeServiceId::parse("ue-1@msgin5g.berth.test").unwrap(),
                configuration_uri: Some("coaps://cm.berth.test".to_owned()),
                dtls_suites: vec![0xc0a8, 0x00a8],
            }),
            akma_afs: vec![Fqdn::parse("msgin5g.berth.test").unwrap()],
            ntp: vec!["ntp.berth.test".to_owned()],
            lwm2m: Some("coaps://lwm2m.berth.test".to_owned()),
        },
        management: Management {
            operator: OperatorName {
                id: OperatorId::parse("operator").unwrap(),
                name: "Operator".to_owned(),
                logo_hash: Some([1; 32]),
            },
            pin: Pin {
                root: KeyId::new([2; 32]),
                least_keyset_version: 3,
            },
            update_endpoints: vec!["coaps://pvs.berth.test:5684/update".to_owned()],
            vault_keys: vec![RecipientKey {
                kem: Kem::X25519,
                public: vec![3; 32],
            }],
            fallback: Some(Fallback::OnboardAgain),
            rollback: Some(Rollback {
                tries: Some(3),
                seconds: Some(600),
            }),
            contact_seconds: Some(86_400),
            owner_key_hash: Some([4; 32]),
        },
        not_after: NOW + 1,
        supersedes: Some(PackageId::generate(6, [6; 10])),
    }
}

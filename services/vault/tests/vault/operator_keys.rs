//! The operator's keys in files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use cose::ObjectType;
use identifiers::OperatorId;
use nf_runtime::random::Random;
use onboarding::certificate::Certificate;
use provisioning::VerifiedKeyset;
use vault::{OperatorConfig, OperatorKeys, OperatorKeysError, operator_keys};

const NOW: u64 = 1_767_225_600;

#[test]
fn root_keyset_and_chain_belong_together() {
    let folder = tempfile::tempdir().unwrap();
    let config = create(&folder.path().join("operator"), 1);
    let keys = OperatorKeys::open(&config, NOW).unwrap();
    assert_eq!(keys.operator_id().as_str(), "lab-operator");
    let root = Certificate::from_der(keys.root_certificate()).unwrap();
    assert!(root.key_id() == keys.root() && root.allows_issuing());

    let keyset = VerifiedKeyset::verify(keys.keyset(), Some(NOW)).unwrap();
    assert_eq!((keyset.keyset.version, keyset.root), (1, keys.root()));
    let types: Vec<_> = keyset
        .keyset
        .keys
        .iter()
        .map(|key| key.types.clone())
        .collect();
    let signer = vec![
        ObjectType::Profile,
        ObjectType::Commit,
        ObjectType::Notice,
        ObjectType::Decision,
    ];
    assert_eq!(types, [signer, vec![ObjectType::OwaNet]]);
}

#[test]
fn private_keys_are_for_their_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("operator");
    create(&dir, 1);
    for name in ["root.key", "signer.key", "network.key"] {
        assert_eq!(
            fs::metadata(dir.join(name)).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}

#[test]
fn existing_keys_are_not_replaced_and_a_broken_attempt_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("operator");
    fs::create_dir_all(folder.path().join("operator.new/left")).unwrap();
    create(&dir, 1);
    let before = fs::read(dir.join("root.key")).unwrap();
    let again = operator_keys::create(&dir, &operator(), NOW, &Random::seeded(2));
    assert!(matches!(again, Err(OperatorKeysError::Exists { .. })));
    assert_eq!(fs::read(dir.join("root.key")).unwrap(), before);
}

#[test]
fn files_of_different_operators_are_not_mixed() {
    let folder = tempfile::tempdir().unwrap();
    let ours = create(&folder.path().join("ours"), 1);
    let theirs = create(&folder.path().join("theirs"), 2);
    let mixed = |change: &dyn Fn(&mut OperatorConfig)| {
        let mut config = ours.clone();
        change(&mut config);
        OperatorKeys::open(&config, NOW).err().unwrap()
    };
    let error =
        mixed(&|config| config.root_certificate_file = theirs.root_certificate_file.clone());
    assert!(matches!(error, OperatorKeysError::OtherOperator));
    let error = mixed(&|config| config.operator_id = "other".to_owned());
    assert!(matches!(error, OperatorKeysError::OtherOperator));
    let error = mixed(&|config| config.signer_key_file = theirs.signer_key_file.clone());
    assert!(matches!(error, OperatorKeysError::Keyset { .. }));
    let error = mixed(&|config| config.signer_key_file = ours.network_key_file.clone());
    assert!(matches!(
        error,
        OperatorKeysError::Keyset {
            object_type: ObjectType::Profile,
            ..
        }
    ));
    let error = mixed(&|config| config.network_chain_file = theirs.network_chain_file.clone());
    assert!(matches!(error, OperatorKeysError::OtherNetworkKey));
    let error = mixed(&|config| config.signer_key_file = ours.keyset_file.clone());
    assert!(matches!(error, OperatorKeysError::Content { .. }));
    let error = mixed(&|config| config.keyset_file = folder.path().join("missing"));
    assert!(matches!(error, OperatorKeysError::File { .. }));
}

#[test]
fn expired_keys_still_open() {
    let folder = tempfile::tempdir().unwrap();
    let config = create(&folder.path().join("operator"), 1);
    OperatorKeys::open(&config, NOW + 30 * 365 * 86_400).unwrap();
}

fn create(dir: &Path, seed: u64) -> OperatorConfig {
    operator_keys::create(dir, &operator(), NOW, &Random::seeded(seed)).unwrap()
}

fn operator() -> OperatorId {
    OperatorId::parse("lab-operator").unwrap()
}

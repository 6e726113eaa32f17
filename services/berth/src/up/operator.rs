//! The operator's keys of a data folder.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use identifiers::OperatorId;
use nf_runtime::clock::Clock;
use nf_runtime::random::Random;
use serde::{Deserialize, Serialize};
use vault::OperatorConfig;

use super::settings::Started;
use crate::data_dir::write_atomically;

/// Name of an operator that nobody has named.
const OPERATOR_ID: &str = "berth-operator";

/// What is kept beside the keys. Where they lie is not in it: the folder may be moved and copied. (Older folders have
/// paths in it, which do not count.)
#[derive(Serialize, Deserialize)]
struct Description {
    operator_id: String,
}

/// The operator's keys in a folder, made at the first start. Their root key lies beside them: fine for a
/// laboratory, to be taken offline anywhere else.
pub(super) fn keys(folder: &Path, started: Started) -> Result<OperatorConfig> {
    let file = folder.join("operator.json");
    let keys = folder.join("keys");
    if file.exists() {
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        let description: Description = serde_json::from_str(&text)
            .with_context(|| format!("{} is damaged", file.display()))?;
        return Ok(OperatorConfig::in_folder(&keys, description.operator_id));
    }
    if started == Started::Before && !keys.exists() {
        bail!(
            "the operator's keys are lost, which devices trust: restore {} from your copy, or name them in \
             [vault.operator] if earlier starts did",
            folder.display()
        );
    }
    // Keys without a description are whole: they appear together, and a start was cut off just then.
    if !keys.exists() {
        vault::operator_keys::create(
            &keys,
            &OperatorId::parse(OPERATOR_ID)?,
            Clock::system().unix_seconds(),
            &Random::system(),
        )?;
    }
    let description = Description {
        operator_id: OPERATOR_ID.to_owned(),
    };
    write_atomically(&file, &serde_json::to_string_pretty(&description)?)?;
    Ok(OperatorConfig::in_folder(&keys, description.operator_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_moved_takes_its_keys_along() {
        let parent = tempfile::tempdir().unwrap();
        let (old, new) = (parent.path().join("old"), parent.path().join("new"));
        std::fs::create_dir(&old).unwrap();
        let made = keys(&old, Started::Never).unwrap();
        // As releases of before have written it, with paths.
        let text = serde_json::to_string(&made).unwrap();
        std::fs::write(old.join("operator.json"), text).unwrap();
        std::fs::rename(&old, &new).unwrap();
        let moved = keys(&new, Started::Before).unwrap();
        assert_eq!(moved.operator_id, made.operator_id);
        assert!(moved.signer_key_file.starts_with(&new));
        vault::OperatorKeys::open(&moved, Clock::system().unix_seconds()).unwrap();
    }

    #[test]
    fn keys_that_are_there_are_never_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let made = keys(folder.path(), Started::Never).unwrap();
        let root = std::fs::read(&made.root_certificate_file).unwrap();
        std::fs::remove_file(folder.path().join("operator.json")).unwrap();
        let again = keys(folder.path(), Started::Before).unwrap();
        assert_eq!(std::fs::read(&again.root_certificate_file).unwrap(), root);

        std::fs::remove_dir_all(folder.path().join("keys")).unwrap();
        std::fs::remove_file(folder.path().join("operator.json")).unwrap();
        let lost = keys(folder.path(), Started::Before).unwrap_err();
        assert!(lost.to_string().contains("restore"), "{lost}");
        assert!(!folder.path().join("keys").exists());
    }
}

//! The operator's keys of a data folder.

use std::path::Path;

use anyhow::{Context as _, Result};
use identifiers::OperatorId;
use nf_runtime::clock::Clock;
use nf_runtime::random::Random;
use vault::OperatorConfig;

use crate::data_dir::write_atomically;

/// Name of an operator that nobody has named.
const OPERATOR_ID: &str = "berth-operator";

/// The operator's keys in a folder, made at the first start. Their root key lies beside them: fine for a
/// laboratory, to be taken offline anywhere else.
pub(super) fn keys(folder: &Path) -> Result<OperatorConfig> {
    let description = folder.join("operator.json");
    if description.exists() {
        let text = std::fs::read_to_string(&description)?;
        return serde_json::from_str(&text)
            .with_context(|| format!("{} is damaged", description.display()));
    }
    let operator_id = OperatorId::parse(OPERATOR_ID)?;
    // A folder without its description was left by a start that was interrupted: nobody has seen its keys.
    let keys = folder.join("keys");
    if keys.exists() {
        std::fs::remove_dir_all(&keys)?;
    }
    let config = vault::operator_keys::create(
        &keys,
        &operator_id,
        Clock::system().unix_seconds(),
        &Random::system(),
    )?;
    write_atomically(&description, &serde_json::to_string_pretty(&config)?)?;
    Ok(config)
}

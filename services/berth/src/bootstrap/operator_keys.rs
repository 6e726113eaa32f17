//! The operator's keys as Secrets. All are drawn into the root's Secret, in one step, and the vault's part is a copy
//! of it: two that draw at once, or one that is interrupted, never leave parts of different sets.

use anyhow::{Context as _, Result};
use identifiers::OperatorId;
use zeroize::Zeroizing;

use super::decide::{Data, Means, ROOT_KEY};

/// What the vault reads.
pub(super) const VAULT: [&str; 5] = [
    "root.cer",
    "keyset.cose",
    "signer.key",
    "network.key",
    "network-chain.pem",
];

/// A new set, whole.
pub(super) fn draw(operator_id: &str, means: &Means<'_>) -> Result<Data> {
    let operator_id =
        OperatorId::parse(operator_id).map_err(|_| anyhow::anyhow!("operator_id is no name"))?;
    let now = means
        .now
        .duration_since(std::time::SystemTime::UNIX_EPOCH)?;
    let drawn = vault::operator_keys::draw(&operator_id, now.as_secs(), means.random)?;
    let mut data = Data::from([(ROOT_KEY.to_owned(), drawn.root_key)]);
    for (name, content) in drawn.vault {
        data.insert(name.to_owned(), content);
    }
    Ok(data)
}

/// The vault's part of a set.
pub(super) fn vault_part(root: &Data, name: &str) -> Result<Data> {
    VAULT
        .iter()
        .map(|part| {
            let content = root.get(*part).with_context(|| {
                format!(
                    "it is missing, and secret {name} holds no {part} to make it from. Restore it from your copy"
                )
            })?;
            Ok(((*part).to_owned(), Zeroizing::new(content.to_vec())))
        })
        .collect()
}

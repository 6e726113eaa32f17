//! Sealing anew after a new key-encryption key was added.

use identifiers::Supi;
use store::{Record as _, Shape};

use crate::credentials::CredentialError;
use crate::records::SubscriberRecord;
use crate::vault::Vault;

/// Walks all subscribers and seals with the newest key-encryption key what an older one has sealed; answers how
/// many sets that were. Vectors go on meanwhile. Afterwards the older key can be taken away.
///
/// # Errors
/// [`CredentialError`]; what was done stays done.
pub async fn rewrap(vault: &Vault) -> Result<usize, CredentialError> {
    let credentials = &vault.credentials;
    let mut count = 0;
    let mut from = None;
    loop {
        let page = credentials
            .store
            .tags(SubscriberRecord::KIND, Shape::Single, from.as_ref())
            .await?;
        for tag in page.tags {
            let supi = Supi::parse(tag.entity()).map_err(|_| CredentialError::damaged())?;
            let outdated = credentials.read(&supi).await?.is_some_and(|found| {
                found
                    .record
                    .sets
                    .iter()
                    .any(|set| set.is_alive() && credentials.sealer.is_outdated(&set.keys))
            });
            if outdated {
                count += credentials
                    .change::<_, CredentialError>(&supi, |subscriber| {
                        let mut done = 0;
                        for set in &mut subscriber.sets {
                            done += usize::from(credentials.rewrap(&supi, set)?);
                        }
                        Ok(done)
                    })
                    .await?;
            }
        }
        from = page.next;
        if from.is_none() {
            return Ok(count);
        }
    }
}

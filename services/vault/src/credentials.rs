//! Subscribers and their credential sets in the store.

use cause::Cause;
use identifiers::{CredentialSetId, DeviceId, Supi};
use secret::{K, Opc, SecretBytes};
use store::{Binding, Class, Field, Sealer, Store, Stored, Tag, Update};
use zeroize::Zeroizing;

use crate::records::{
    CredentialSetRecord, DeviceRecord, JUMPS, SQN, SubscriberRecord, WhereaboutsRecord,
};

/// Credentials could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The store failed, or a record in it is damaged.
    #[error("credentials cannot be stored")]
    Store(#[from] store::Error),
    /// Sealed keys do not open: another key-encryption key, or a moved or damaged record.
    #[error("stored credentials do not open")]
    Sealed(#[from] store::SealError),
}

impl CredentialError {
    /// The cause to answer with.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Store(error) => error.cause(),
            Self::Sealed(error) => error.cause(),
        }
    }

    pub(crate) const fn damaged() -> Self {
        Self::Store(store::Error::Corrupt { kind: "subscriber" })
    }
}

/// The keys of a credential set, in the clear.
pub(crate) struct Keys {
    pub(crate) k: K,
    pub(crate) opc: Opc,
}

/// Subscribers and credential sets of this vault.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) store: Store,
    pub(crate) sealer: Sealer,
}

impl Credentials {
    /// The subscriber of a SUPI.
    pub(crate) async fn read(
        &self,
        supi: &Supi,
    ) -> Result<Option<Stored<SubscriberRecord>>, CredentialError> {
        Ok(self.store.read(&self.tag(supi.as_text())?).await?)
    }

    /// The SUPI that the index names for a credential set; only the subscriber can confirm it.
    pub(crate) async fn supi_of(
        &self,
        id: &CredentialSetId,
    ) -> Result<Option<Supi>, CredentialError> {
        let found = self
            .store
            .read::<WhereaboutsRecord>(&self.tag(id.as_str())?)
            .await?;
        found
            .map(|found| Supi::parse(&found.record.supi).map_err(|_| CredentialError::damaged()))
            .transpose()
    }

    /// Names the SUPI of a credential set in the index.
    pub(crate) async fn index(
        &self,
        id: &CredentialSetId,
        supi: &Supi,
    ) -> Result<(), CredentialError> {
        let entry = WhereaboutsRecord {
            supi: supi.as_text().to_owned(),
        };
        self.store
            .update::<_, store::Error>(&self.tag(id.as_str())?, Class::Record, |found| {
                Ok(if found.is_some() {
                    Update::Keep
                } else {
                    Update::Put(entry.clone())
                })
            })
            .await?;
        Ok(())
    }

    /// Takes a credential epoch for a device: higher than any that the device had and than `floor`.
    pub(crate) async fn next_epoch(
        &self,
        device_id: &DeviceId,
        floor: u64,
    ) -> Result<u64, CredentialError> {
        let mut epoch = 0;
        self.store
            .update::<DeviceRecord, store::Error>(
                &self.tag(device_id.as_str())?,
                Class::Record,
                |found| {
                    let highest = found
                        .map_or(0, |found| found.record.credential_epoch)
                        .max(floor);
                    epoch = highest.saturating_add(1);
                    Ok(Update::Put(DeviceRecord {
                        credential_epoch: epoch,
                    }))
                },
            )
            .await?;
        Ok(epoch)
    }

    /// Changes a subscriber; `change` may be asked more than once and sees the record as it then is. Whatever the
    /// answer rests on is as safe as the class record promises when this returns.
    pub(crate) async fn change<T, E: From<CredentialError> + From<store::Error>>(
        &self,
        supi: &Supi,
        mut change: impl FnMut(&mut SubscriberRecord) -> Result<T, E>,
    ) -> Result<T, E> {
        let tag = self.tag(supi.as_text())?;
        let mut answer = None;
        let mut gone = Vec::new();
        let mut kept = false;
        self.store
            .update(
                &tag,
                Class::Record,
                |found: Option<&Stored<SubscriberRecord>>| {
                    let before = found.map(|found| found.record.clone()).unwrap_or_default();
                    let mut record = before.clone();
                    answer = Some(change(&mut record)?);
                    kept = record == before;
                    if kept {
                        return Ok(Update::Keep);
                    }
                    gone = dead(&record);
                    Ok::<_, E>(Update::Put(record))
                },
            )
            .await?;
        if !kept {
            self.forget_numbers(&tag, &gone).await?;
        }
        answer.ok_or_else(|| CredentialError::damaged().into())
    }

    /// Removes the numbers of sets that make no vector any more. After a crash before this they only lie there.
    async fn forget_numbers(&self, tag: &Tag, ids: &[String]) -> Result<(), CredentialError> {
        let mut transaction = self.store.transaction(tag, Class::Session);
        for id in ids {
            transaction.delete_field(sqn_field(id)?);
        }
        if !transaction.operations().is_empty() {
            self.store.commit(transaction).await?;
        }
        Ok(())
    }

    /// Orders a safety jump of all numbers.
    pub(crate) async fn order_jump(&self) -> Result<(), CredentialError> {
        let mut transaction = self.store.transaction(&self.own_tag()?, Class::Record);
        transaction.add(JUMPS, 1, None);
        self.store.commit(transaction).await?;
        Ok(())
    }

    /// How many safety jumps were ordered so far.
    pub(crate) async fn jumps(&self) -> Result<u64, CredentialError> {
        Ok(self.store.counter(&self.own_tag()?, JUMPS).await?.count)
    }

    /// Seals the keys of a set, bound to everything that says whose they are.
    pub(crate) fn seal(
        &self,
        supi: &Supi,
        set: &CredentialSetRecord,
        keys: &Keys,
    ) -> Result<Vec<u8>, CredentialError> {
        let mut octets = Zeroizing::new([0; K::LEN + Opc::LEN]);
        for (place, octet) in octets
            .iter_mut()
            .zip(keys.k.expose().iter().chain(keys.opc.expose()))
        {
            *place = *octet;
        }
        Ok(self.sealer.seal(octets.as_slice(), &binding(supi, set))?)
    }

    /// Opens the keys of a set.
    pub(crate) fn open(
        &self,
        supi: &Supi,
        set: &CredentialSetRecord,
    ) -> Result<Keys, CredentialError> {
        let octets: SecretBytes = self.sealer.unseal(&set.keys, &binding(supi, set))?;
        let (k, opc) = octets
            .expose()
            .split_at_checked(K::LEN)
            .ok_or_else(CredentialError::damaged)?;
        Ok(Keys {
            k: K::try_from_slice(k).map_err(|_| CredentialError::damaged())?,
            opc: Opc::try_from_slice(opc).map_err(|_| CredentialError::damaged())?,
        })
    }

    /// Seals the keys of a set with the newest key-encryption key, unless they are so already.
    pub(crate) fn rewrap(
        &self,
        supi: &Supi,
        set: &mut CredentialSetRecord,
    ) -> Result<bool, CredentialError> {
        let outdated = set.is_alive() && self.sealer.is_outdated(&set.keys);
        if outdated {
            set.keys = self.sealer.rewrap(&set.keys, &binding(supi, set))?;
        }
        Ok(outdated)
    }

    pub(crate) fn tag(&self, entity: &str) -> Result<Tag, CredentialError> {
        Ok(self.store.tag(entity).map_err(store::Error::from)?)
    }

    fn own_tag(&self) -> Result<Tag, CredentialError> {
        self.tag("vault")
    }
}

/// Where SEQ of a credential set is counted.
pub(crate) fn sqn_field(credential_set_id: &str) -> Result<Field, CredentialError> {
    Ok(SQN.named(credential_set_id).map_err(store::Error::from)?)
}

fn dead(record: &SubscriberRecord) -> Vec<String> {
    record
        .sets
        .iter()
        .filter(|set| !set.is_alive())
        .map(|set| set.credential_set_id.clone())
        .collect()
}

fn binding(supi: &Supi, set: &CredentialSetRecord) -> Binding {
    Binding::new("credential")
        .text(supi.as_text())
        .text(&set.credential_set_id)
        .number(set.credential_epoch)
        .text(&set.tenant_id)
        .text(&set.device_id)
}

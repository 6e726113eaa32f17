//! Contexts in the store: the truth at the SUPI, the index at the A-KID.

use akma::{AkmaContext, AnchorKey, Registered, Superseded};
use aws_lc_rs::digest;
use cause::Cause;
use data_encoding::HEXLOWER;
use identifiers::{AKid, Gpsi, Supi};
use secret::KAkma;
use store::{Binding, Class, Sealer, Store, Stored, Tag, Update};

use crate::records::{AKidRecord, AnchorKeyRecord, ContextRecord};

/// A context could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// The store failed.
    #[error("contexts cannot be stored or read")]
    Store(#[from] store::Error),
    /// A sealed key does not open: another key-encryption key, or a moved or damaged record.
    #[error("a stored anchor key does not open")]
    Sealed(#[from] store::SealError),
}

impl ContextError {
    /// The cause to answer with.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Store(error) => error.cause(),
            Self::Sealed(_) => Cause::Internal,
        }
    }
}

/// The contexts of all subscribers.
#[derive(Clone)]
pub struct Contexts {
    store: Store,
    sealer: Sealer,
}

impl Contexts {
    /// Contexts in this store, their keys sealed.
    pub const fn new(store: Store, sealer: Sealer) -> Self {
        Self { store, sealer }
    }

    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }

    /// The SUPI that the index names for an A-KID; only the context can confirm it.
    pub(crate) async fn supi_of(&self, a_kid: &AKid) -> Result<Option<Supi>, ContextError> {
        let found = self
            .store
            .read::<AKidRecord>(&self.a_kid_tag(a_kid)?)
            .await?;
        found
            .map(|found| parse_supi(&found.record.supi))
            .transpose()
    }

    /// Names the SUPI of an A-KID in the index. Answers the SUPI that holds it, another one if that was faster.
    pub(crate) async fn index(&self, a_kid: &AKid, supi: &Supi) -> Result<Supi, ContextError> {
        let entry = AKidRecord {
            supi: supi.as_text().to_owned(),
        };
        let held = self
            .store
            .update(&self.a_kid_tag(a_kid)?, Class::Record, |held| {
                Ok::<_, store::Error>(if held.is_some() {
                    Update::Keep
                } else {
                    Update::Put(entry.clone())
                })
            })
            .await?;
        held.map_or_else(|| Ok(supi.clone()), |held| parse_supi(&held.record.supi))
    }

    /// Removes A-KIDs that no context knows any more. A crash before this leaves entries that no reader believes.
    pub(crate) async fn forget(&self, a_kids: &[AKid]) -> Result<(), ContextError> {
        for a_kid in a_kids {
            let mut transaction = self
                .store
                .transaction(&self.a_kid_tag(a_kid)?, Class::Session);
            transaction.delete::<AKidRecord>();
            self.store.commit(transaction).await?;
        }
        Ok(())
    }

    /// The context of a SUPI.
    pub(crate) async fn read(&self, supi: &Supi) -> Result<Option<AkmaContext>, ContextError> {
        let found = self
            .store
            .read::<ContextRecord>(&self.supi_tag(supi)?)
            .await?;
        found
            .map(|found| self.open(supi, &found.record))
            .transpose()
    }

    /// Changes the context of a SUPI; `change` may be asked more than once and sees the context as it then is.
    pub(crate) async fn change<T, E: From<ContextError> + From<store::Error>>(
        &self,
        supi: &Supi,
        mut change: impl FnMut(&mut AkmaContext) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut answer = None;
        let tag = self.supi_tag(supi)?;
        self.store
            .update(
                &tag,
                Class::Record,
                |found: Option<&Stored<ContextRecord>>| {
                    let mut context = match found {
                        Some(found) => self.open(supi, &found.record)?,
                        None => AkmaContext::default(),
                    };
                    let before = context.clone();
                    let gpsi = found
                        .map(|found| found.record.gpsi.clone())
                        .unwrap_or_default();
                    answer = Some(change(&mut context)?);
                    if context == before {
                        return Ok(Update::Keep);
                    }
                    Ok::<_, E>(Update::Put(self.seal(supi, &context, gpsi)?))
                },
            )
            .await?;
        answer.ok_or_else(|| ContextError::Store(store::Error::Conflict { kind: "context" }).into())
    }

    fn seal(
        &self,
        supi: &Supi,
        context: &AkmaContext,
        gpsi_before: String,
    ) -> Result<ContextRecord, ContextError> {
        let current = context.current.as_ref();
        let gpsi = current.map_or(gpsi_before, |current| gpsi_text(&current.anchor_key));
        Ok(ContextRecord {
            authentication_epoch: context.authentication_epoch,
            current: current
                .map(|current| self.seal_key(supi, current))
                .transpose()?,
            previous: context
                .previous
                .as_ref()
                .map(|previous| self.seal_key(supi, &previous.registered))
                .transpose()?,
            previous_until_ms: context
                .previous
                .as_ref()
                .map(|previous| previous.until_ms)
                .unwrap_or_default(),
            gpsi,
        })
    }

    fn seal_key(
        &self,
        supi: &Supi,
        registered: &Registered,
    ) -> Result<AnchorKeyRecord, ContextError> {
        let key = &registered.anchor_key;
        Ok(AnchorKeyRecord {
            a_kid: key.a_kid.as_str().to_owned(),
            k_akma: self.sealer.seal(
                key.k_akma.expose(),
                &identity(supi, key.authentication_epoch),
            )?,
            gpsi: gpsi_text(key),
            authentication_epoch: key.authentication_epoch,
            registered_at_ms: registered.registered_at_ms,
        })
    }

    fn open(&self, supi: &Supi, record: &ContextRecord) -> Result<AkmaContext, ContextError> {
        let previous = record
            .previous
            .as_ref()
            .map(|previous| self.open_key(supi, previous))
            .transpose()?;
        Ok(AkmaContext {
            authentication_epoch: record.authentication_epoch,
            current: record
                .current
                .as_ref()
                .map(|current| self.open_key(supi, current))
                .transpose()?,
            previous: previous.map(|registered| Superseded {
                registered,
                until_ms: record.previous_until_ms,
            }),
        })
    }

    fn open_key(&self, supi: &Supi, record: &AnchorKeyRecord) -> Result<Registered, ContextError> {
        let octets = self
            .sealer
            .unseal(&record.k_akma, &identity(supi, record.authentication_epoch))?;
        let gpsi = match record.gpsi.as_str() {
            "" => None,
            text => Some(Gpsi::parse(text).map_err(|_| damaged())?),
        };
        Ok(Registered {
            anchor_key: AnchorKey {
                a_kid: AKid::parse(&record.a_kid).map_err(|_| damaged())?,
                k_akma: KAkma::try_from_slice(octets.expose()).map_err(|_| damaged())?,
                gpsi,
                authentication_epoch: record.authentication_epoch,
            },
            registered_at_ms: record.registered_at_ms,
        })
    }

    fn supi_tag(&self, supi: &Supi) -> Result<Tag, ContextError> {
        Ok(self.store.tag(supi.as_text()).map_err(store::Error::from)?)
    }

    fn a_kid_tag(&self, a_kid: &AKid) -> Result<Tag, ContextError> {
        let hash = digest::digest(&digest::SHA256, a_kid.as_str().as_bytes());
        Ok(self
            .store
            .tag(&HEXLOWER.encode(hash.as_ref()))
            .map_err(store::Error::from)?)
    }
}

fn gpsi_text(key: &AnchorKey) -> String {
    key.gpsi
        .as_ref()
        .map(|gpsi| gpsi.as_str().to_owned())
        .unwrap_or_default()
}

fn identity(supi: &Supi, authentication_epoch: u64) -> Binding {
    Binding::new("anchor-key")
        .text(supi.as_text())
        .number(authentication_epoch)
}

fn parse_supi(text: &str) -> Result<Supi, ContextError> {
    Supi::parse(text).map_err(|_| damaged())
}

const fn damaged() -> ContextError {
    ContextError::Store(store::Error::Corrupt { kind: "context" })
}

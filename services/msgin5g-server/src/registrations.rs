//! Registrations in the store.

use std::time::Duration;

use identifiers::{Gpsi, Supi, TenantId, UeServiceId};
use msgin5g::messages::{RegistrationRequest, Request};
use msgin5g::profile::ClientProfile;
use msgin5g::registration::{Registration, RegistrationVerdict};
use msgin5g::session::{SessionEpoch, UeId};
use msgin5g::values::ServiceIdentifier;
use msgin5g::{CONTENT_FORMAT_JSON, Timestamp};
use store::{Class, Error, Record as _, Store, Tag, Update};

use crate::ports::ue_id_text;
use crate::records::RegistrationRecord;

/// Registrations by UE Service ID.
pub(crate) struct Registrations {
    store: Store,
    /// Names this running server, so that sessions of other ones are not mistaken for its own.
    instance: [u8; 16],
}

/// A registration, and where its session is.
pub(crate) struct Located {
    pub(crate) registration: Registration,
    pub(crate) place: Place,
}

/// Where the session of a registration is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// At this running server, as far as the registration says.
    Here,
    /// At another one.
    At(Vec<u8>),
    /// It is over.
    Nowhere,
}

impl Registrations {
    pub(crate) const fn new(store: Store, instance: [u8; 16]) -> Self {
        Self { store, instance }
    }

    pub(crate) async fn read(&self, ue_service_id: &UeServiceId) -> Result<Option<Located>, Error> {
        let found = self
            .store
            .read::<RegistrationRecord>(&self.tag(ue_service_id)?)
            .await?;
        found
            .map(|found| self.open(ue_service_id, &found.record))
            .transpose()
    }

    /// Stores what `decide` makes of the present registration, if anything. Answers its verdict and the session that
    /// registered before.
    pub(crate) async fn decide(
        &self,
        ue_service_id: &UeServiceId,
        now: Timestamp,
        decide: impl Fn(Option<&Registration>) -> RegistrationVerdict,
    ) -> Result<(RegistrationVerdict, Option<SessionEpoch>), Error> {
        let mut answer = (RegistrationVerdict::Refused(cause::Cause::Internal), None);
        self.store
            .update(
                &self.tag(ue_service_id)?,
                Class::Session,
                |found: Option<&store::Stored<RegistrationRecord>>| {
                    let existing = found
                        .map(|found| self.open(ue_service_id, &found.record))
                        .transpose()?;
                    let before = existing
                        .as_ref()
                        .filter(|located| located.place == Place::Here);
                    let before = before.map(|located| located.registration.delivery);
                    let verdict = decide(existing.as_ref().map(|located| &located.registration));
                    let update = match &verdict {
                        RegistrationVerdict::Created(new) | RegistrationVerdict::Changed(new) => {
                            let left = new
                                .expires_at
                                .unix_seconds()
                                .saturating_sub(now.unix_seconds());
                            Update::PutFor(self.record(new), Duration::from_secs(left.max(1)))
                        }
                        RegistrationVerdict::Refused(_) => Update::Keep,
                    };
                    answer = (verdict, before);
                    Ok::<_, Error>(update)
                },
            )
            .await?;
        Ok(answer)
    }

    /// Ends a registration, durably; there may be none.
    pub(crate) async fn delete(&self, ue_service_id: &UeServiceId) -> Result<(), Error> {
        let mut transaction = self
            .store
            .transaction(&self.tag(ue_service_id)?, Class::Record);
        transaction.delete::<RegistrationRecord>();
        self.store.commit(transaction).await.map(drop)
    }

    /// Ends a registration if this UE holds it.
    pub(crate) async fn delete_of(
        &self,
        ue_service_id: &UeServiceId,
        ue_id: &UeId,
    ) -> Result<(), Error> {
        let tag = self.tag(ue_service_id)?;
        self.store
            .update(
                &tag,
                Class::Record,
                |found: Option<&store::Stored<RegistrationRecord>>| {
                    let own = found.is_some_and(|found| found.record.ue_id == ue_id_text(ue_id));
                    Ok::<_, Error>(if own { Update::Delete } else { Update::Keep })
                },
            )
            .await
            .map(drop)
    }

    /// Writes down that a session of this server is over, if the registration still names it.
    pub(crate) async fn detach(
        &self,
        ue_service_id: &UeServiceId,
        session: SessionEpoch,
        now: Timestamp,
    ) -> Result<(), Error> {
        let tag = self.tag(ue_service_id)?;
        self.store
            .update(
                &tag,
                Class::Session,
                |found: Option<&store::Stored<RegistrationRecord>>| {
                    let named = found.map(|found| &found.record).filter(|record| {
                        record.instance == self.instance && record.session == session.session
                    });
                    Ok::<_, Error>(named.map_or(Update::Keep, |record| {
                        let left = record.expires_at.saturating_sub(now.unix_seconds());
                        let record = RegistrationRecord {
                            instance: Vec::new(),
                            ..record.clone()
                        };
                        Update::PutFor(record, Duration::from_secs(left.max(1)))
                    }))
                },
            )
            .await
            .map(drop)
    }

    fn tag(&self, ue_service_id: &UeServiceId) -> Result<Tag, Error> {
        Ok(self.store.tag(ue_service_id.as_str())?)
    }

    fn record(&self, registration: &Registration) -> RegistrationRecord {
        let profile = RegistrationRequest {
            ue_service_id: registration.ue_service_id.clone(),
            profile: Some(registration.profile.clone()),
            requested_expiration: None,
        };
        RegistrationRecord {
            ue_id: ue_id_text(&registration.ue_id).to_owned(),
            tenant_id: registration.tenant_id.as_str().to_owned(),
            profile: profile.encode(&ServiceIdentifier::default()),
            instance: self.instance.to_vec(),
            session: registration.delivery.session,
            epoch: registration.delivery.epoch.into(),
            registered_at: registration.registered_at.unix_seconds(),
            refreshed_at: registration.refreshed_at.unix_seconds(),
            expires_at: registration.expires_at.unix_seconds(),
        }
    }

    fn open(
        &self,
        ue_service_id: &UeServiceId,
        record: &RegistrationRecord,
    ) -> Result<Located, Error> {
        let registration = parse(ue_service_id, record).ok_or(Error::Corrupt {
            kind: RegistrationRecord::KIND.as_str(),
        })?;
        let place = match record.instance.as_slice() {
            [] => Place::Nowhere,
            instance if instance == self.instance => Place::Here,
            instance => Place::At(instance.to_vec()),
        };
        Ok(Located {
            registration,
            place,
        })
    }
}

fn parse(ue_service_id: &UeServiceId, record: &RegistrationRecord) -> Option<Registration> {
    Some(Registration {
        ue_service_id: ue_service_id.clone(),
        ue_id: parse_ue_id(&record.ue_id)?,
        tenant_id: TenantId::parse(&record.tenant_id).ok()?,
        profile: profile(&record.profile)?,
        delivery: SessionEpoch {
            session: record.session,
            epoch: u16::try_from(record.epoch).ok()?,
        },
        registered_at: Timestamp::from_unix_seconds(record.registered_at),
        refreshed_at: Timestamp::from_unix_seconds(record.refreshed_at),
        expires_at: Timestamp::from_unix_seconds(record.expires_at),
    })
}

fn profile(body: &[u8]) -> Option<ClientProfile> {
    let request = Request::decode(
        &ServiceIdentifier::default(),
        Some(CONTENT_FORMAT_JSON),
        body,
    )
    .ok()?;
    match request {
        Request::Registration(request) => Some(request.profile.unwrap_or_default()),
        _ => None,
    }
}

/// Reads a SUPI or GPSI in text form.
pub(crate) fn parse_ue_id(text: &str) -> Option<UeId> {
    let supi = Supi::parse(text).map(UeId::Supi);
    supi.or_else(|_| Gpsi::parse(text).map(UeId::Gpsi)).ok()
}

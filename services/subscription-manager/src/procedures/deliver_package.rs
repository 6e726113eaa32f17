//! The device fetches its package: the same octets as long as its session lives.

use store::{Class, Error};

use super::find_session::FoundSession;
use crate::context::Context;
use crate::records::{DeliveryState, EnrolmentRecord};

/// A package as it is offered to a session.
pub(crate) struct OfferedPackage {
    pub(crate) octets: Vec<u8>,
    pub(crate) sha256: Vec<u8>,
}

/// The package of a session; `None` as long as none is sealed for it.
pub(crate) async fn offered_package(
    context: &Context,
    session: &FoundSession,
) -> Result<Option<OfferedPackage>, Error> {
    let found = context.store.read::<EnrolmentRecord>(&session.tag).await?;
    let delivery = found
        .as_ref()
        .and_then(|found| found.record.delivery_for(&session.name()));
    let delivery = delivery.filter(|delivery| !delivery.package.is_empty());
    Ok(delivery.map(|delivery| OfferedPackage {
        octets: delivery.package.clone(),
        sha256: delivery.package_sha256.clone(),
    }))
}

/// Notes that the package has been sent to the device.
#[tracing::instrument(skip_all, name = "subscription_manager.deliver_package")]
pub(crate) async fn note_fetched(context: &Context, session: &FoundSession) -> Result<(), Error> {
    let store = &context.store;
    loop {
        let Some(found) = store.read::<EnrolmentRecord>(&session.tag).await? else {
            return Ok(());
        };
        let mut next = found.record.clone();
        let Some(delivery) = next
            .delivery
            .as_mut()
            .filter(|delivery| delivery.session == session.name())
        else {
            return Ok(());
        };
        if delivery.state() != DeliveryState::Offered {
            return Ok(());
        }
        delivery.state = DeliveryState::Fetched.into();
        let mut transaction = store.transaction(&session.tag, Class::Session);
        transaction.put(&next).if_version(found.version);
        match store.commit(transaction).await {
            Err(error) if error.is_conflict() => tokio::task::yield_now().await,
            committed => return committed.map(drop),
        }
    }
}

//! Associations of UEs with a session, kept as long as their feed is alive.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use identifiers::{TenantId, UeServiceId};
use msgin5g::association::{Association, Associations as Known};
use msgin5g::session::UeId;
use nf_runtime::clock::Clock;

use crate::error::RequestError;
use crate::feed::Feed;
use crate::ports::{Associations, ue_id_text};

/// Associations by UE ID.
pub(crate) struct AssociationCache {
    port: Arc<dyn Associations>,
    feed: Feed,
    entries: Mutex<HashMap<String, Known>>,
}

impl AssociationCache {
    pub(crate) fn new(port: Arc<dyn Associations>, clock: Clock) -> Self {
        Self {
            port,
            feed: Feed::new(clock),
            entries: Mutex::default(),
        }
    }

    pub(crate) const fn feed(&self) -> &Feed {
        &self.feed
    }

    pub(crate) fn port(&self) -> Arc<dyn Associations> {
        Arc::clone(&self.port)
    }

    /// The associations of a UE ID: from the cache while its feed is trusted, otherwise from their holder.
    pub(crate) async fn get(&self, ue_id: &UeId) -> Result<Known, RequestError> {
        if self.feed.is_trusted()
            && let Some(known) = self.entries().get(ue_id_text(ue_id))
        {
            return Ok(known.clone());
        }
        self.fetch(ue_id).await
    }

    /// As [`get`](Self::get), with one that may be missing in the cache: the feed does not tell a gateway of devices that
    /// were just put behind it.
    pub(crate) async fn get_with(
        &self,
        ue_id: &UeId,
        ue_service_id: &UeServiceId,
    ) -> Result<Known, RequestError> {
        let known = self.get(ue_id).await?;
        if known.usable(ue_id, ue_service_id).is_some() {
            return Ok(known);
        }
        self.fetch(ue_id).await
    }

    async fn fetch(&self, ue_id: &UeId) -> Result<Known, RequestError> {
        let generation = self.feed.generation();
        let found = self.port.look_up_by_ue_id(ue_id).await;
        let known = Known::Known(found.map_err(|_| RequestError::Unchecked)?);
        let mut entries = self.entries();
        if self.feed.is_trusted() && self.feed.generation() == generation {
            entries.insert(ue_id_text(ue_id).to_owned(), known.clone());
        }
        Ok(known)
    }

    /// The tenant of a recipient; `None` if nobody holds the UE Service ID.
    pub(crate) async fn tenant_of(
        &self,
        ue_service_id: &UeServiceId,
    ) -> Result<Option<TenantId>, RequestError> {
        match self.port.resolve_service_id(ue_service_id).await {
            Ok(tenant_id) => Ok(Some(tenant_id)),
            Err(cause::Cause::NotFound) => Ok(None),
            Err(_) => Err(RequestError::Unchecked),
        }
    }

    /// Forgets what is known of these UE IDs and of every set that names one of them.
    pub(crate) fn forget(&self, ue_ids: &[String]) {
        let changed: HashSet<&str> = ue_ids.iter().map(String::as_str).collect();
        let mut entries = self.entries();
        entries.retain(|ue_id, known| !changed.contains(ue_id.as_str()) && !names(known, &changed));
        self.feed.renew();
    }

    /// Forgets everything.
    pub(crate) fn forget_all(&self) {
        let mut entries = self.entries();
        entries.clear();
        self.feed.renew();
    }

    /// Drops the entry of a UE that has no session any more.
    pub(crate) fn release(&self, ue_id: &UeId) {
        self.entries().remove(ue_id_text(ue_id));
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn names(known: &Known, changed: &HashSet<&str>) -> bool {
    let Known::Known(set) = known else {
        return false;
    };
    let of_row = |row: &Association| {
        let supi = row.supi.as_ref().map(identifiers::Supi::as_text);
        let gpsi = row.gpsi.as_ref().map(identifiers::Gpsi::as_str);
        [supi, gpsi]
            .into_iter()
            .flatten()
            .any(|id| changed.contains(id))
    };
    set.iter().any(of_row)
}

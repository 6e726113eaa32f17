//! The DTLS sessions that are open at this server.

use std::collections::{BTreeMap, HashMap};
use std::ops;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cause::Cause;
use identifiers::{TenantId, UeServiceId};
use msgin5g::session::{SessionBinding, SessionEpoch, UeId};

use crate::ports::{GetApplicationKey, ue_id_text};

/// The way to a UE in one session.
#[async_trait]
pub(crate) trait Line: Send + Sync + 'static {
    /// Posts a body to the UE; answers the code of its answer, `None` where none came.
    async fn push(&self, body: Vec<u8>) -> Option<u8>;
    /// Ends the session because the UE lost its right to it.
    async fn end(&self);
}

/// The UE of a session, as the AAnF knows it.
#[derive(Clone)]
pub(crate) struct KnownUe {
    /// The UE ID.
    pub(crate) ue_id: UeId,
    /// How the key was asked for.
    pub(crate) key: GetApplicationKey,
    /// Generation of the feed of contexts in which the AAnF gave the key.
    pub(crate) confirmed_in: u64,
}

/// One session.
pub(crate) struct LiveSession {
    at: SessionEpoch,
    ue: KnownUe,
    line: Box<dyn Line>,
    binding: Mutex<SessionBinding>,
    key_confirmed: AtomicU64,
    associations_confirmed: AtomicU64,
    owed: AtomicBool,
}

impl LiveSession {
    pub(crate) fn new(at: SessionEpoch, ue: KnownUe, line: Box<dyn Line>) -> Self {
        Self {
            at,
            line,
            binding: Mutex::new(SessionBinding::new(at, ue.ue_id.clone())),
            key_confirmed: AtomicU64::new(ue.confirmed_in),
            associations_confirmed: AtomicU64::new(0),
            owed: AtomicBool::new(false),
            ue,
        }
    }

    pub(crate) const fn at(&self) -> SessionEpoch {
        self.at
    }

    pub(crate) const fn ue(&self) -> &KnownUe {
        &self.ue
    }

    pub(crate) fn line(&self) -> &dyn Line {
        &*self.line
    }

    /// The binding set as it is now.
    pub(crate) fn binding(&self) -> SessionBinding {
        self.locked().clone()
    }

    pub(crate) fn binds(&self, ue_service_id: &UeServiceId) -> bool {
        self.locked().bound().any(|bound| bound == ue_service_id)
    }

    pub(crate) fn key_confirmed_in(&self, generation: u64) -> bool {
        self.key_confirmed.load(Ordering::Acquire) >= generation
    }

    pub(crate) fn confirm_key(&self, generation: u64) {
        self.key_confirmed.fetch_max(generation, Ordering::AcqRel);
    }

    pub(crate) fn associations_confirmed_in(&self, generation: u64) -> bool {
        self.associations_confirmed.load(Ordering::Acquire) >= generation
    }

    pub(crate) fn confirm_associations(&self, generation: u64) {
        self.associations_confirmed
            .fetch_max(generation, Ordering::AcqRel);
    }

    /// Notes that something waits for an endpoint of this session although it is here.
    pub(crate) fn owe(&self) {
        self.owed.store(true, Ordering::Release);
    }

    /// Whether something waited; asked when the UE shows itself.
    pub(crate) fn take_owed(&self) -> bool {
        self.owed.swap(false, Ordering::AcqRel)
    }

    fn locked(&self) -> MutexGuard<'_, SessionBinding> {
        self.binding.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All sessions.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<Table>);

#[derive(Default)]
struct Table {
    by_id: HashMap<u64, Arc<LiveSession>>,
    by_ue: HashMap<String, Vec<u64>>,
    by_endpoint: BTreeMap<UeServiceId, Bound>,
}

/// An endpoint that is bound to sessions.
#[derive(Default)]
struct Bound {
    sessions: Vec<u64>,
    /// The newest message that a delivery has looked at.
    seen: Option<String>,
}

/// A session that was removed.
pub(crate) struct Removed {
    pub(crate) session: Arc<LiveSession>,
    /// Its UE has no other.
    pub(crate) was_last: bool,
}

impl Sessions {
    pub(crate) fn insert(&self, session: LiveSession) {
        let mut table = self.locked();
        let id = session.at().session;
        let ue_id = ue_id_text(&session.ue().ue_id).to_owned();
        table.by_ue.entry(ue_id).or_default().push(id);
        table.by_id.insert(id, Arc::new(session));
    }

    /// Removes a session.
    pub(crate) fn remove(&self, id: u64) -> Option<Removed> {
        let mut table = self.locked();
        let session = table.by_id.remove(&id)?;
        for endpoint in session.binding().bound() {
            table.unbind(endpoint, id);
        }
        let ue_id = ue_id_text(&session.ue().ue_id);
        let left = table.by_ue.get_mut(ue_id).is_some_and(|ids| {
            ids.retain(|other| *other != id);
            !ids.is_empty()
        });
        if !left {
            table.by_ue.remove(ue_id);
        }
        Some(Removed {
            session,
            was_last: !left,
        })
    }

    /// Binds an endpoint to a session, unless that is over already.
    pub(crate) fn bind(
        &self,
        session: &LiveSession,
        ue_service_id: &UeServiceId,
        tenant_id: TenantId,
    ) {
        let mut table = self.locked();
        let id = session.at().session;
        if table.by_id.contains_key(&id) {
            let bound = table.by_endpoint.entry(ue_service_id.clone()).or_default();
            if !bound.sessions.contains(&id) {
                bound.sessions.push(id);
            }
        }
        session.locked().bind(ue_service_id.clone(), tenant_id);
    }

    pub(crate) fn unbind(&self, session: &LiveSession, ue_service_id: &UeServiceId) {
        let mut table = self.locked();
        table.unbind(ue_service_id, session.at().session);
        session.locked().unbind(ue_service_id);
    }

    /// Whether an endpoint is bound here and a delivery to it has not looked at this message yet.
    pub(crate) fn awaits(&self, endpoint: &UeServiceId, name: &str) -> bool {
        let table = self.locked();
        let bound = table.by_endpoint.get(endpoint);
        bound.is_some_and(|bound| bound.seen.as_deref() < Some(name))
    }

    /// Notes that a delivery has looked at a message and all before it.
    pub(crate) fn saw(&self, endpoint: &UeServiceId, name: &str) {
        if let Some(bound) = self.locked().by_endpoint.get_mut(endpoint)
            && bound.seen.as_deref() < Some(name)
        {
            bound.seen = Some(name.to_owned());
        }
    }

    /// Some of the endpoints that are bound here, each with the newest message that was looked at.
    pub(crate) fn endpoints(
        &self,
        after: Option<&UeServiceId>,
        limit: usize,
    ) -> Vec<(UeServiceId, Option<String>)> {
        let from = after.map_or(ops::Bound::Unbounded, ops::Bound::Excluded);
        let table = self.locked();
        let behind = table
            .by_endpoint
            .range::<UeServiceId, _>((from, ops::Bound::Unbounded));
        behind
            .take(limit)
            .map(|(endpoint, bound)| (endpoint.clone(), bound.seen.clone()))
            .collect()
    }

    /// How many endpoints are bound here.
    pub(crate) fn endpoint_count(&self) -> usize {
        self.locked().by_endpoint.len()
    }

    /// The session of a request.
    ///
    /// # Errors
    /// [`Cause::Unauthenticated`] if it is over.
    pub(crate) fn of(&self, id: u64) -> Result<Arc<LiveSession>, Cause> {
        self.get(id).ok_or(Cause::Unauthenticated)
    }

    pub(crate) fn get(&self, id: u64) -> Option<Arc<LiveSession>> {
        self.locked().by_id.get(&id).cloned()
    }

    /// The sessions of UEs.
    pub(crate) fn of_ues(&self, ue_ids: &[String]) -> Vec<Arc<LiveSession>> {
        let table = self.locked();
        ue_ids
            .iter()
            .filter_map(|ue_id| table.by_ue.get(ue_id))
            .flatten()
            .filter_map(|id| table.by_id.get(id).cloned())
            .collect()
    }

    pub(crate) fn all(&self) -> Vec<Arc<LiveSession>> {
        self.locked().by_id.values().cloned().collect()
    }

    fn locked(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn unbind(&mut self, endpoint: &UeServiceId, session: u64) {
        if let Some(bound) = self.by_endpoint.get_mut(endpoint) {
            bound.sessions.retain(|other| *other != session);
            if bound.sessions.is_empty() {
                self.by_endpoint.remove(endpoint);
            }
        }
    }
}

//! The state that all procedures share.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::{StreamExt as _, stream};
use identifiers::{Fqdn, UeServiceId};
use msgin5g::Timestamp;
use msgin5g::delivery::StoragePolicy;
use msgin5g::registration::RegistrationPolicy;
use msgin5g::values::ServiceIdentifier;
use nf_api::NetworkFunction;
use nf_runtime::Runtime;
use nf_runtime::clock::Clock;
use nf_runtime::lifecycle::Lifecycle;
use nf_runtime::metrics::ProcedureMetrics;
use tokio::sync::Notify;

use crate::associations::AssociationCache;
use crate::attention::Attention;
use crate::config::Msgin5gServerConfig;
use crate::contexts::Contexts;
use crate::error::RequestError;
use crate::metrics::Deliveries;
use crate::procedures::deliver::deliver;
use crate::queue::Queue;
use crate::registrations::Registrations;
use crate::replicas::Replicas;
use crate::sessions::{LiveSession, Sessions};
use crate::{BuildError, Ports};

/// The server.
pub(crate) struct Server {
    pub(crate) service: ServiceIdentifier,
    /// Its own name first.
    pub(crate) af_fqdns: Vec<Fqdn>,
    pub(crate) registration_policy: RegistrationPolicy,
    pub(crate) storage_policy: StoragePolicy,
    pub(crate) contexts: Contexts,
    pub(crate) associations: AssociationCache,
    pub(crate) sessions: Sessions,
    pub(crate) replicas: Replicas,
    pub(crate) registrations: Registrations,
    pub(crate) queue: Queue,
    pub(crate) deliveries: Deliveries,
    pub(crate) procedures: ProcedureMetrics,
    identity_timeout: Duration,
    clock: Clock,
    lifecycle: Lifecycle,
    delivering: Mutex<HashMap<UeServiceId, Arc<Attention>>>,
    /// Recipients of messages that may not wait and were left to other servers.
    handed_over: Mutex<HashSet<UeServiceId>>,
    /// Hints of messages may have been missed.
    pub(crate) missed: Notify,
}

impl Server {
    pub(crate) fn new(
        config: &Msgin5gServerConfig,
        ports: Ports,
        runtime: &Runtime,
    ) -> Result<Self, BuildError> {
        let names = config.af_fqdns.iter().map(|name| Fqdn::parse(name));
        let af_fqdns = names.collect::<Result<Vec<_>, _>>()?;
        if af_fqdns.is_empty() {
            return Err(BuildError::NoFqdn);
        }
        let limit = config.max_stored_messages.min(store::MAX_ROWS);
        let replicas = Replicas::new(ports.store.clone(), runtime.random.array());
        Ok(Self {
            service: ServiceIdentifier::parse(&config.service_identifier)
                .map_err(BuildError::ServiceIdentifier)?,
            af_fqdns,
            registration_policy: RegistrationPolicy {
                lifetime: config.registration_lifetime,
            },
            storage_policy: StoragePolicy {
                default: config.storage_default,
                longest: config.storage_longest,
            },
            contexts: Contexts::new(ports.application_keys, runtime.clock.clone()),
            associations: AssociationCache::new(ports.associations, runtime.clock.clone()),
            sessions: Sessions::default(),
            registrations: Registrations::new(ports.store.clone(), replicas.instance()),
            replicas,
            queue: Queue::new(ports.store, limit),
            deliveries: Deliveries::register(runtime),
            procedures: runtime
                .metrics
                .procedures(NetworkFunction::Msgin5gServer)
                .known(&PROCEDURES),
            identity_timeout: config.association_timeout,
            clock: runtime.clock.clone(),
            lifecycle: runtime.lifecycle.clone(),
            delivering: Mutex::default(),
            handed_over: Mutex::default(),
            missed: Notify::new(),
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.clock.unix_seconds())
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.unix_ms()
    }

    /// Gives the questions about an identity, all together, the time that they may take.
    pub(crate) async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, RequestError>> + Send,
    ) -> Result<T, RequestError> {
        tokio::time::timeout(self.identity_timeout, work)
            .await
            .unwrap_or(Err(RequestError::Unchecked))
    }

    /// Makes sure that the key of a session and its bindings still stand.
    pub(crate) async fn confirm(&self, session: &LiveSession) -> Result<(), RequestError> {
        self.contexts.confirm(session).await?;
        self.confirm_bindings(session).await
    }

    /// Unbinds what is no longer associated, unless the feed vouches for the bindings.
    async fn confirm_bindings(&self, session: &LiveSession) -> Result<(), RequestError> {
        let feed = self.associations.feed();
        let generation = feed.generation();
        if feed.is_trusted() && session.associations_confirmed_in(generation) {
            return Ok(());
        }
        let binding = session.binding();
        if binding.bound().next().is_some() {
            let known = self.associations.get(binding.ue_id()).await?;
            for bound in binding.bound() {
                if known.usable(binding.ue_id(), bound).is_none() {
                    self.sessions.unbind(session, bound);
                    self.registrations.delete_of(bound, binding.ue_id()).await?;
                    tracing::info!(
                        ue_service_id = %bound.redacted(),
                        "association closed, endpoint unbound"
                    );
                }
            }
        }
        session.confirm_associations(generation);
        Ok(())
    }

    /// Delivers what waits for a recipient, in the background and one after the other.
    pub(crate) fn kick(self: &Arc<Self>, recipient: &UeServiceId) {
        self.attend(recipient, None);
    }

    /// Delivers a message that somebody spoke of, if its recipient is bound here and it was not looked at yet.
    pub(crate) fn hinted(self: &Arc<Self>, recipient: &UeServiceId, name: &str) {
        if self.sessions.awaits(recipient, name) {
            self.attend(recipient, Some(name));
        }
    }

    fn attend(self: &Arc<Self>, recipient: &UeServiceId, name: Option<&str>) {
        let attention = Arc::<Attention>::default();
        attention.ask(name);
        {
            let mut delivering = self.delivering();
            if let Some(under_way) = delivering.get(recipient) {
                under_way.ask(name);
                return;
            }
            delivering.insert(recipient.clone(), Arc::clone(&attention));
        }
        let server = Arc::clone(self);
        let recipient = recipient.clone();
        let stop = self.lifecycle.token();
        self.lifecycle.spawn("msgin5g delivery", async move {
            let mut pause = FIRST_PAUSE;
            loop {
                let newest = attention.take();
                let delivering = deliver(&server, &recipient, &attention);
                let delivered = stop.run_until_cancelled(delivering).await;
                if let Some(Err(_)) = delivered {
                    stop.run_until_cancelled(tokio::time::sleep(pause)).await;
                    pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                    continue;
                }
                // What is not there any more was delivered by somebody else.
                if let Some(newest) = newest {
                    server.sessions.saw(&recipient, &newest);
                }
                let mut delivering = server.delivering();
                let is_unseen = |name: &str| server.sessions.awaits(&recipient, name);
                if delivered.is_none() || !attention.is_asked(is_unseen) {
                    delivering.remove(&recipient);
                    return;
                }
            }
        });
    }

    /// Confirms sessions ahead of their next request, in the background. What cannot be confirmed now is tried again by
    /// that request.
    pub(crate) fn confirm_ahead(self: &Arc<Self>, sessions: Vec<Arc<LiveSession>>) {
        let server = Arc::clone(self);
        let stop = self.lifecycle.token();
        self.lifecycle.spawn("msgin5g confirmation", async move {
            let confirm = |session: Arc<LiveSession>| {
                let server = Arc::clone(&server);
                async move {
                    let confirmed = server.in_time(server.confirm(&session)).await;
                    tracing::debug!(
                        cause = confirmed.err().map(|error| error.cause().name()),
                        "session confirmed ahead"
                    );
                }
            };
            let all = stream::iter(sessions).for_each_concurrent(CONCURRENCY, confirm);
            stop.run_until_cancelled(all).await;
        });
    }

    /// Tells a delivery under way that the registration of its recipient has changed.
    pub(crate) fn moved(&self, recipient: &UeServiceId) {
        if let Some(under_way) = self.delivering().get(recipient) {
            under_way.moved.send_replace(());
        }
    }

    /// The same for every delivery under way, when changes may have been missed.
    pub(crate) fn all_moved(&self) {
        for under_way in self.delivering().values() {
            under_way.moved.send_replace(());
        }
    }

    /// Keeps an eye on a message that may not wait and was left to another server. Where too many are, the sweep of
    /// expired messages has to do.
    pub(crate) fn hand_over(&self, recipient: &UeServiceId) {
        let mut handed_over = self.handed_over_set();
        if handed_over.len() < MAX_HANDED_OVER {
            handed_over.insert(recipient.clone());
        }
    }

    /// The recipients of messages that were handed over.
    pub(crate) fn handed_over(&self) -> Vec<UeServiceId> {
        self.handed_over_set().iter().cloned().collect()
    }

    /// Ends the watch over a recipient, before it is asked whether something still waits: what is handed over in
    /// between is watched again.
    pub(crate) fn take_back(&self, recipient: &UeServiceId) {
        self.handed_over_set().remove(recipient);
    }

    fn handed_over_set(&self) -> MutexGuard<'_, HashSet<UeServiceId>> {
        self.handed_over
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn delivering(&self) -> MutexGuard<'_, HashMap<UeServiceId, Arc<Attention>>> {
        self.delivering
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Between attempts of a delivery that failed for want of the store or of a peer.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Recipients of handed-over messages that are watched.
const MAX_HANDED_OVER: usize = 10_000;

/// Sessions confirmed at a time.
const CONCURRENCY: usize = 64;

/// Procedures that the metrics show from the start.
const PROCEDURES: [&str; 8] = [
    "find_application_key",
    "register",
    "deregister",
    "accept_message",
    "accept_report",
    "deliver",
    "expire",
    "read_request",
];

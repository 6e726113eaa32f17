//! Limited sessions that the gateway carries: what they may reach, for how long, how much.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cause::Cause;
use identifiers::OnboardingSession;
use nf_api::convert;
use nf_api::pb::access_gateway::LimitedConnectivity;
use nf_api::pb::ausf::LimitedSession;
use nf_api::pb::subscription_manager::EndSessionRequest;
use nf_api::pb::subscription_manager::session_service_client::SessionServiceClient;
use nf_api::status::cause_of;
use nf_runtime::Runtime;
use nf_runtime::grpc::Channel;
use tokio::net::{TcpListener, UdpSocket, lookup_host};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::source_ports::PortBlock;
use crate::{connect, relay};

/// All sessions that are carried. Clones share them.
#[derive(Clone)]
pub(crate) struct Sessions(Arc<Inner>);

struct Inner {
    /// Address of relays and listeners, and source of what leaves.
    ip: IpAddr,
    runtime: Runtime,
    subscription_manager: Channel,
    carried: Mutex<HashMap<OnboardingSession, Carried>>,
    /// Sessions that ended here not long ago, and when.
    over: Mutex<HashMap<OnboardingSession, Instant>>,
    /// When the subscription manager was last heard of.
    heard: Mutex<Instant>,
}

struct Carried {
    connectivity: LimitedConnectivity,
    ended: CancellationToken,
}

/// One session, as its relay and its tunnels see it.
pub(crate) struct Session {
    sessions: Sessions,
    pub(crate) ports: Arc<PortBlock>,
    pub(crate) allowed_targets: Vec<String>,
    /// Octets that may still pass, both directions together.
    quota: AtomicU64,
    /// Something did not pass because of the quota.
    exhausted: AtomicBool,
    /// Cancelled when the session ends.
    pub(crate) ended: CancellationToken,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Its time is over.
    Expired,
    /// The subscription manager says so.
    Told,
    /// It has used its quota up.
    Quota,
}

impl Sessions {
    pub(crate) fn new(ip: IpAddr, subscription_manager: Channel, runtime: Runtime) -> Self {
        Self(Arc::new(Inner {
            ip,
            runtime,
            subscription_manager,
            carried: Mutex::default(),
            over: Mutex::default(),
            heard: Mutex::new(Instant::now()),
        }))
    }

    /// Opens a session's ways; the same session again has the same ones while it lives. A repeated Proof brings the
    /// same Accept for a while, but no session back that has ended, with its time or its quota.
    ///
    /// # Errors
    /// [`Cause::MandatoryElementIncorrect`] if the session is not as defined, [`Cause::LimitedSessionExpired`],
    /// [`Cause::Overloaded`], [`Cause::UpstreamFailure`] if the provisioning server has no address.
    pub(crate) async fn open(
        &self,
        limits: LimitedSession,
        ports: Arc<PortBlock>,
    ) -> Result<LimitedConnectivity, Cause> {
        let id = convert::session(&limits.session)?;
        if let Some(carried) = self.carried().get(&id) {
            return Ok(carried.connectivity.clone());
        }
        if self.over().contains_key(&id) {
            return Err(Cause::LimitedSessionExpired);
        }
        let expires_ms = convert::unix_ms(limits.expires_at)?;
        let left = expires_ms.saturating_sub(self.0.runtime.clock.unix_ms());
        if left == 0 {
            return Err(Cause::LimitedSessionExpired);
        }
        let server = self.resolve(&limits.provisioning_server).await?;
        let here = SocketAddr::new(self.0.ip, 0);
        let device_side = UdpSocket::bind(here).await.map_err(|_| Cause::Overloaded)?;
        let listener = TcpListener::bind(here)
            .await
            .map_err(|_| Cause::Overloaded)?;
        let addresses = (device_side.local_addr(), listener.local_addr());
        let (Ok(relay_address), Ok(proxy_address)) = addresses else {
            return Err(Cause::Overloaded);
        };
        let connectivity = LimitedConnectivity {
            provisioning_relay: relay_address.to_string(),
            connect_proxy: proxy_address.to_string(),
        };
        let ended = self.0.runtime.lifecycle.token().child_token();
        {
            let mut carried = self.carried();
            // Another exchange of the same device may have been faster.
            if let Some(carried) = carried.get(&id) {
                return Ok(carried.connectivity.clone());
            }
            carried.insert(
                id,
                Carried {
                    connectivity: connectivity.clone(),
                    ended: ended.clone(),
                },
            );
        }
        let session = Arc::new(Session {
            sessions: self.clone(),
            ports,
            allowed_targets: limits
                .allowed_targets
                .iter()
                .map(|target| target.to_ascii_lowercase())
                .collect(),
            quota: AtomicU64::new(limits.quota_bytes),
            exhausted: AtomicBool::new(false),
            ended,
        });
        let lifecycle = &self.0.runtime.lifecycle;
        lifecycle.spawn(
            "limited session relay",
            relay::run(device_side, server, Arc::clone(&session)),
        );
        lifecycle.spawn(
            "limited session tunnels",
            connect::run(listener, Arc::clone(&session)),
        );
        let left = Duration::from_millis(left).min(LONGEST_SESSION);
        lifecycle.spawn("limited session", self.clone().guard(id, left, session));
        info!(session = %id.redacted(), seconds = left.as_secs(), "limited session opened");
        Ok(connectivity)
    }

    /// Ends a session at its time, and forgets it however it ended.
    async fn guard(self, id: OnboardingSession, left: Duration, session: Arc<Session>) {
        tokio::select! {
            () = sleep(left) => self.end(&id, End::Expired),
            () = session.ended.cancelled() => {}
        }
        if session.exhausted.load(Ordering::Relaxed) {
            self.end(&id, End::Quota);
            self.report_end(&id).await;
        }
        self.carried().remove(&id);
    }

    /// Tells the subscription manager that a session has ended here.
    async fn report_end(&self, id: &OnboardingSession) {
        let mut client = SessionServiceClient::new(self.0.subscription_manager.clone());
        let request = EndSessionRequest {
            session: id.as_bytes().to_vec(),
        };
        if let Err(status) = client.end(request).await {
            let cause = cause_of(&status).name();
            warn!(session = %id.redacted(), cause, "end of a limited session not reported");
        }
    }

    /// Ends a session; one that is not carried has ended.
    pub(crate) fn end(&self, id: &OnboardingSession, why: End) {
        if let Some(carried) = self.carried().remove(id) {
            let mut over = self.over();
            over.retain(|_, ended| ended.elapsed() < REMEMBERED);
            over.insert(*id, Instant::now());
            drop(over);
            carried.ended.cancel();
            info!(session = %id.redacted(), ?why, "limited session ended");
        }
    }

    /// The sessions that are carried now.
    pub(crate) fn list(&self) -> Vec<OnboardingSession> {
        self.carried().keys().copied().collect()
    }

    /// The subscription manager is there, and would have said so if a session had ended.
    pub(crate) fn heard(&self) {
        *self.0.heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Whether what is known of the sessions is recent enough to act on.
    fn is_current(&self) -> bool {
        let heard = *self.0.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.elapsed() <= SILENCE
    }

    fn over(&self) -> MutexGuard<'_, HashMap<OnboardingSession, Instant>> {
        self.0.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn carried(&self) -> MutexGuard<'_, HashMap<OnboardingSession, Carried>> {
        self.0
            .carried
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The first address of a target in the family that the gateway relays in.
    async fn resolve(&self, target: &str) -> Result<SocketAddr, Cause> {
        let found = timeout(RESOLVE_LIMIT, lookup_host(target)).await;
        let mut found = found
            .map_err(|_| Cause::UpstreamFailure)?
            .map_err(|_| Cause::UpstreamFailure)?;
        found
            .find(|address| address.is_ipv4() == self.0.ip.is_ipv4())
            .ok_or(Cause::UpstreamFailure)
    }
}

impl Session {
    /// Source address of what leaves.
    pub(crate) fn source_ip(&self) -> IpAddr {
        self.sessions.0.ip
    }

    /// Whether something may pass now.
    pub(crate) fn is_open(&self) -> bool {
        !self.ended.is_cancelled() && self.sessions.is_current()
    }

    /// Takes octets from the quota; `false`, and the end of the session, when it does not suffice.
    pub(crate) fn spend(&self, octets: usize) -> bool {
        let octets = u64::try_from(octets).unwrap_or(u64::MAX);
        let spent = self
            .quota
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(octets)
            });
        if spent.is_err() && !self.ended.is_cancelled() {
            self.exhausted.store(true, Ordering::Relaxed);
            self.ended.cancel();
        }
        spent.is_ok()
    }

    /// Addresses of an allowed target.
    pub(crate) async fn resolve(&self, target: &str) -> Result<SocketAddr, Cause> {
        self.sessions.resolve(target).await
    }

    pub(crate) fn spawn(
        &self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        self.sessions.0.runtime.lifecycle.spawn(name, task);
    }
}

const RESOLVE_LIMIT: Duration = Duration::from_secs(3);
/// However far away the subscription manager says that the end is.
const LONGEST_SESSION: Duration = Duration::from_secs(60 * 60);
/// How long it is remembered that a session has ended: longer than a Proof may be repeated.
const REMEMBERED: Duration = Duration::from_secs(5 * 60);
/// So long without a word of the subscription manager, nothing passes any more.
const SILENCE: Duration = Duration::from_secs(5);

//! The replicas of one function, and which of them gets a call.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use http::{Request, Response};
use nf_api::NetworkFunction;
use tokio::time::{Instant, sleep, timeout};
use tonic::Status;
use tonic::body::Body;

use super::backend::{Backend, Failure, HASTE};
use super::retry::Unanswered;
use super::targets::{Resolver, Targets};
use crate::grpc::deadline::Deadline;
use crate::grpc::wire;
use crate::lifecycle::Lifecycle;
use crate::runtime::Runtime;
use crate::tls::TlsIdentity;

/// All replicas of one function. Calls go round; a replica that cannot be reached is passed over, which
/// is safe for every RPC, since the call has not been sent.
#[derive(Clone)]
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    targets: Targets,
    resolver: Arc<dyn Resolver>,
    identity: TlsIdentity,
    callee: NetworkFunction,
    lifecycle: Lifecycle,
    resolve_interval: Duration,
    known: Mutex<Known>,
    /// Held while the name service is asked.
    resolving: tokio::sync::Mutex<()>,
    turn: AtomicUsize,
}

struct Known {
    /// Addresses of each target, as they were answered last.
    addresses: Vec<BTreeSet<SocketAddr>>,
    backends: Vec<Arc<Backend>>,
    /// When the name service was asked last.
    asked: Option<Instant>,
    /// A replica was not reached since.
    is_doubtful: bool,
    /// Since when no replica has been reached.
    away_since: Option<Instant>,
}

impl Known {
    fn is_due(&self, interval: Duration) -> bool {
        let interval = match self.is_doubtful || self.backends.is_empty() {
            true => interval.min(SOONEST),
            false => interval,
        };
        self.asked.is_none_or(|at| at.elapsed() >= interval)
    }
}

impl Pool {
    pub(super) fn new(
        targets: Targets,
        resolver: Arc<dyn Resolver>,
        identity: TlsIdentity,
        callee: NetworkFunction,
        runtime: &Runtime,
    ) -> Self {
        let known = Known {
            addresses: vec![BTreeSet::new(); targets.count()],
            backends: Vec::new(),
            asked: None,
            is_doubtful: false,
            away_since: None,
        };
        Self(Arc::new(Inner {
            targets,
            resolver,
            identity,
            callee,
            lifecycle: runtime.lifecycle.clone(),
            resolve_interval: runtime.grpc.resolve_interval,
            known: Mutex::new(known),
            resolving: tokio::sync::Mutex::default(),
            turn: AtomicUsize::new(0),
        }))
    }

    /// Sends a call to one replica. Where none can be reached, a call with a deadline waits until half of its time
    /// is over, because a replica may be starting, perhaps at another address; not so if the function has been
    /// away for long, as every caller would wait then.
    pub(super) async fn send(
        &self,
        mut request: Request<Body>,
        deadline: Option<Deadline>,
    ) -> Result<Response<Body>, Unanswered> {
        let patience = deadline.map(|deadline| Instant::now() + deadline.remaining() / 2);
        let mut pause = FIRST_PAUSE;
        loop {
            if let Some(deadline) = deadline {
                wire::set_timeout(request.headers_mut(), deadline.remaining());
            }
            let (unsent, status) = match self.send_once(request).await {
                Ok(response) => {
                    self.0.known().away_since = None;
                    return Ok(response);
                }
                Err(Failure::Sent(status)) => {
                    self.doubt();
                    return Err(Unanswered {
                        status,
                        may_repeat: true,
                    });
                }
                Err(Failure::Unsent {
                    request, status, ..
                }) => (request, status),
            };
            let is_worth_it = self.is_away_shortly();
            if !is_worth_it || patience.is_none_or(|until| Instant::now() + pause >= until) {
                return Err(Unanswered {
                    status,
                    may_repeat: false,
                });
            }
            sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
            request = *unsent;
        }
    }

    /// Offers a call to one replica after the other, until one takes it.
    async fn send_once(&self, request: Request<Body>) -> Result<Response<Body>, Failure> {
        let mut failure = Failure::Unsent {
            request: Box::new(request),
            status: Status::unavailable("the host name of the callee has no address"),
            is_slow: false,
        };
        let mut slow = Vec::new();
        let mut next = VecDeque::from(self.in_turn().await);
        let tried = next.clone();
        let mut may_ask = true;
        while let Some(backend) = next.pop_front() {
            let Failure::Unsent { request, .. } = failure else {
                return Err(failure);
            };
            failure = match backend.send(*request, true).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            self.doubt();
            if let Failure::Unsent { is_slow: true, .. } = failure {
                slow.push(backend);
            }
            if next.is_empty() && !slow.is_empty() && may_ask {
                may_ask = false;
                next = self.newcomers(&tried).await;
            }
        }
        // Whoever takes its time is better than nobody.
        for backend in slow {
            let Failure::Unsent { request, .. } = failure else {
                return Err(failure);
            };
            failure = match backend.send(*request, false).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
        }
        Err(failure)
    }

    /// The replicas in the order in which they are tried. Those that failed a moment ago come last, not never:
    /// they may be all there are.
    async fn in_turn(&self) -> Vec<Arc<Backend>> {
        let mut backends = self.backends().await;
        if !backends.is_empty() {
            let first = self.0.turn.fetch_add(1, Ordering::Relaxed) % backends.len();
            backends.rotate_left(first);
        }
        let (resting, mut ready): (Vec<_>, Vec<_>) = backends
            .into_iter()
            .partition(|backend| backend.is_resting());
        if ready.is_empty() {
            self.doubt();
        }
        ready.extend(resting);
        ready
    }

    /// The replicas of now. Where it is time, they are resolved again, keeping their connections; calls go on with
    /// what is known meanwhile, unless nothing is.
    async fn backends(&self) -> Vec<Arc<Backend>> {
        let is_known = !self.0.known().backends.is_empty();
        if self.has_to_ask() {
            let asking = self.asking();
            if !is_known {
                asking.await;
            }
        }
        self.0.known().backends.clone()
    }

    /// Replicas that the name service has named meanwhile: where some are silent, they come before waiting for those.
    async fn newcomers(&self, tried: &VecDeque<Arc<Backend>>) -> VecDeque<Arc<Backend>> {
        let asked = async {
            match self.has_to_ask() {
                true => self.asking().await,
                // Somebody else is asking, or did so just now.
                false => drop(self.0.resolving.lock().await),
            }
        };
        // This call waits no longer for a slow answer; the next one goes by it.
        let _ = timeout(HASTE, asked).await;
        let known = self.0.known();
        let is_new =
            |backend: &&Arc<Backend>| !tried.iter().any(|tried| Arc::ptr_eq(tried, backend));
        known.backends.iter().filter(is_new).cloned().collect()
    }

    /// Whether it is time to ask the name service; whoever learns that does so.
    fn has_to_ask(&self) -> bool {
        let mut known = self.0.known();
        let is_due = known.is_due(self.0.resolve_interval);
        if is_due {
            known.asked = Some(Instant::now());
            known.is_doubtful = false;
        }
        is_due
    }

    /// Asks the name service; its answer counts even if nobody waits for it any more.
    fn asking(&self) -> Shared<BoxFuture<'static, ()>> {
        let pool = self.clone();
        let asking = async move { pool.resolve().await }.boxed().shared();
        self.0.lifecycle.spawn_to_the_end(asking.clone());
        asking
    }

    async fn resolve(&self) {
        let inner = &*self.0;
        let _alone = inner.resolving.lock().await;
        let answers = inner.targets.resolve(&*inner.resolver).await;
        let mut known = inner.known();
        for (addresses, answer) in known.addresses.iter_mut().zip(answers) {
            if let Some(answer) = answer {
                *addresses = answer;
            }
        }
        let all: BTreeSet<_> = known.addresses.iter().flatten().copied().collect();
        known
            .backends
            .retain(|backend| all.contains(&backend.address()));
        for address in all {
            if !known
                .backends
                .iter()
                .any(|backend| backend.address() == address)
            {
                known.backends.push(Arc::new(inner.backend(address)));
            }
        }
    }

    /// Notes that a replica was not reached: the name service may know better.
    fn doubt(&self) {
        self.0.known().is_doubtful = true;
    }

    /// Notes that no replica was reached, and answers whether that has not been so for long.
    fn is_away_shortly(&self) -> bool {
        let mut known = self.0.known();
        let since = *known.away_since.get_or_insert_with(Instant::now);
        since.elapsed() < LONG_AWAY
    }
}

impl Inner {
    fn backend(&self, address: SocketAddr) -> Backend {
        Backend::new(
            address,
            self.identity.clone(),
            self.callee,
            self.lifecycle.clone(),
        )
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("callee", &self.0.callee)
            .field("targets", &self.0.targets)
            .finish_non_exhaustive()
    }
}

/// The name service is not asked more often than so.
const SOONEST: Duration = Duration::from_secs(1);
/// Between attempts of a call that finds no replica.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// A function that has been away for so long is not waited for any more.
const LONG_AWAY: Duration = Duration::from_secs(20);

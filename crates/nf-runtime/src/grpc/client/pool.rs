//! The replicas of one function, and which of them gets a call.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Request, Response};
use nf_api::NetworkFunction;
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;

use super::backend::{Backend, Failure};
use super::targets::Targets;
use crate::lifecycle::Lifecycle;
use crate::runtime::Runtime;
use crate::tls::TlsIdentity;

/// All replicas of one function. Calls go round; a replica that cannot be reached is passed over, which
/// is safe for every RPC, since the call has not been sent.
pub(super) struct Pool {
    targets: Targets,
    identity: TlsIdentity,
    callee: NetworkFunction,
    lifecycle: Lifecycle,
    resolve_interval: Duration,
    known: Mutex<Known>,
    turn: AtomicUsize,
}

#[derive(Default)]
struct Known {
    backends: Vec<Arc<Backend>>,
    resolved: Option<Instant>,
}

impl Pool {
    pub(super) fn new(
        targets: Targets,
        identity: TlsIdentity,
        callee: NetworkFunction,
        runtime: &Runtime,
    ) -> Self {
        Self {
            targets,
            identity,
            callee,
            lifecycle: runtime.lifecycle.clone(),
            resolve_interval: runtime.grpc.resolve_interval,
            known: Mutex::default(),
            turn: AtomicUsize::new(0),
        }
    }

    /// Sends a call to one replica.
    ///
    /// # Errors
    /// UNAVAILABLE where no replica can be reached, or one breaks off after the call was sent.
    pub(super) async fn send(&self, mut request: Request<Body>) -> Result<Response<Body>, Status> {
        let backends = self.backends().await;
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut reason = None;
        // Replicas that failed a moment ago come last, not never: they may be all there are.
        for resting in [false, true] {
            for place in 0..backends.len() {
                let place = first.wrapping_add(place) % backends.len();
                let Some(backend) = backends
                    .get(place)
                    .filter(|backend| backend.is_resting() == resting)
                else {
                    continue;
                };
                match backend.send(request).await {
                    Ok(response) => return Ok(response),
                    Err(Failure::Sent(status)) => return Err(status),
                    Err(Failure::Unsent(unsent, status)) => {
                        request = *unsent;
                        reason = Some(status);
                    }
                }
            }
        }
        self.forget_resolution();
        Err(reason
            .unwrap_or_else(|| Status::unavailable("the host name of the callee has no address")))
    }

    /// The replicas of now: resolved again where the interval has passed, keeping their connections.
    async fn backends(&self) -> Vec<Arc<Backend>> {
        {
            let mut known = self.known();
            if known
                .resolved
                .is_some_and(|at| at.elapsed() < self.resolve_interval)
            {
                return known.backends.clone();
            }
            // Others go on with what is known meanwhile, unless nothing is.
            if !known.backends.is_empty() {
                known.resolved = Some(Instant::now());
            }
        }
        let addresses = self.targets.resolve().await;
        let mut known = self.known();
        known.resolved = Some(Instant::now());
        if !addresses.is_empty() {
            known
                .backends
                .retain(|backend| addresses.contains(&backend.address()));
            for address in addresses {
                if !known
                    .backends
                    .iter()
                    .any(|backend| backend.address() == address)
                {
                    known.backends.push(Arc::new(self.backend(address)));
                }
            }
        }
        known.backends.clone()
    }

    fn backend(&self, address: SocketAddr) -> Backend {
        Backend::new(
            address,
            self.identity.clone(),
            self.callee,
            self.lifecycle.clone(),
        )
    }

    fn forget_resolution(&self) {
        self.known().resolved = None;
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("callee", &self.callee)
            .field("targets", &self.targets)
            .finish_non_exhaustive()
    }
}

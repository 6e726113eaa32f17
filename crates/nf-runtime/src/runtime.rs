//! What a network function gets from its process, and what it gives.

use std::time::Duration;

use nf_api::NetworkFunction;
use tonic::service::Routes;

use crate::about::About;
use crate::clock::Clock;
use crate::grpc::GrpcConfig;
use crate::lifecycle::{Lifecycle, ShutdownConfig};
use crate::metrics::Metrics;
use crate::random::Random;

/// What every network function gets from the process that it runs in. Clones share everything.
#[derive(Clone, Debug)]
pub struct Runtime {
    /// Where time comes from.
    pub clock: Clock,
    /// Where randomness comes from.
    pub random: Random,
    /// Where tasks are spawned, and how they learn of shutdown.
    pub lifecycle: Lifecycle,
    /// Where metrics are registered.
    pub metrics: Metrics,
    /// Limits of calls.
    pub grpc: GrpcConfig,
    /// What the process says about itself.
    pub about: About,
}

impl Runtime {
    /// The runtime of a process: system clock, system randomness, new registry.
    pub fn new(shutdown: ShutdownConfig, grpc: GrpcConfig) -> Self {
        Self {
            clock: Clock::system(),
            random: Random::system(),
            lifecycle: Lifecycle::new(shutdown),
            metrics: Metrics::new(),
            grpc,
            about: About::default(),
        }
    }

    /// A runtime for tests: a manual clock that stands at 2026-01-01T00:00:00Z, seeded randomness, no
    /// settle time at shutdown, default limits.
    pub fn for_tests() -> Self {
        let shutdown = ShutdownConfig {
            settle: Duration::ZERO,
            grace: Duration::from_secs(5),
        };
        Self {
            clock: Clock::manual(1_767_225_600_000),
            random: Random::seeded(1),
            ..Self::new(shutdown, GrpcConfig::default())
        }
    }
}

/// A network function that has been built: its background tasks run on the lifecycle, its listeners
/// other than gRPC are bound.
#[derive(Clone, Debug)]
pub struct Function {
    /// Which one.
    pub function: NetworkFunction,
    /// Its gRPC services, without any layer.
    pub routes: Routes,
}

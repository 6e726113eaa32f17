//! Where the replicas of a function answer.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use tokio::net::lookup_host;
use tokio::time::timeout;
use tracing::warn;

/// A list of targets that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{target:?} is not of the form host:port")]
pub struct TargetError {
    /// The part that is wrong.
    pub target: String,
}

impl TargetError {
    /// The cause that a caller is told.
    pub const fn cause(&self) -> cause::Cause {
        cause::Cause::Internal
    }
}

/// Finds the addresses that a target has now.
pub trait Resolver: Send + Sync + 'static {
    /// All addresses of `host:port`.
    fn resolve(&self, target: &str) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

/// The resolver of the system: hosts file and DNS.
#[derive(Clone, Copy, Debug)]
pub(super) struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, target: &str) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let target = target.to_owned();
        async move { Ok(lookup_host(target).await?.collect()) }.boxed()
    }
}

/// Hosts and ports; a host may stand for many addresses.
#[derive(Clone, Debug)]
pub(super) struct Targets(Vec<String>);

impl Targets {
    /// Reads `host:port` with commas between.
    pub(super) fn parse(text: &str) -> Result<Self, TargetError> {
        text.split(',')
            .map(str::trim)
            .map(target)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The addresses of each target, in their order; `None` where no answer came, which does not mean that
    /// there are none.
    pub(super) async fn resolve(
        &self,
        resolver: &dyn Resolver,
    ) -> Vec<Option<BTreeSet<SocketAddr>>> {
        join_all(self.0.iter().map(|target| resolved(target, resolver))).await
    }
}

async fn resolved(target: &str, resolver: &dyn Resolver) -> Option<BTreeSet<SocketAddr>> {
    let error = match timeout(RESOLVE_LIMIT, resolver.resolve(target)).await {
        Ok(Ok(found)) if !found.is_empty() => return Some(found.into_iter().collect()),
        Ok(Ok(_)) => io::Error::other("it has no address"),
        Ok(Err(error)) => error,
        Err(_) => io::Error::from(io::ErrorKind::TimedOut),
    };
    warn!(target = target, error = %error, "host not resolved");
    None
}

fn target(text: &str) -> Result<String, TargetError> {
    let is_valid = text.rsplit_once(':').is_some_and(|(host, port)| {
        is_host(host) && port.parse::<u16>().is_ok_and(|port| port != 0)
    });
    if is_valid {
        Ok(text.to_owned())
    } else {
        Err(TargetError {
            target: text.to_owned(),
        })
    }
}

fn is_host(text: &str) -> bool {
    match text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
    {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        }
    }
}

/// How long an answer of the name service is waited for.
const RESOLVE_LIMIT: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn several_targets_are_one_set_of_addresses() {
        let targets = Targets::parse("127.0.0.1:7001, [::1]:7001,127.0.0.1:7001").unwrap();
        let found = targets.resolve(&SystemResolver).await;
        let all = found.into_iter().flatten().flatten();
        assert_eq!(all.collect::<BTreeSet<_>>().len(), 2);
    }

    #[test]
    fn malformed_targets_are_named() {
        for text in [
            "",
            "host",
            ":7001",
            "host:",
            "host:0",
            "host:70000",
            "https://host:1",
            "a:1,,b:2",
            "a:1;b:2 ",
        ] {
            assert!(Targets::parse(text).is_err(), "{text}");
        }
        assert_eq!(
            Targets::parse("a:1,b").unwrap_err(),
            TargetError {
                target: "b".to_owned()
            }
        );
    }
}

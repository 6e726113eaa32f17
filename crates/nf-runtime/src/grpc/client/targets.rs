//! Where the replicas of a function answer.

use std::collections::BTreeSet;
use std::net::{Ipv6Addr, SocketAddr};

use tokio::net::lookup_host;
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

    /// All addresses, each once. A host that cannot be resolved has none now.
    pub(super) async fn resolve(&self) -> BTreeSet<SocketAddr> {
        let mut addresses = BTreeSet::new();
        for target in &self.0 {
            match lookup_host(target).await {
                Ok(found) => addresses.extend(found),
                Err(error) => warn!(target = target, error = %error, "host not resolved"),
            }
        }
        addresses
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn several_targets_are_one_set_of_addresses() {
        let targets = Targets::parse("127.0.0.1:7001, [::1]:7001,127.0.0.1:7001").unwrap();
        assert_eq!(targets.resolve().await.len(), 2);
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

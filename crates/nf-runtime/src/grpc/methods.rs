//! What is known of each RPC from its interface and its rule.

use std::collections::HashMap;
use std::sync::LazyLock;

use nf_api::authorization::{Rule, rule};
use prost::Message as _;
use prost_types::FileDescriptorSet;

/// One RPC of an interface in `nf_api`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Method {
    /// Who may call, or `None` for the radio interface.
    pub(crate) rule: Option<&'static Rule>,
    /// The caller sends a stream.
    pub(crate) request_stream: bool,
    /// The callee sends a stream.
    pub(crate) response_stream: bool,
}

/// The RPC at a path; `None` for health, reflection and what does not exist.
pub(crate) fn method(path: &str) -> Option<&'static Method> {
    METHODS.get(path)
}

/// Whether either side of the RPC at a path sends a stream. Health and reflection may.
pub(crate) fn streams(path: &str) -> bool {
    method(path).map_or_else(
        || path.starts_with("/grpc."),
        |method| method.request_stream || method.response_stream,
    )
}

/// A name of the RPC for metrics; paths that do not exist share one, so that strangers cannot make
/// up new ones.
pub(crate) fn label(path: &str) -> &'static str {
    METHODS
        .get_key_value(path)
        .map_or("other", |(path, _)| path.trim_start_matches('/'))
}

static METHODS: LazyLock<HashMap<String, Method>> = LazyLock::new(|| {
    let descriptors = FileDescriptorSet::decode(nf_api::FILE_DESCRIPTOR_SET)
        .expect("compiled by the build of nf-api");
    let mut methods = HashMap::new();
    for file in &descriptors.file {
        for service in &file.service {
            for described in &service.method {
                let path = format!(
                    "/{}.{}/{}",
                    file.package(),
                    service.name(),
                    described.name()
                );
                let known = Method {
                    rule: rule(&path),
                    request_stream: described.client_streaming(),
                    response_stream: described.server_streaming(),
                };
                methods.insert(path, known);
            }
        }
    }
    methods
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rpc_but_the_radio_has_a_rule_and_every_rule_an_rpc() {
        let without_rule: Vec<_> = METHODS
            .iter()
            .filter(|(_, method)| method.rule.is_none())
            .map(|(path, _)| path)
            .collect();
        assert_eq!(
            without_rule,
            ["/berth.access_gateway.v1.N1Service/Exchange"]
        );
        for rule in nf_api::authorization::TABLE {
            assert!(method(rule.path).is_some(), "{} does not exist", rule.path);
        }
    }

    #[test]
    fn no_rpc_with_a_stream_is_idempotent() {
        for rule in nf_api::authorization::TABLE {
            assert!(!(rule.idempotent && streams(rule.path)), "{}", rule.path);
        }
    }

    #[test]
    fn strangers_cannot_make_up_labels() {
        assert_eq!(
            label("/berth.vault.v1.VaultService/Mint"),
            "berth.vault.v1.VaultService/Mint"
        );
        assert_eq!(label("/made.up/Path"), "other");
    }
}

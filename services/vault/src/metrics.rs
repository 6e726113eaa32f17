//! What the vault counts besides its procedures.

use nf_runtime::metrics::Metrics;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

/// Objects that left under a signature of the operator, by type.
#[derive(Clone, Debug)]
pub(crate) struct SignedObjects(Family<Labels, Counter>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    object: &'static str,
}

impl SignedObjects {
    /// Registers `berth_vault_signed_objects_total`.
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let family = Family::default();
        metrics.family("berth_vault", |registry| {
            registry.register(
                "signed_objects",
                "Objects signed with keys of the operator, by type",
                family.clone(),
            );
        });
        Self(family)
    }

    /// Counts one object.
    pub(crate) fn count(&self, object: cose::ObjectType) {
        self.0
            .get_or_create(&Labels {
                object: object.name(),
            })
            .inc();
    }
}

//! What the stores measure, as metrics. Stores that share their settings are one; it has the name under which it
//! was opened.

use nf_runtime::metrics::{DurationFamily, Metrics};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use store::{Call, Class, Observation, Observer, Outcome};

/// The metrics of all stores of a process.
#[derive(Clone)]
pub(super) struct StoreMetrics {
    operations: DurationFamily<OperationLabels>,
    batches: DurationFamily<StoreLabels>,
    transactions: Family<StoreLabels, Histogram, Powers>,
    waits: Family<WaitLabels, Counter>,
    went_back: Family<StoreLabels, Counter>,
    connected: Family<StoreLabels, Gauge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StoreLabels {
    store: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    store: &'static str,
    operation: &'static str,
    class: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WaitLabels {
    store: &'static str,
    result: &'static str,
}

/// Buckets for counts: 1, 2, 4 … 1024.
#[derive(Clone)]
struct Powers;

impl MetricConstructor<Histogram> for Powers {
    fn new_metric(&self) -> Histogram {
        Histogram::new((0..=10).map(|power| f64::from(1 << power)))
    }
}

impl StoreMetrics {
    /// Registers `berth_store_…`. Called once a process.
    pub(super) fn register(metrics: &Metrics) -> Self {
        let all = Self {
            operations: DurationFamily::new(),
            batches: DurationFamily::new(),
            transactions: Family::new_with_constructor(Powers),
            waits: Family::default(),
            went_back: Family::default(),
            connected: Family::default(),
        };
        metrics.family("berth_store", |registry| {
            all.operations.register(
                registry,
                "operation_duration",
                "Duration of reads, scans and commits by class and outcome",
            );
            all.batches.register(
                registry,
                "batch_duration",
                "Duration of transactions that were written together, disk or replicas included",
            );
            registry.register(
                "batch_transactions",
                "Transactions that were written together",
                all.transactions.clone(),
            );
            registry.register(
                "replica_waits",
                "Waits for replicas: all confirmed, or fewer than demanded",
                all.waits.clone(),
            );
            registry.register(
                "version_went_back",
                "Reads of an older version than this process was told before: an acknowledged write is lost",
                all.went_back.clone(),
            );
            registry.register(
                "connected",
                "1 while there is a connection to the store's server",
                all.connected.clone(),
            );
        });
        all
    }

    /// The observer of one store. What is worth a rate is shown from the start.
    pub(super) fn of(&self, store: &'static str) -> StoreObserver {
        let observer = StoreObserver {
            metrics: self.clone(),
            store,
        };
        for call in [
            Call::Read,
            Call::Scan,
            Call::Commit(Class::Ephemeral),
            Call::Commit(Class::Session),
            Call::Commit(Class::Record),
        ] {
            self.operations.show(&observer.labels(call, Outcome::Done));
        }
        drop(self.went_back.get_or_create(&StoreLabels { store }));
        for result in ["confirmed", "short"] {
            drop(self.waits.get_or_create(&WaitLabels { store, result }));
        }
        observer
    }
}

/// Tells the metrics of one store.
pub(super) struct StoreObserver {
    metrics: StoreMetrics,
    store: &'static str,
}

impl StoreObserver {
    fn labels(&self, call: Call, outcome: Outcome) -> OperationLabels {
        OperationLabels {
            store: self.store,
            operation: call.operation(),
            class: call.class().map_or("none", Class::name),
            outcome: outcome.name(),
        }
    }
}

impl Observer for StoreObserver {
    fn observe(&self, observation: Observation) {
        let store = self.store;
        let (metrics, labels) = (&self.metrics, StoreLabels { store });
        match observation {
            Observation::Call {
                call,
                outcome,
                elapsed,
            } => metrics
                .operations
                .observe(&self.labels(call, outcome), elapsed),
            Observation::Batch {
                transactions,
                elapsed,
            } => {
                let transactions = u32::try_from(transactions).unwrap_or(u32::MAX);
                metrics
                    .transactions
                    .get_or_create(&labels)
                    .observe(transactions.into());
                metrics.batches.observe(&labels, elapsed);
            }
            Observation::Wait { wanted, confirmed } => {
                let result = if confirmed < wanted {
                    "short"
                } else {
                    "confirmed"
                };
                metrics
                    .waits
                    .get_or_create(&WaitLabels { store, result })
                    .inc();
            }
            Observation::Connected(connected) => {
                let gauge = metrics.connected.get_or_create(&labels);
                gauge.set(connected.into());
            }
            Observation::VersionWentBack => {
                metrics.went_back.get_or_create(&labels).inc();
            }
            // Observations that this release does not show.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::StoresConfig;
    use crate::stores::Stores;

    #[tokio::test]
    async fn what_a_store_measures_is_shown() -> Result<(), Box<dyn std::error::Error>> {
        let (metrics, config) = (Metrics::new(), StoresConfig::default());
        let mut stores = Stores::new(&config, &metrics);
        let store = stores.of(nf_api::NetworkFunction::Aanf).await?;
        let tag = store.tag("t")?;
        let kind = store::Kind::new("count");
        let mut transaction = store.transaction(&tag, Class::Record);
        transaction.add(kind, 1, None);
        store.commit(transaction).await?;
        store.counter(&tag, kind).await?;
        stores.metrics.of("default").observe(Observation::Wait {
            wanted: 2,
            confirmed: 1,
        });
        // The writer tells of its batch after it has answered; this waits for it.
        for database in stores.into_databases() {
            database.close().await;
        }
        let page = metrics.encode();
        for line in [
            r#"operation_duration_seconds_count{store="default",operation="commit",class="record",outcome="done"} 1"#,
            r#"operation_duration_seconds_count{store="default",operation="commit",class="session",outcome="done"} 0"#,
            r#"operation_duration_seconds_count{store="default",operation="read",class="none",outcome="done"} 1"#,
            r#"batch_duration_seconds_count{store="default"} 1"#,
            r#"batch_transactions_sum{store="default"} 1.0"#,
            r#"replica_waits_total{store="default",result="short"} 1"#,
            r#"version_went_back_total{store="default"} 0"#,
        ] {
            assert!(
                page.contains(&format!("berth_store_{line}")),
                "{line}\n{page}"
            );
        }
        Ok(())
    }
}

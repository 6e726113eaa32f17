//! The function with everything around it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ausf::{AccessGatewayEntry, AusfConfig, Built, HomeNetworkEntry, Origin, Ports};
use identifiers::ServingNetworkName;
use nf_api::{Caller, NetworkFunction};
use nf_runtime::Runtime;
use nf_runtime::grpc::{Channel, in_process};
use secret::SealingKey;
use store::{Database, ManualClock, Sealer, Store, StoreConfig};

use crate::peers::{AnchorKeys, Fetcher, SubscriptionManager, Vault};

/// The serving network of the gateways `one` and `two`.
pub(crate) const NETWORK: &str = "5G:mnc001.mcc001.3gppnetwork.org";
/// The second serving network of gateway `one`.
pub(crate) const OTHER_NETWORK: &str = "5G:mnc002.mcc001.3gppnetwork.org";
/// A network that no gateway may claim.
pub(crate) const FOREIGN_NETWORK: &str = "5G:mnc070.mcc999.3gppnetwork.org";

/// How long an answer waits for the AAnF here: longer than a busy machine needs.
pub(crate) const ANCHOR_KEY_WAIT: Duration = Duration::from_secs(2);

/// The function, its peers and its time.
pub(crate) struct World {
    pub(crate) runtime: Runtime,
    pub(crate) ausf: Built,
    pub(crate) database: Database,
    pub(crate) store: Store,
    store_clock: Arc<ManualClock>,
    pub(crate) fetcher: Arc<Fetcher>,
    pub(crate) manager: Arc<SubscriptionManager>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) anchor_keys: Arc<AnchorKeys>,
}

impl World {
    /// A store in memory.
    pub(crate) async fn new() -> Self {
        Self::on(&StoreConfig::default()).await
    }

    /// A store in a file.
    pub(crate) async fn in_file(path: &Path) -> Self {
        Self::on(&StoreConfig::redb(path)).await
    }

    async fn on(config: &StoreConfig) -> Self {
        let runtime = Runtime::for_tests();
        let store_clock = Arc::new(ManualClock::at(runtime.clock.unix_ms()));
        let database = Database::open_with(config, Arc::new(Ignored), store_clock.clone())
            .await
            .unwrap();
        let store = database.for_function("ausf").unwrap();
        let (fetcher, manager, vault, anchor_keys) = (
            Arc::default(),
            Arc::default(),
            Arc::new(Vault::new()),
            Arc::default(),
        );
        let ports = ports(&store, &fetcher, &manager, &vault, &anchor_keys);
        let ausf = ausf::build(&settings(), ports, &runtime).await.unwrap();
        Self {
            runtime,
            ausf,
            database,
            store,
            store_clock,
            fetcher,
            manager,
            vault,
            anchor_keys,
        }
    }

    /// The process ends at once and another one starts on what it left.
    pub(crate) async fn restart(&mut self) {
        self.stop_outbox().await;
        self.runtime = Runtime {
            clock: self.runtime.clock.clone(),
            random: self.runtime.random.clone(),
            ..Runtime::for_tests()
        };
        let ports = ports(
            &self.store,
            &self.fetcher,
            &self.manager,
            &self.vault,
            &self.anchor_keys,
        );
        self.ausf = ausf::build(&settings(), ports, &self.runtime)
            .await
            .unwrap();
    }

    /// What is committed from now on is not applied any more.
    pub(crate) async fn stop_outbox(&self) {
        self.runtime.lifecycle.token().cancel();
        self.runtime.lifecycle.tracker().close();
        self.runtime.lifecycle.tracker().wait().await;
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.runtime.clock.advance(by);
        self.store_clock.advance(by);
    }

    pub(crate) fn now(&self) -> u64 {
        self.runtime.clock.unix_seconds()
    }

    /// A way to the function for this caller.
    pub(crate) fn channel(&self, caller: Caller) -> Channel {
        in_process(self.ausf.function.routes.clone(), caller, &self.runtime)
    }
}

fn ports(
    store: &Store,
    fetcher: &Arc<Fetcher>,
    manager: &Arc<SubscriptionManager>,
    vault: &Arc<Vault>,
    anchor_keys: &Arc<AnchorKeys>,
) -> Ports {
    Ports {
        store: store.clone(),
        sealer: Sealer::new([(1, SealingKey::new([9; 32]))], None).unwrap(),
        fetcher: fetcher.clone(),
        subscription_manager: manager.clone(),
        vault: vault.clone(),
        anchor_keys: anchor_keys.clone(),
    }
}

fn settings() -> AusfConfig {
    let gateway = |name: &str, networks: &[&str]| AccessGatewayEntry {
        name: name.to_owned(),
        serving_network_names: networks.iter().map(|name| (*name).to_owned()).collect(),
    };
    AusfConfig {
        access_gateways: vec![
            gateway("one", &[NETWORK, OTHER_NETWORK]),
            gateway("two", &[NETWORK]),
        ],
        home_networks: vec![HomeNetworkEntry {
            mcc: "001".to_owned(),
            mnc: "01".to_owned(),
        }],
        anchor_key_wait: ANCHOR_KEY_WAIT,
        ..AusfConfig::default()
    }
}

/// The identity of a gateway.
pub(crate) fn gateway(name: &str) -> Caller {
    Caller::Function {
        function: NetworkFunction::AccessGateway,
        instance: Some(name.to_owned()),
    }
}

pub(crate) fn snn(name: &str) -> ServingNetworkName {
    ServingNetworkName::parse(name).unwrap()
}

/// Device 7 at gateway `one`.
pub(crate) fn origin() -> Origin {
    Origin {
        gateway: gateway("one").to_string(),
        ue_reference: "7".to_owned(),
        serving_network_name: snn(NETWORK),
    }
}

/// Where the traffic of device 7 comes from.
pub(crate) fn ue_address() -> (String, u16, u16) {
    ("192.0.2.7".to_owned(), 20_000, 20_015)
}

struct Ignored;

impl store::Observer for Ignored {
    fn observe(&self, _: store::Observation) {}
}

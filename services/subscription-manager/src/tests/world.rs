//! A store in memory, a clock that is moved by hand, scripted peers, and as many processes on them as a test wants.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use identifiers::{Fqdn, OnboardingSession, PlanId, Plmn, RoutingIndicator, TenantId};
use nf_api::NetworkFunction;
use nf_runtime::clock::Clock;
use nf_runtime::metrics::{Metrics, ProcedureMetrics};
use nf_runtime::random::Random;
use secret::SealingKey;
use store::{Call, Database, Observation, Observer, Outbox, Sealer, Stored};

use super::device::{Authentication, Device};
use super::peers::{ScriptedConfigurationManagement, ScriptedVault};
use crate::context::{Context, Settings};
use crate::plan::{NumberRange, Plan};
use crate::procedures::enrol::{EnrolmentWorker, enrol};
use crate::procedures::find_session::{FoundSession, find_session};
use crate::procedures::keep_plans::put_plan;
use crate::procedures::open_session::open_session;
use crate::procedures::sign_up::{SignUp, SignUpError, sign_up};
use crate::records::{EnrolmentRecord, SessionState};

pub(super) const START_MS: u64 = 1_767_225_600_000;

pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) random: Random,
    pub(super) database: Database,
    pub(super) crashes: Arc<Crashes>,
    pub(super) vault: Arc<ScriptedVault>,
    pub(super) configuration_management: Arc<ScriptedConfigurationManagement>,
}

impl World {
    /// A world with the plan `lab`.
    pub(super) async fn new() -> Self {
        let clock = Clock::manual(START_MS);
        let crashes = Arc::new(Crashes::default());
        let store_clock = Arc::new(StoreClock(clock.clone()));
        let config = store::StoreConfig::default();
        let database = Database::open_with(&config, crashes.clone(), store_clock)
            .await
            .unwrap();
        let world = Self {
            vault: Arc::new(ScriptedVault::new(clock.clone())),
            configuration_management: Arc::default(),
            random: Random::seeded(7),
            clock,
            database,
            crashes,
        };
        put_plan(&world.context(), &plan("lab")).await.unwrap();
        world
    }

    /// A process of the function, without worker and listeners.
    pub(super) fn context(&self) -> Context {
        Context {
            store: self.database.for_function("subscription-manager").unwrap(),
            sealer: sealer(),
            vault: self.vault.clone(),
            configuration_management: self.configuration_management.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            settings: Arc::new(settings()),
        }
    }

    /// Opens a session and gives it back as it was stored.
    pub(super) async fn open(&self, authentication: &Authentication) -> FoundSession {
        let context = self.context();
        open_session(&context, &outbox(&context), &authentication.handed_over())
            .await
            .unwrap();
        self.session(&authentication.session).await
    }

    pub(super) async fn session(&self, id: &OnboardingSession) -> FoundSession {
        find_session(&self.context(), id).await.unwrap()
    }

    pub(super) async fn session_state(&self, id: &OnboardingSession) -> SessionState {
        self.session(id).await.record().state()
    }

    pub(super) async fn sign_up(&self, session: &FoundSession) -> Result<(), SignUpError> {
        let context = self.context();
        sign_up(&context, &outbox(&context), session, decision()).await
    }

    pub(super) async fn enrol(&self, device: &Device) {
        enrol(&self.context(), &device.device_id).await.unwrap();
    }

    pub(super) async fn enrolment(&self, device: &Device) -> EnrolmentRecord {
        self.stored_enrolment(device).await.unwrap().record
    }

    pub(super) async fn stored_enrolment(
        &self,
        device: &Device,
    ) -> Option<Stored<EnrolmentRecord>> {
        let context = self.context();
        context
            .store
            .read::<EnrolmentRecord>(&context.device_tag(&device.device_id).unwrap())
            .await
            .unwrap()
    }

    /// A device that is signed up for the plan `lab`, its package offered.
    pub(super) async fn offered(&self, authentication: &Authentication) -> FoundSession {
        let session = self.open(authentication).await;
        self.sign_up(&session).await.unwrap();
        self.enrol(&authentication.device).await;
        self.session(&authentication.session).await
    }
}

/// An outbox that nobody runs: tests take the steps themselves.
pub(super) fn outbox(context: &Context) -> Outbox {
    let worker = EnrolmentWorker {
        context: context.clone(),
        metrics: procedures(),
    };
    Outbox::new(context.store.clone(), Arc::new(worker))
}

pub(super) fn procedures() -> ProcedureMetrics {
    Metrics::new().procedures(NetworkFunction::SubscriptionManager)
}

pub(super) fn decision() -> SignUp {
    SignUp {
        plan_id: Some(PlanId::parse("lab").unwrap()),
        order_code: None,
        claim_secret: None,
        terms_accepted: true,
        match_confirmed: true,
    }
}

pub(super) fn plan(id: &str) -> Plan {
    Plan {
        plan_id: PlanId::parse(id).unwrap(),
        name: "Laboratory".to_owned(),
        price: "free of charge".to_owned(),
        plmn: Plmn::new("001", "01").unwrap(),
        msins: NumberRange::parse("0000000001", "0000000999").unwrap(),
        msisdns: Some(NumberRange::parse("99900000001", "99900000999").unwrap()),
        routing_indicator: RoutingIndicator::parse("0").unwrap(),
        ue_service_id_domain: "msgin5g.berth.test".to_owned(),
        msgin5g_server_uri: "coaps://127.0.0.1:5684/msgin5g".to_owned(),
        msgin5g_af_fqdn: Fqdn::parse("msgin5g.berth.test").unwrap(),
        dnn: "internet".to_owned(),
        tenant_id: TenantId::parse("lab").unwrap(),
        self_service: true,
    }
}

pub(super) fn sealer() -> Sealer {
    Sealer::new([(1, SealingKey::new([9; 32]))], None).unwrap()
}

fn settings() -> Settings {
    let config = crate::SubscriptionManagerConfig::default();
    crate::settings(
        &config,
        ([127, 0, 0, 1], 8443).into(),
        ([127, 0, 0, 1], 5684).into(),
    )
}

struct StoreClock(Clock);

impl store::Clock for StoreClock {
    fn unix_ms(&self) -> u64 {
        self.0.unix_ms()
    }
}

/// Ends the task that has written, right after its n-th write.
#[derive(Default)]
pub(super) struct Crashes {
    after: AtomicI64,
}

impl Crashes {
    pub(super) fn after_write(&self, n: i64) {
        self.after.store(n, Ordering::SeqCst);
    }
}

impl Observer for Crashes {
    fn observe(&self, observation: Observation) {
        if let Observation::Call {
            call: Call::Commit(_),
            ..
        } = observation
            && self.after.fetch_sub(1, Ordering::SeqCst) == 1
        {
            panic!("crash on purpose");
        }
    }
}

//! A server, the functions that it asks, and UEs.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use cause::Cause;
use coap::{Code, ContentFormat, Request, Response};
use coap_tokio::{Client, ClientConfig, ConnectError, Handler, Incoming, Session, Tasks};
use dtls::CipherSuite;
use futures::StreamExt as _;
use identifiers::{AKid, Supi, TenantId, UaStarId, UeServiceId};
use msgin5g::association::{Association, AssociationKind};
use msgin5g::client::{Answer, AnswerError, Client as Msgin5gClient, Post, Pushed, Registered};
use msgin5g::messages::{DeliveryReport, Message, MessageStatus, ReportStatus};
use msgin5g::session::UeId;
use msgin5g::values::{FailureCause, MessageId, Recipient, ServiceIdentifier};
use msgin5g::{Payload, Timestamp};
use msgin5g_server::{
    ApplicationKey, ApplicationKeys, Associations, Beats, Built, GetApplicationKey,
    Msgin5gServerConfig, PeerResult, Ports, build,
};
use nf_api::pb::msgin5g as pb;
use nf_api::pb::msgin5g::registration_service_client::RegistrationServiceClient;
use nf_api::{Caller, NetworkFunction};
use nf_runtime::Runtime;
use nf_runtime::feed::Beat;
use nf_runtime::grpc::in_process;
use nf_runtime::random::Random;
use secret::{KAf, SecretBytes};
use store::Database;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

pub(crate) const AF_FQDN: &str = "msgin5g.berth.test";
pub(crate) const OTHER_AF_FQDN: &str = "other.berth.test";
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);
const DAY_MS: u64 = 86_400_000;

/// AAnF and Configuration Management.
pub(crate) struct Network {
    contexts: Mutex<HashMap<String, u64>>,
    rows: Mutex<Vec<Association>>,
    removed: broadcast::Sender<Beat<UeId>>,
    changed: broadcast::Sender<Beat<Vec<String>>>,
    /// Configuration Management does not answer.
    pub(crate) hangs: AtomicBool,
    /// The AAnF cannot tell.
    pub(crate) aanf_fails: AtomicBool,
    pub(crate) look_ups: AtomicUsize,
    pub(crate) gets: Mutex<Vec<GetApplicationKey>>,
}

impl Network {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            contexts: Mutex::default(),
            rows: Mutex::default(),
            removed: broadcast::channel(16).0,
            changed: broadcast::channel(16).0,
            hangs: AtomicBool::new(false),
            aanf_fails: AtomicBool::new(false),
            look_ups: AtomicUsize::new(0),
            gets: Mutex::default(),
        })
    }

    /// Subscribes a UE with one endpoint of its name.
    pub(crate) fn subscribe(&self, name: &str, tenant: &str, expires_at_ms: u64) {
        locked(&self.contexts).insert(name.to_owned(), expires_at_ms);
        locked(&self.rows).push(Association {
            ue_service_id: service_id(name),
            supi: Some(supi(name)),
            gpsi: None,
            tenant_id: TenantId::parse(tenant).unwrap(),
            kind: AssociationKind::Direct,
        });
    }

    pub(crate) fn remove_context(&self, name: &str, tell: bool) {
        locked(&self.contexts).remove(name);
        if tell {
            self.removed
                .send(Beat::Event(UeId::Supi(supi(name))))
                .unwrap();
        }
    }

    pub(crate) fn resynchronize(&self) {
        self.removed.send(Beat::Resynchronize).unwrap();
    }

    pub(crate) fn close_association(&self, name: &str, tell: bool) {
        locked(&self.rows).retain(|row| row.ue_service_id != service_id(name));
        if tell {
            let ue_ids = vec![supi(name).as_text().to_owned()];
            self.changed.send(Beat::Event(ue_ids)).unwrap();
        }
    }

    async fn answer(&self) {
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending().await
        }
    }
}

#[async_trait]
impl ApplicationKeys for Network {
    async fn get(&self, request: &GetApplicationKey) -> PeerResult<ApplicationKey> {
        if self.aanf_fails.load(Ordering::SeqCst) {
            return Err(Cause::UpstreamFailure);
        }
        locked(&self.gets).push(request.clone());
        let (name, _) = request.a_kid.as_str().split_once('@').unwrap();
        let expires_at_ms = *locked(&self.contexts).get(name).ok_or(Cause::UnknownAKid)?;
        Ok(ApplicationKey {
            k_af: k_af(name, request.af_fqdn.as_str(), request.ua_star_id),
            expires_at_ms,
            ue_id: UeId::Supi(supi(name)),
        })
    }

    async fn watch_contexts(&self) -> PeerResult<Beats<UeId>> {
        let events = BroadcastStream::new(self.removed.subscribe());
        let events = events.filter_map(|event| std::future::ready(event.ok()));
        Ok(futures::stream::iter([Beat::Resynchronize])
            .chain(events)
            .boxed())
    }
}

#[async_trait]
impl Associations for Network {
    async fn look_up_by_ue_id(&self, ue_id: &UeId) -> PeerResult<Vec<Association>> {
        self.look_ups.fetch_add(1, Ordering::SeqCst);
        self.answer().await;
        let UeId::Supi(supi) = ue_id else {
            return Ok(Vec::new());
        };
        let rows = locked(&self.rows);
        Ok(rows
            .iter()
            .filter(|row| row.supi.as_ref() == Some(supi))
            .cloned()
            .collect())
    }

    async fn resolve_service_id(&self, ue_service_id: &UeServiceId) -> PeerResult<TenantId> {
        self.answer().await;
        let rows = locked(&self.rows);
        let row = rows.iter().find(|row| row.ue_service_id == *ue_service_id);
        row.map(|row| row.tenant_id.clone()).ok_or(Cause::NotFound)
    }

    async fn watch_associations(&self) -> PeerResult<Beats<Vec<String>>> {
        let events = BroadcastStream::new(self.changed.subscribe());
        let events = events.filter_map(|event| std::future::ready(event.ok()));
        Ok(futures::stream::iter([Beat::Resynchronize])
            .chain(events)
            .boxed())
    }
}

/// A server under test.
pub(crate) struct Bench {
    pub(crate) network: Arc<Network>,
    pub(crate) runtime: Runtime,
    pub(crate) database: Database,
    pub(crate) address: SocketAddr,
    registrations: RegistrationServiceClient<nf_runtime::grpc::Channel>,
}

impl Bench {
    /// A server on an empty store that knows alice and bob of one tenant, and mallory of another.
    pub(crate) async fn start() -> Self {
        let network = Network::new();
        let bench = Self::with(network, Database::memory().await.unwrap(), config()).await;
        bench.subscribe("alice", "tenant-1");
        bench.subscribe("bob", "tenant-1");
        bench.subscribe("mallory", "tenant-2");
        bench
    }

    pub(crate) async fn with(
        network: Arc<Network>,
        database: Database,
        config: Msgin5gServerConfig,
    ) -> Self {
        // Servers on one store differ by what they draw.
        static SEED: AtomicU64 = AtomicU64::new(1);
        let runtime = Runtime {
            random: Random::seeded(SEED.fetch_add(1, Ordering::Relaxed)),
            ..Runtime::for_tests()
        };
        let ports = Ports {
            store: database.for_function("msgin5g-server").unwrap(),
            application_keys: network.clone(),
            associations: network.clone(),
        };
        let Built {
            function,
            coap_address,
        } = build(config, ports, &runtime).await.unwrap();
        assert_eq!(function.function, NetworkFunction::Msgin5gServer);
        let operator = Caller::Operator {
            name: "admin".to_owned(),
        };
        let channel = in_process(function.routes, operator, &runtime);
        Self {
            network,
            address: coap_address,
            database,
            registrations: RegistrationServiceClient::new(channel),
            runtime,
        }
    }

    pub(crate) fn subscribe(&self, name: &str, tenant: &str) {
        let expires_at_ms = self.runtime.clock.unix_ms() + DAY_MS;
        self.network.subscribe(name, tenant, expires_at_ms);
    }

    /// What an operator sees of a registration.
    pub(crate) async fn registration(&self, name: &str) -> Option<pb::GetRegistrationResponse> {
        let request = pb::GetRegistrationRequest {
            ue_service_id: service_id(name).as_str().to_owned(),
        };
        let found = self.registrations.clone().get(request).await;
        found.ok().map(tonic::Response::into_inner)
    }

    /// What waits for a registered UE.
    pub(crate) async fn waiting(&self, name: &str) -> u32 {
        self.registration(name)
            .await
            .map_or(0, |found| found.stored_messages)
    }

    pub(crate) async fn until_nothing_waits_for(&self, name: &str) {
        let start = Instant::now();
        while self.waiting(name).await > 0 {
            assert!(
                start.elapsed() < DEADLINE,
                "something still waits for {name}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends the server as a stopped process would, and gives its network and database back.
    pub(crate) async fn stop(self) -> (Arc<Network>, Database) {
        self.runtime.lifecycle.token().cancel();
        let tracker = self.runtime.lifecycle.tracker();
        tracker.close();
        let ended = tokio::time::timeout(DEADLINE, tracker.wait()).await;
        assert!(ended.is_ok(), "tasks outlive the token");
        (self.network, self.database)
    }

    pub(crate) async fn connect(&self, name: &str) -> Ue {
        self.try_connect(name, |_| {}).await.unwrap()
    }

    pub(crate) async fn try_connect(
        &self,
        name: &str,
        change: impl FnOnce(&mut ClientConfig),
    ) -> Result<Ue, ConnectError> {
        let keys = CipherSuite::ALL.map(|suite| (suite, psk(name, AF_FQDN, suite)));
        let mut config = ClientConfig::new(self.address, &identity(name), keys.to_vec());
        config.expected_hint = Some(b"3GPP-AKMA".to_vec());
        change(&mut config);
        let inbox = Arc::new(Inbox {
            client: msgin5g_client(name),
            pushed: Mutex::default(),
            code: AtomicU8::new(Code::CHANGED.byte()),
        });
        let client = Client::connect(config, Arc::clone(&inbox), &Tasks::default()).await?;
        Ok(Ue {
            client,
            msgin5g: msgin5g_client(name),
            inbox,
        })
    }

    /// Connects and registers.
    pub(crate) async fn registered(&self, name: &str) -> Ue {
        let ue = self.connect(name).await;
        ue.register().await.unwrap();
        ue
    }
}

/// What a UE received.
pub(crate) struct Inbox {
    client: Msgin5gClient,
    pushed: Mutex<Vec<Pushed>>,
    /// What it answers.
    pub(crate) code: AtomicU8,
}

impl Handler<()> for Inbox {
    async fn request(&self, _: Session<()>, incoming: Incoming<()>) -> Response {
        let request = incoming.request;
        assert_eq!(request.path(), "/msgin5g");
        let format = request.content_format().map(|format| format.0);
        let pushed = self
            .client
            .receive(format, &request.payload)
            .expect("a message for this UE");
        locked(&self.pushed).push(pushed);
        Response::new(Code::from_byte(self.code.load(Ordering::SeqCst)))
    }
}

/// A UE with a session.
pub(crate) struct Ue {
    pub(crate) client: Client,
    pub(crate) msgin5g: Msgin5gClient,
    pub(crate) inbox: Arc<Inbox>,
}

impl Ue {
    pub(crate) async fn post(&self, post: Post) -> Response {
        self.send(Some(post.content_format), post.body).await
    }

    pub(crate) async fn send(&self, format: Option<u16>, body: Vec<u8>) -> Response {
        let mut request = Request::new(coap::Method::Post, "/msgin5g");
        match format {
            Some(format) => request = request.with_payload(ContentFormat(format), body),
            None => request.payload = body,
        }
        self.client.request(request).await.expect("an answer")
    }

    pub(crate) async fn register(&self) -> Result<Registered, AnswerError> {
        let response = self.post(self.msgin5g.register(None, None)).await;
        self.msgin5g.read_registration(answer(&response))
    }

    pub(crate) async fn deregister(&self) -> Result<(), AnswerError> {
        let response = self.post(self.msgin5g.deregister()).await;
        self.msgin5g.read_deregistration(answer(&response))
    }

    pub(crate) fn message(&self, to: &str, id: &str, text: &str) -> Message {
        let recipient = Recipient::Ue(service_id(to));
        let mut message = self
            .msgin5g
            .message(recipient, MessageId::parse(id).unwrap());
        message.payload = Some(Payload::text(text).unwrap());
        message
    }

    pub(crate) async fn deliver(&self, message: &Message) -> Result<MessageStatus, AnswerError> {
        let response = self.post(self.msgin5g.send(message)).await;
        self.msgin5g
            .read_message_response(&message.message_id, answer(&response))
    }

    pub(crate) async fn say(&self, to: &str, id: &str) -> Result<MessageStatus, AnswerError> {
        self.deliver(&self.message(to, id, id)).await
    }

    pub(crate) async fn report(&self, received: &Message) -> Response {
        let post = self.msgin5g.report(received, ReportStatus::Delivered);
        self.post(post.expect("a report is wanted")).await
    }

    /// Waits until so much has come, and gives the texts of messages.
    pub(crate) async fn texts(&self, count: usize) -> Vec<String> {
        let pushed = self.pushed(count).await.into_iter();
        let texts = pushed.map(|pushed| match pushed {
            Pushed::Message(message) => message.payload.unwrap().as_text().unwrap().to_owned(),
            other => panic!("{other:?} is no message"),
        });
        texts.collect()
    }

    pub(crate) async fn reports(&self, count: usize) -> Vec<DeliveryReport> {
        let pushed = self.pushed(count).await.into_iter();
        let reports = pushed.map(|pushed| match pushed {
            Pushed::DeliveryReport(report) => report,
            other => panic!("{other:?} is no report"),
        });
        reports.collect()
    }

    pub(crate) async fn pushed(&self, count: usize) -> Vec<Pushed> {
        until(|| locked(&self.inbox.pushed).len() >= count).await;
        locked(&self.inbox.pushed).clone()
    }

    pub(crate) fn received(&self) -> usize {
        locked(&self.inbox.pushed).len()
    }
}

pub(crate) fn config() -> Msgin5gServerConfig {
    Msgin5gServerConfig {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        af_fqdns: vec![AF_FQDN.to_owned(), OTHER_AF_FQDN.to_owned()],
        expiry_sweep: Duration::from_millis(50),
        ..Msgin5gServerConfig::default()
    }
}

pub(crate) const fn answer(response: &Response) -> Answer<'_> {
    Answer {
        code: response.code.byte(),
        content_format: Some(msgin5g::CONTENT_FORMAT_JSON),
        body: response.payload.as_slice(),
    }
}

/// The cause in the body of a refusal.
pub(crate) fn cause_in(response: &Response) -> Option<Cause> {
    let body: serde_json::Value = serde_json::from_slice(&response.payload).ok()?;
    Cause::from_name(body.get("Failure Cause")?.as_str()?)
}

/// Code and cause of a refusal.
pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, AnswerError>) -> (u8, Cause) {
    match result.expect_err("a refusal") {
        AnswerError::Refused(refusal) => match refusal.cause {
            Some(FailureCause::Known(cause)) => (refusal.code, cause),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

pub(crate) fn now(bench: &Bench) -> Timestamp {
    Timestamp::from_unix_seconds(bench.runtime.clock.unix_seconds())
}

pub(crate) fn service_id(name: &str) -> UeServiceId {
    UeServiceId::parse(&format!("{name}@msgin5g.berth.test")).unwrap()
}

fn msgin5g_client(name: &str) -> Msgin5gClient {
    Msgin5gClient::new(ServiceIdentifier::default(), service_id(name))
}

pub(crate) fn supi(name: &str) -> Supi {
    Supi::parse(&format!("nai-{name}@operator.berth.test")).unwrap()
}

pub(crate) fn identity(name: &str) -> Vec<u8> {
    akma::psk_identity(&AKid::parse(&format!("{name}@operator.berth.test")).unwrap())
}

/// A key that depends on everything that K_AF depends on.
fn k_af(name: &str, af_fqdn: &str, ua_star_id: UaStarId) -> KAf {
    let mut key = [0x5a_u8; 32];
    let parts = [name.as_bytes(), af_fqdn.as_bytes(), ua_star_id.as_bytes()].concat();
    for (place, octet) in parts.iter().enumerate() {
        if let Some(target) = key.get_mut(place % 32) {
            *target = target.rotate_left(3) ^ octet;
        }
    }
    KAf::new(key)
}

pub(crate) fn psk(name: &str, af_fqdn: &str, suite: CipherSuite) -> SecretBytes {
    let key = k_af(name, af_fqdn, UaStarId::tls12(suite.number()));
    SecretBytes::new(key.expose().to_vec())
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no test panics inside")
}

/// Polls until something holds.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < DEADLINE, "it never came to that");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

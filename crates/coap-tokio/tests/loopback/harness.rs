//! A server with a few resources, and clients of it.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use coap::{Code, ContentFormat, Method, Parameters, Request, Response};
use coap_tokio::{
    Client, ClientConfig, ConnectError, Handler, Incoming, KeyLookup, KeyQuery, LookupUnavailable,
    Observation, PreSharedKey, Server, ServerConfig, ServesNothing, Session, Tasks,
};
use dtls::CipherSuite;
use secret::SecretBytes;
use tokio::sync::Semaphore;

/// What the lookup of the tests learns: the name of the device.
pub(crate) struct Device {
    pub(crate) name: String,
}

/// Keys by identity.
#[derive(Default)]
pub(crate) struct Keys {
    pub(crate) known: HashMap<Vec<u8>, Vec<u8>>,
    pub(crate) expires_at_unix_ms: Option<u64>,
    pub(crate) unavailable: bool,
    pub(crate) lookups: AtomicU64,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let known = ["alice", "bob"].map(|name| (name.into(), key(name)));
        Self {
            known: known.into(),
            ..Self::default()
        }
    }
}

/// The key of a device of the tests.
pub(crate) fn key(name: &str) -> Vec<u8> {
    format!("the 32 octets long key of {name:.<6}").into_bytes()
}

impl KeyLookup for Keys {
    type Context = Device;

    async fn lookup(
        &self,
        query: KeyQuery,
    ) -> Result<Option<PreSharedKey<Device>>, LookupUnavailable> {
        self.lookups.fetch_add(1, Ordering::Relaxed);
        if self.unavailable {
            return Err(LookupUnavailable);
        }
        let key = self.known.get(&query.identity).cloned();
        Ok(key.map(|key| PreSharedKey {
            key: SecretBytes::new(key),
            expires_at_unix_ms: self.expires_at_unix_ms,
            context: Device {
                name: String::from_utf8_lossy(&query.identity).into_owned(),
            },
        }))
    }
}

/// The resources of the tests.
pub(crate) struct Resources {
    pub(crate) runs: AtomicU64,
    /// `/slow` waits for a permit.
    pub(crate) gate: Semaphore,
    pub(crate) sessions: Mutex<Vec<Session<Device>>>,
    pub(crate) observations: Mutex<Vec<Observation<Device>>>,
    pub(crate) closed: Mutex<Vec<String>>,
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            runs: AtomicU64::new(0),
            gate: Semaphore::new(0),
            sessions: Mutex::default(),
            observations: Mutex::default(),
            closed: Mutex::default(),
        }
    }
}

impl Handler<Device> for Resources {
    async fn request(&self, session: Session<Device>, incoming: Incoming<Device>) -> Response {
        self.runs.fetch_add(1, Ordering::Relaxed);
        let Incoming {
            request,
            registration,
        } = incoming;
        match (request.method, request.path().as_str()) {
            (Method::Get, "/who") => text(&session.context().name),
            (Method::Get, "/large") => {
                Response::content(ContentFormat::OCTET_STREAM, vec![7; 20_000])
            }
            (Method::Post, "/echo") => {
                Response::content(ContentFormat::OCTET_STREAM, request.payload)
            }
            (Method::Get, "/observed") => {
                if let Some(registration) = registration {
                    let observation = registration.accept();
                    self.observations
                        .lock()
                        .expect("no test panics inside")
                        .push(observation);
                }
                text("first")
            }
            (_, "/slow" | "/prompt") => {
                let permit = self.gate.acquire().await.expect("the gate stays open");
                permit.forget();
                text("at last")
            }
            (Method::Get, "/panic") => panic!("this handler always panics"),
            _ => Response::new(Code::NOT_FOUND),
        }
    }

    fn requires_piggyback(&self, request: &Request) -> bool {
        request.path() == "/prompt"
    }

    fn established(&self, session: &Session<Device>) {
        self.sessions
            .lock()
            .expect("no test panics inside")
            .push(session.clone());
    }

    fn closed(&self, session: &Session<Device>, reason: dtls::CloseReason) {
        self.closed
            .lock()
            .expect("no test panics inside")
            .push(format!("{} {reason:?}", session.context().name));
    }
}

pub(crate) fn text(body: &str) -> Response {
    Response::content(ContentFormat::TEXT, body.into())
}

/// A server under test, and what belongs to it.
pub(crate) struct Bench {
    pub(crate) server: Server<Device>,
    pub(crate) resources: Arc<Resources>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) tasks: Tasks,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        Self::with(config(), Keys::new()).await
    }

    pub(crate) async fn with(config: ServerConfig, keys: Keys) -> Self {
        let resources = Arc::new(Resources::default());
        let keys = Arc::new(keys);
        let tasks = Tasks::default();
        let server = Server::bind(config, Arc::clone(&keys), Arc::clone(&resources), &tasks)
            .await
            .expect("the loopback interface has a free port");
        Self {
            server,
            resources,
            keys,
            tasks,
        }
    }

    /// Where clients of any family find the server.
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.local_address()
    }

    pub(crate) async fn client(&self, name: &str) -> Client {
        self.connect(client_config(self.address(), name))
            .await
            .expect("the key is right")
    }

    pub(crate) async fn connect(&self, config: ClientConfig) -> Result<Client, ConnectError> {
        Client::connect(config, Arc::new(ServesNothing), &self.tasks).await
    }

    /// Waits until the server's side of the newest session is there.
    pub(crate) async fn newest_session(&self, count: usize) -> Session<Device> {
        let sessions = || {
            self.resources
                .sessions
                .lock()
                .expect("no test panics inside")
        };
        until(|| sessions().len() >= count).await;
        sessions().last().cloned().expect("a session is there")
    }

    /// Ends everything, and fails if it does not end.
    pub(crate) async fn stop(self) {
        self.tasks.token.cancel();
        self.tasks.tracker.close();
        let ended = tokio::time::timeout(DEADLINE, self.tasks.tracker.wait()).await;
        assert!(ended.is_ok(), "tasks outlive the token");
    }
}

pub(crate) fn config() -> ServerConfig {
    ServerConfig {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        coap: Parameters {
            // so that separate responses need no waiting
            acknowledge_after: Duration::from_millis(50),
            ..Parameters::default()
        },
        ..ServerConfig::default()
    }
}

pub(crate) fn client_config(server: SocketAddr, name: &str) -> ClientConfig {
    let keys = CipherSuite::ALL.map(|suite| (suite, SecretBytes::new(key(name))));
    ClientConfig::new(server, name.as_bytes(), keys.to_vec())
}

/// Polls until something holds.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !holds() {
        assert!(start.elapsed() < DEADLINE, "it never came to that");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

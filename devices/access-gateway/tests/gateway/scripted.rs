//! The network behind the gateway, scripted, and a device in front of it.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use access_gateway::{AccessGatewayConfig, NetworkConfig, Ports, build};
use aka::{Amf, Auts, HomeVector, Rand, Sqn, generate_vector, verify_auts};
use cause::Cause;
use identifiers::ServingNetworkName;
use nf_api::convert::{key, timestamp};
use nf_api::pb::access_gateway::exchange_request::Message as Uplink;
use nf_api::pb::access_gateway::exchange_response::Message as Downlink;
use nf_api::pb::access_gateway::n1_service_client::N1ServiceClient;
use nf_api::pb::access_gateway::{ExchangeRequest, ExchangeResponse, Reject};
use nf_api::pb::ausf::authentication_service_server::{
    AuthenticationService, AuthenticationServiceServer,
};
use nf_api::pb::ausf::confirm_aka_response::Result as Confirmed;
use nf_api::pb::ausf::one_way_auth_service_server::{OneWayAuthService, OneWayAuthServiceServer};
use nf_api::pb::ausf::{
    AuthenticateStreamRequest, AuthenticateStreamResponse, ConfirmAkaRequest, ConfirmAkaResponse,
    LimitedSession, ProveRequest, ProveResponse, ResyncAkaRequest, StartAkaRequest,
    StartAkaResponse, StartRequest, StartResponse,
};
use nf_api::pb::subscription_manager::get_session_response::State;
use nf_api::pb::subscription_manager::session_service_server::{
    SessionService, SessionServiceServer,
};
use nf_api::pb::subscription_manager::watch_sessions_response::Kind;
use nf_api::pb::subscription_manager::{
    EndSessionRequest, EndSessionResponse, GetSessionRequest, GetSessionResponse,
    WatchSessionsRequest, WatchSessionsResponse,
};
use nf_api::status::refuse;
use nf_api::{Caller, NetworkFunction};
use nf_runtime::Runtime;
use nf_runtime::grpc::in_process;
use onboarding::Frame;
use secret::{K, Opc};
use tokio::sync::{broadcast, mpsc};
use tokio::time::timeout;
use tokio_stream::wrappers::{BroadcastStream, ReceiverStream};
use tokio_stream::{Stream, StreamExt as _};
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming, async_trait};

pub(crate) const SNN: &str = "5G:mnc001.mcc001.3gppnetwork.org";
pub(crate) const SUCI: &str = "suci-0-001-01-0-0-0-0000000001";
pub(crate) const SESSION: [u8; 16] = [7; 16];

/// Gateways of one test run share a machine.
static FIRST_PORT: AtomicU16 = AtomicU16::new(20_000);

pub(crate) fn k() -> K {
    K::new([1; 16])
}

pub(crate) fn opc() -> Opc {
    Opc::new([2; 16])
}

/// What the scripted network saw and is told to do.
#[derive(Clone)]
pub(crate) struct Network(pub(crate) Arc<Mutex<Script>>);

pub(crate) struct Script {
    /// The home network's number.
    pub(crate) sqn: Sqn,
    pub(crate) vector: Option<HomeVector>,
    pub(crate) commit: Vec<u8>,
    /// What gateways asked to confirm: context, RES*, serving network name.
    pub(crate) confirmed: Vec<(String, Option<Vec<u8>>, String)>,
    pub(crate) started: Vec<StartRequest>,
    pub(crate) proven: Vec<ProveRequest>,
    /// Answers to Prove are lost.
    pub(crate) lose_answers: bool,
    /// What Prove answers.
    pub(crate) session: Option<LimitedSession>,
    pub(crate) refuse_with: Option<Cause>,
    pub(crate) state: State,
    pub(crate) ended: Vec<Vec<u8>>,
    pub(crate) events: broadcast::Sender<(Kind, Vec<u8>)>,
}

impl Network {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Script {
            sqn: Sqn::ZERO,
            vector: None,
            commit: b"commit".to_vec(),
            confirmed: Vec::new(),
            started: Vec::new(),
            proven: Vec::new(),
            lose_answers: false,
            session: None,
            refuse_with: None,
            state: State::Limited,
            ended: Vec::new(),
            events: broadcast::Sender::new(16),
        })))
    }

    pub(crate) fn script<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }

    fn challenge(&self, context: &str) -> StartAkaResponse {
        self.script(|script| {
            script.sqn = script.sqn.next().unwrap();
            let snn = ServingNetworkName::parse(SNN).unwrap();
            let rand = Rand::new([9; 16]);
            let vector = generate_vector(&k(), &opc(), Amf::new([0x80, 0]), script.sqn, rand, &snn);
            let vector = vector.unwrap();
            let answer = StartAkaResponse {
                auth_ctx_id: context.to_owned(),
                rand: rand.as_octets().to_vec(),
                autn: vector.autn.as_octets().to_vec(),
                hxres_star: vector.hxres_star().as_octets().to_vec(),
            };
            script.vector = Some(vector);
            answer
        })
    }
}

#[async_trait]
impl OneWayAuthService for Network {
    async fn start(
        &self,
        request: Request<StartRequest>,
    ) -> Result<Response<StartResponse>, Status> {
        let refused = self.script(|script| {
            script.started.push(request.into_inner());
            script.refuse_with
        });
        match refused {
            Some(cause) => Err(refuse(cause)),
            None => Ok(Response::new(StartResponse {
                frame: Frame::Challenge(b"challenge").encode(),
            })),
        }
    }

    async fn prove(
        &self,
        request: Request<ProveRequest>,
    ) -> Result<Response<ProveResponse>, Status> {
        let (lost, limited_session) = self.script(|script| {
            script.proven.push(request.into_inner());
            (script.lose_answers, script.session.clone())
        });
        if lost {
            return Err(Status::unavailable("the answer is lost"));
        }
        let frame = match &limited_session {
            Some(_) => Frame::Accept(b"accept").encode(),
            None => Frame::Reject(b"reject").encode(),
        };
        Ok(Response::new(ProveResponse {
            frame,
            limited_session,
        }))
    }
}

#[async_trait]
impl AuthenticationService for Network {
    type AuthenticateStreamStream = ReceiverStream<Result<AuthenticateStreamResponse, Status>>;

    async fn start_aka(
        &self,
        request: Request<StartAkaRequest>,
    ) -> Result<Response<StartAkaResponse>, Status> {
        if let Some(cause) = self.script(|script| script.refuse_with) {
            return Err(refuse(cause));
        }
        assert_eq!(request.get_ref().serving_network_name, SNN);
        assert_eq!(request.get_ref().supi_or_suci, SUCI);
        Ok(Response::new(self.challenge("first")))
    }

    async fn confirm_aka(
        &self,
        request: Request<ConfirmAkaRequest>,
    ) -> Result<Response<ConfirmAkaResponse>, Status> {
        let request = request.into_inner();
        Ok(Response::new(self.script(|script| {
            let expected = script
                .vector
                .as_ref()
                .map(|vector| vector.xres_star.expose().to_vec());
            let success = expected.is_some() && request.res_star == expected;
            script.confirmed.push((
                request.auth_ctx_id,
                request.res_star,
                request.serving_network_name,
            ));
            if success {
                ConfirmAkaResponse {
                    result: Confirmed::Success.into(),
                    supi: "imsi-001010000000001".to_owned(),
                    k_seaf: Some(key(&[3; 32])),
                    commit: script.commit.clone(),
                }
            } else {
                ConfirmAkaResponse {
                    result: Confirmed::Failure.into(),
                    ..Default::default()
                }
            }
        })))
    }

    async fn resync_aka(
        &self,
        request: Request<ResyncAkaRequest>,
    ) -> Result<Response<StartAkaResponse>, Status> {
        let auts = Auts::from_slice(&request.get_ref().auts).unwrap();
        self.script(|script| {
            let rand = script.vector.as_ref().unwrap().rand;
            script.sqn = verify_auts(&k(), &opc(), &rand, &auts).unwrap();
        });
        Ok(Response::new(self.challenge("second")))
    }

    async fn authenticate_stream(
        &self,
        _: Request<Streaming<AuthenticateStreamRequest>>,
    ) -> Result<Response<Self::AuthenticateStreamStream>, Status> {
        Err(Status::unimplemented("not scripted"))
    }
}

type Events = std::pin::Pin<Box<dyn Stream<Item = Result<WatchSessionsResponse, Status>> + Send>>;

#[async_trait]
impl SessionService for Network {
    type WatchStream = Events;

    async fn get(
        &self,
        _: Request<GetSessionRequest>,
    ) -> Result<Response<GetSessionResponse>, Status> {
        let state = self.script(|script| script.state).into();
        Ok(Response::new(GetSessionResponse {
            state,
            ..Default::default()
        }))
    }

    async fn end(
        &self,
        request: Request<EndSessionRequest>,
    ) -> Result<Response<EndSessionResponse>, Status> {
        self.script(|script| script.ended.push(request.into_inner().session));
        Ok(Response::new(EndSessionResponse {}))
    }

    async fn watch(
        &self,
        _: Request<WatchSessionsRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let event = |(kind, session): (Kind, Vec<u8>)| {
            Ok(WatchSessionsResponse {
                kind: kind.into(),
                session,
            })
        };
        let events = self.script(|script| BroadcastStream::new(script.events.subscribe()));
        let events = tokio_stream::once((Kind::Resynchronize, Vec::new()))
            .chain(events.filter_map(Result::ok));
        let beats = events.timeout_repeating(tokio::time::interval(Duration::from_millis(500)));
        let events = beats.map(move |item| event(item.unwrap_or((Kind::Heartbeat, Vec::new()))));
        Ok(Response::new(Box::pin(events)))
    }
}

/// A gateway in front of a scripted network.
pub(crate) struct Bench {
    pub(crate) network: Network,
    pub(crate) runtime: Runtime,
    address: String,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let network = Network::new();
        let runtime = Runtime::for_tests();
        let caller = || Caller::Function {
            function: NetworkFunction::AccessGateway,
            instance: Some("lab".to_owned()),
        };
        let ausf = Routes::new(OneWayAuthServiceServer::new(network.clone()))
            .add_service(AuthenticationServiceServer::new(network.clone()));
        let manager = Routes::new(SessionServiceServer::new(network.clone()));
        let ports = Ports {
            ausf: in_process(ausf, caller(), &runtime),
            subscription_manager: in_process(manager, caller(), &runtime),
        };
        let entry = |network_id: &str, nid: Option<&str>, onboarding| NetworkConfig {
            network_id: network_id.to_owned(),
            mcc: "001".to_owned(),
            mnc: "01".to_owned(),
            nid: nid.map(str::to_owned),
            name: "Laboratory".to_owned(),
            onboarding,
        };
        let first_port = FIRST_PORT.fetch_add(64, Ordering::Relaxed);
        let config = AccessGatewayConfig {
            networks: vec![
                entry("lab", None, true),
                entry("closed", Some("000007ED9D5"), false),
            ],
            first_port,
            last_port: first_port + 63,
            ..AccessGatewayConfig::default()
        };
        let built = build(&config, ports, &runtime).await.unwrap();
        let address = format!("http://{}", built.address);
        Self {
            network,
            runtime,
            address,
        }
    }

    /// Lets Prove open a session that may reach `targets`.
    pub(crate) fn let_in(
        &self,
        provisioning_server: &str,
        targets: &[String],
        seconds: u64,
        quota_bytes: u64,
    ) {
        let expires = self.runtime.clock.unix_ms() + seconds * 1000;
        self.network.script(|script| {
            script.session = Some(LimitedSession {
                session: SESSION.to_vec(),
                expires_at: Some(timestamp(expires)),
                provisioning_server: provisioning_server.to_owned(),
                allowed_targets: targets.to_vec(),
                dnn: "onboarding".to_owned(),
                quota_bytes,
            });
        });
    }

    pub(crate) async fn device(&self) -> Device {
        let mut client = N1ServiceClient::connect(self.address.clone())
            .await
            .unwrap();
        let (uplink, messages) = mpsc::channel(4);
        let answers = client
            .exchange(ReceiverStream::new(messages))
            .await
            .unwrap()
            .into_inner();
        Device {
            uplink,
            downlink: answers,
        }
    }
}

/// A device at the radio.
pub(crate) struct Device {
    uplink: mpsc::Sender<ExchangeRequest>,
    downlink: Streaming<ExchangeResponse>,
}

impl Device {
    pub(crate) async fn send(&self, message: Uplink) {
        self.uplink
            .send(ExchangeRequest {
                message: Some(message),
            })
            .await
            .unwrap();
    }

    pub(crate) async fn receive(&mut self) -> Downlink {
        let received = timeout(Duration::from_secs(10), self.downlink.message()).await;
        received.unwrap().unwrap().unwrap().message.unwrap()
    }

    pub(crate) async fn ask(&mut self, message: Uplink) -> Downlink {
        self.send(message).await;
        self.receive().await
    }

    /// Asks for something that is rejected, and gives the cause.
    pub(crate) async fn rejected(&mut self, message: Uplink) -> Cause {
        match self.ask(message).await {
            Downlink::Reject(Reject { cause }) => nf_api::convert::cause(cause).unwrap(),
            _ => panic!("not rejected"),
        }
    }
}

/// Waits until something holds, without guessing how long that takes.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(tokio::time::Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

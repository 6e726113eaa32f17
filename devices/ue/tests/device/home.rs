//! The scripted home network: AuSF, vault and subscription manager in one.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use access_gateway::{AccessGatewayConfig, NetworkConfig, Ports};
use aka::{Amf, Auts, HomeVector, Rand, Sqn, generate_vector, verify_auts};
use cause::Cause;
use coap_tokio::{Observation, Tasks};
use cose::VerificationKey;
use identifiers::{OnboardingSession, ServingNetworkName, Suci};
use key_hierarchy::suci::deconceal;
use nf_api::convert::{key, timestamp};
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
use onboarding::server::{
    ChallengeParameters, StartContext, StartOutcome, check_certificate, check_start, make_accept,
    make_challenge, verify_proof,
};
use onboarding::{
    AgreementKey, Frame, KeySchedule, NetworkProofLevel, Recipient, RecipientKey, Reject,
    SessionKeys, SessionParameters, Start, Suite, Transcript, sign_network_proof,
};
use provisioning::{Commit, Profile, Receipt, SealForProof, package_psk, seal_for_proof};
use secret::{KAusf, PrivateKey};
use tokio::net::TcpListener;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming, async_trait};
use ue::{Manufacture, Ue};

use crate::operator::{Operator, SUPI, home_network_key, k, now, opc};
use crate::portal::Tls;

pub(crate) const SNN: &str = "5G:mnc001.mcc001.3gppnetwork.org";

/// One laboratory. Clones are the same.
#[derive(Clone)]
pub(crate) struct Home(Arc<Shared>);

struct Shared {
    operator: Operator,
    script: Mutex<Script>,
}

/// A session after its Accept.
pub(crate) struct Admitted {
    start: Vec<u8>,
    challenge: Vec<u8>,
    proof: Vec<u8>,
    pub(crate) recipient: Recipient,
    pub(crate) keys: SessionKeys,
    pub(crate) identity: VerificationKey,
}

/// Spoils a package before it is sealed.
pub(crate) type Seals = Box<dyn Fn(&Home, &mut Sealing) + Send>;

/// Signs a commit, or something else.
pub(crate) type Commits = Box<dyn Fn(&Operator, Commit) -> Vec<u8> + Send>;

/// What the network does, and what it saw.
pub(crate) struct Script {
    // what it is told to do
    pub(crate) signed_up: bool,
    pub(crate) page: String,
    pub(crate) reject: Option<Cause>,
    pub(crate) seals: Seals,
    pub(crate) packages: Vec<Vec<u8>>,
    pub(crate) replay_package: Option<usize>,
    pub(crate) lose_receipts: bool,
    pub(crate) commit: Commits,
    pub(crate) spoil_autn: bool,
    pub(crate) refuse_aka: Option<Cause>,
    pub(crate) sqn: Sqn,
    pub(crate) epoch: u64,
    pub(crate) unknown_lookups: u32,
    // what it knows
    started: HashMap<OnboardingSession, (Vec<u8>, Vec<u8>, KeySchedule)>,
    pub(crate) sessions: HashMap<OnboardingSession, Admitted>,
    pub(crate) installed: Option<Profile>,
    vector: Option<HomeVector>,
    pub(crate) k_ausf: Option<KAusf>,
    portal_url: String,
    provisioning_server: String,
    pub(crate) coaps_uri: String,
    // what it saw
    pub(crate) posted: Vec<String>,
    pub(crate) receipts: Vec<Receipt>,
    pub(crate) observations: Vec<(OnboardingSession, Observation<OnboardingSession>)>,
    pub(crate) res_stars: Vec<Option<Vec<u8>>>,
    pub(crate) resynchronized: u32,
    pub(crate) lookups: u32,
    /// Messages that the device has not acknowledged.
    pub(crate) stored: Vec<Vec<u8>>,
}

/// A package about to be sealed; tests spoil it here.
pub(crate) struct Sealing {
    pub(crate) profile: Profile,
    pub(crate) session: OnboardingSession,
    pub(crate) operator: Option<Operator>,
    pub(crate) keyset: Option<Vec<u8>>,
    pub(crate) network_proof: NetworkProofLevel,
    pub(crate) claim_secret: Option<provisioning::ClaimSecret>,
    pub(crate) recipient: RecipientKey,
    pub(crate) cert_direct: bool,
}

pub(crate) const PAGE: &str = "<form method=post action=/sign-up><input type=hidden name=csrf value=token>\
    <input type=radio name=plan_id value=lab><input name=order_code>\
    <input type=checkbox name=terms value=accepted required><button>Go</button></form>";

impl Home {
    fn new(operator: Operator) -> Self {
        Self(Arc::new(Shared {
            operator,
            script: Mutex::new(Script {
                signed_up: false,
                page: PAGE.to_owned(),
                reject: None,
                seals: Box::new(|_, _| {}),
                packages: Vec::new(),
                replay_package: None,
                lose_receipts: false,
                commit: Box::new(|operator, commit| commit.sign(&operator.signer).unwrap()),
                spoil_autn: false,
                refuse_aka: None,
                sqn: Sqn::ZERO,
                epoch: 1,
                unknown_lookups: 0,
                started: HashMap::new(),
                sessions: HashMap::new(),
                installed: None,
                vector: None,
                k_ausf: None,
                portal_url: String::new(),
                provisioning_server: String::new(),
                coaps_uri: String::new(),
                posted: Vec::new(),
                receipts: Vec::new(),
                observations: Vec::new(),
                res_stars: Vec::new(),
                resynchronized: 0,
                lookups: 0,
                stored: Vec::new(),
            }),
        }))
    }

    pub(crate) fn script<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        change(&mut self.0.script.lock().unwrap())
    }

    pub(crate) fn operator(&self) -> &Operator {
        &self.0.operator
    }

    pub(crate) fn portal_url(&self) -> String {
        self.script(|script| script.portal_url.clone())
    }

    pub(crate) fn sign_up(&self) {
        self.script(|script| script.signed_up = true);
    }

    /// Seals the package of a session, spoiled as the script says.
    pub(crate) fn package(&self, session: &OnboardingSession) -> Vec<u8> {
        if let Some(package) = self.script(|script| {
            script
                .replay_package
                .and_then(|at| script.packages.get(at).cloned())
        }) {
            return package;
        }
        let (start, challenge, proof, package_key, epoch, coaps_uri) = self.script(|script| {
            let admitted = &script.sessions[session];
            let keys = admitted.keys.package.clone();
            (
                admitted.start.clone(),
                admitted.challenge.clone(),
                admitted.proof.clone(),
                keys,
                script.epoch,
                script.coaps_uri.clone(),
            )
        });
        let transcript = Transcript {
            start: &start,
            challenge: &challenge,
            proof: &proof,
        };
        let proven = verify_proof(&transcript, None).or_else(|_| {
            let identity = self.script(|script| script.sessions[session].identity.clone());
            verify_proof(&transcript, Some(&identity))
        });
        let proven = proven.unwrap();
        let (profile, secret) = self
            .operator()
            .profile(&proven.device_id, epoch, &coaps_uri);
        let mut sealing = Sealing {
            profile,
            session: *session,
            operator: None,
            keyset: Some(self.operator().keyset.clone()),
            network_proof: NetworkProofLevel::OperatorChain,
            claim_secret: None,
            recipient: proven.recipient_key().unwrap(),
            cert_direct: proven.recipient == Recipient::CertDirect,
        };
        let seals = self.script(|script| std::mem::replace(&mut script.seals, Box::new(|_, _| {})));
        seals(self, &mut sealing);
        self.script(|script| script.seals = seals);
        let operator = sealing.operator.as_ref().unwrap_or_else(|| self.operator());
        let mut header = Operator::header(
            &sealing.profile,
            sealing.session,
            &sealing.recipient,
            sealing.network_proof,
        );
        header.cert_direct = sealing.cert_direct;
        let psk = package_psk(&package_key, sealing.claim_secret.as_ref());
        let header = header.encode();
        let as_asked = sealing.profile.device_id == proven.device_id
            && sealing.session == *session
            && sealing.cert_direct == (proven.recipient == Recipient::CertDirect)
            && sealing.recipient == proven.recipient_key().unwrap();
        let package = if as_asked {
            let sealed = seal_for_proof(&SealForProof {
                transcript,
                known_key: Some(&proven.key),
                device_id: &proven.device_id,
                cert_direct_allowed: true,
                header: &header,
                profile: &sealing.profile.encode(),
                secret: &secret,
                psk: &psk,
                keyset: sealing.keyset.as_deref(),
                ephemeral: &PrivateKey::new(random()),
                signer: &operator.signer,
                now: now(),
            });
            sealed.unwrap().octets
        } else {
            // What no vault would seal.
            let whole = provisioning::insert_secret(&sealing.profile.encode(), &secret).unwrap();
            let sealed = provisioning::seal_package(&provisioning::SealPackage {
                header: &header,
                recipient: &sealing.recipient,
                transcript_hash: &transcript.hash(),
                psk: &psk,
                profile: &whole,
                keyset: sealing.keyset.as_deref(),
                ephemeral: &PrivateKey::new(random()),
                signer: &operator.signer,
            });
            sealed.unwrap().octets
        };
        self.script(|script| {
            script.installed = Some(sealing.profile);
            script.packages.push(package.clone());
        });
        package
    }

    fn challenge(&self) -> StartAkaResponse {
        self.script(|script| {
            script.sqn = script.sqn.next().unwrap();
            let snn = ServingNetworkName::parse(SNN).unwrap();
            let rand = Rand::new(random());
            let vector =
                generate_vector(&k(), &opc(), Amf::new([0x80, 0]), script.sqn, rand, &snn).unwrap();
            let mut autn = vector.autn.as_octets().to_vec();
            if script.spoil_autn {
                autn[15] ^= 1;
            }
            let hxres_star = vector.hxres_star().as_octets().to_vec();
            script.vector = Some(vector);
            StartAkaResponse {
                auth_ctx_id: "context".to_owned(),
                rand: rand.as_octets().to_vec(),
                autn,
                hxres_star,
            }
        })
    }
}

/// Randomness of the scripted side; nobody attacks it.
fn random<const N: usize>() -> [u8; N] {
    nf_runtime::random::Random::system().array()
}

#[async_trait]
impl OneWayAuthService for Home {
    async fn start(
        &self,
        request: Request<StartRequest>,
    ) -> Result<Response<StartResponse>, Status> {
        let request = request.into_inner();
        let Ok(Frame::Start(body)) = Frame::decode(&request.frame) else {
            panic!("no Start")
        };
        if let Some(cause) = self.script(|script| script.reject) {
            let reject = Reject {
                retry_after: Some(30),
                ..Reject::new(cause)
            };
            return Ok(Response::new(StartResponse {
                frame: Frame::Reject(&reject.encode()).encode(),
            }));
        }
        let snn = ServingNetworkName::parse(&request.serving_network_name).unwrap();
        let key = onboarding::CookieKey::new(secret::SecretBytes::new(vec![7; 32]));
        let context = StartContext {
            serving_network: &snn,
            suites: &[Suite::X25519],
            operator_chain: true,
            cookies: Some(onboarding::server::CookieDemand {
                key: &key,
                previous_key: None,
                source: onboarding::Source(request.ue_reference.as_bytes()),
                now: now(),
            }),
        };
        let frame = match check_start(body, &context).unwrap() {
            StartOutcome::Retry(retry) => Frame::Retry(&retry).encode(),
            StartOutcome::Proceed(start) => {
                let ephemeral =
                    AgreementKey::new(start.suite(), PrivateKey::new(random())).unwrap();
                let session = OnboardingSession::new(random());
                let parameters = ChallengeParameters {
                    session,
                    nonce: random(),
                    authenticator: "ausf".to_owned(),
                    now: now(),
                };
                let draft = make_challenge(&start, parameters, &ephemeral).unwrap();
                let operator = self.operator();
                let proof = start.needs_network_proof().then(|| {
                    let chain: Vec<&[u8]> =
                        operator.network_chain.iter().map(Vec::as_slice).collect();
                    sign_network_proof(
                        &draft.start_hash(),
                        &draft.octets(),
                        &chain,
                        &operator.network,
                    )
                    .unwrap()
                });
                let issued = draft.issue(proof);
                let record = (body.to_vec(), issued.octets.clone(), issued.schedule);
                self.script(|script| script.started.insert(session, record));
                Frame::Challenge(&issued.octets).encode()
            }
        };
        Ok(Response::new(StartResponse { frame }))
    }

    async fn prove(
        &self,
        request: Request<ProveRequest>,
    ) -> Result<Response<ProveResponse>, Status> {
        let request = request.into_inner();
        let Ok(Frame::Proof(proof, session)) = Frame::decode(&request.frame) else {
            panic!("no Proof")
        };
        let (start, challenge, schedule) = self.script(|script| script.started[&session].clone());
        let transcript = Transcript {
            start: &start,
            challenge: &challenge,
            proof,
        };
        let proven = verify_proof(&transcript, None).unwrap();
        if let Some(certificate) = Start::decode(&start).unwrap().chain.first() {
            check_certificate(&proven.start, certificate).unwrap();
        }
        let expires = now() + 900;
        let (portal_url, server) = self.script(|script| {
            (
                script.portal_url.clone(),
                script.provisioning_server.clone(),
            )
        });
        let parameters = SessionParameters {
            session,
            expires,
            portal_uri: portal_url.clone(),
            captive_portal_api_uri: format!("{portal_url}/capport/v1"),
            provisioning_uris: vec![format!("coaps://{server}")],
            data_network: "onboarding".to_owned(),
        };
        let accepted = make_accept(&schedule, &transcript, &parameters).unwrap();
        let admitted = Admitted {
            start: start.clone(),
            challenge: challenge.clone(),
            proof: proof.to_vec(),
            recipient: proven.recipient,
            keys: accepted.keys,
            identity: proven.key,
        };
        self.script(|script| script.sessions.insert(session, admitted));
        Ok(Response::new(ProveResponse {
            frame: Frame::Accept(&accepted.octets).encode(),
            limited_session: Some(LimitedSession {
                session: session.as_bytes().to_vec(),
                expires_at: Some(timestamp(expires * 1000)),
                provisioning_server: server,
                allowed_targets: vec![portal_url.replace("https://", "")],
                dnn: "onboarding".to_owned(),
                quota_bytes: 1 << 20,
            }),
        }))
    }
}

#[async_trait]
impl AuthenticationService for Home {
    type AuthenticateStreamStream = ReceiverStream<Result<AuthenticateStreamResponse, Status>>;

    async fn start_aka(
        &self,
        request: Request<StartAkaRequest>,
    ) -> Result<Response<StartAkaResponse>, Status> {
        if let Some(cause) = self.script(|script| script.refuse_aka) {
            return Err(refuse(cause));
        }
        let suci = Suci::parse(&request.get_ref().supi_or_suci).unwrap();
        assert_eq!(suci.scheme(), identifiers::ProtectionScheme::ProfileA);
        let supi = deconceal(&suci, &[home_network_key()]).unwrap();
        assert_eq!(supi.as_text(), SUPI);
        Ok(Response::new(self.challenge()))
    }

    async fn confirm_aka(
        &self,
        request: Request<ConfirmAkaRequest>,
    ) -> Result<Response<ConfirmAkaResponse>, Status> {
        let request = request.into_inner();
        let failure = || ConfirmAkaResponse {
            result: Confirmed::Failure.into(),
            ..Default::default()
        };
        Ok(Response::new(self.script(|script| {
            script.res_stars.push(request.res_star.clone());
            let Some(vector) = script.vector.take() else {
                return failure();
            };
            if request.res_star.as_deref() != Some(vector.xres_star.expose().as_slice()) {
                return failure();
            }
            script.k_ausf = Some(vector.k_ausf);
            let installed = script.installed.as_ref().map(Operator::commit);
            ConfirmAkaResponse {
                result: Confirmed::Success.into(),
                supi: SUPI.to_owned(),
                k_seaf: Some(key(&[3; 32])),
                commit: installed
                    .map(|commit| (script.commit)(&self.0.operator, commit))
                    .unwrap_or_default(),
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
            script.resynchronized += 1;
        });
        Ok(Response::new(self.challenge()))
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
impl SessionService for Home {
    type WatchStream = Events;

    async fn get(
        &self,
        _: Request<GetSessionRequest>,
    ) -> Result<Response<GetSessionResponse>, Status> {
        Ok(Response::new(GetSessionResponse::default()))
    }

    async fn end(
        &self,
        _: Request<EndSessionRequest>,
    ) -> Result<Response<EndSessionResponse>, Status> {
        Ok(Response::new(EndSessionResponse {}))
    }

    async fn watch(
        &self,
        _: Request<WatchSessionsRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let beat = || {
            Ok(WatchSessionsResponse {
                kind: Kind::Heartbeat.into(),
                session: Vec::new(),
            })
        };
        let beats =
            tokio_stream::iter(std::iter::repeat_with(beat)).throttle(Duration::from_millis(500));
        Ok(Response::new(Box::pin(beats)))
    }
}

/// Everything that runs for one test.
pub(crate) struct Laboratory {
    pub(crate) home: Home,
    folder: tempfile::TempDir,
    tasks: Tasks,
    runtime: Runtime,
}

impl Drop for Laboratory {
    fn drop(&mut self) {
        self.tasks.token.cancel();
        self.runtime.lifecycle.token().cancel();
    }
}

impl Laboratory {
    pub(crate) async fn new() -> Self {
        let home = Home::new(Operator::new("operator"));
        let tasks = Tasks::default();
        let runtime = Runtime::new(Default::default(), Default::default());
        let tls = Tls::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let portal_url = format!(
            "https://localhost:{}",
            listener.local_addr().unwrap().port()
        );
        crate::portal::serve(listener, &tls, home.clone(), &tasks.tracker).await;
        let provisioning_server = crate::provisioning_server::serve(home.clone(), &tasks).await;
        let messaging = crate::messaging_server::serve(home.clone(), &tasks).await;
        home.script(|script| {
            script.portal_url = portal_url;
            script.provisioning_server = provisioning_server.to_string();
            script.coaps_uri = format!("coaps://{messaging}");
        });
        let caller = || Caller::Function {
            function: NetworkFunction::AccessGateway,
            instance: Some("lab".to_owned()),
        };
        let ausf = Routes::new(OneWayAuthServiceServer::new(home.clone()))
            .add_service(AuthenticationServiceServer::new(home.clone()));
        let manager = Routes::new(SessionServiceServer::new(home.clone()));
        let ports = Ports {
            ausf: in_process(ausf, caller(), &runtime),
            subscription_manager: in_process(manager, caller(), &runtime),
        };
        let config = AccessGatewayConfig {
            networks: vec![NetworkConfig {
                network_id: "lab".to_owned(),
                mcc: "001".to_owned(),
                mnc: "01".to_owned(),
                nid: None,
                name: "Laboratory".to_owned(),
                onboarding: true,
            }],
            ..AccessGatewayConfig::default()
        };
        let gateway = access_gateway::build(&config, ports, &runtime)
            .await
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let address = format!("http://{}", gateway.address);
        home.operator()
            .write_lab(&folder.path().join("lab"), &address, &tls.authority_pem);
        Self {
            home,
            folder,
            tasks,
            runtime,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn device(&self, name: &str, options: &Manufacture) -> Ue {
        Ue::manufacture(&self.path(name), &self.path("lab"), options).unwrap()
    }

    /// A device that has onboarded and authenticated.
    pub(crate) async fn subscriber(&self, name: &str) -> Ue {
        let mut device = self.device(name, &Manufacture::default());
        crate::onboarding::onboard(&mut device).await.unwrap();
        device.authenticate().await.unwrap();
        device
    }
}

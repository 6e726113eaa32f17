//! The whole function on its sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cause::Cause;
use coap::{Code, ContentFormat, Method, Request as CoapRequest};
use coap_tokio::{Client, ClientConfig, ServesNothing, Tasks};
use dtls::CipherSuite;
use futures::StreamExt as _;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::TokioIo;
use nf_api::convert::key;
use nf_api::pb::common::UeAddress;
use nf_api::pb::subscription_manager as pb;
use nf_api::pb::subscription_manager::delivery_service_client::DeliveryServiceClient;
use nf_api::pb::subscription_manager::device_intake_service_client::DeviceIntakeServiceClient;
use nf_api::pb::subscription_manager::order_service_client::OrderServiceClient;
use nf_api::pb::subscription_manager::plan_service_client::PlanServiceClient;
use nf_api::pb::subscription_manager::session_service_client::SessionServiceClient;
use nf_api::pb::subscription_manager::{get_session_response, watch_sessions_response};
use nf_api::status::cause_of;
use nf_api::{Caller, NetworkFunction};
use nf_runtime::Runtime;
use nf_runtime::grpc::{Channel, in_process};
use nf_runtime::pki::LabAuthority;
use provisioning::ReceiptResult;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use secret::SecretBytes;
use tokio::net::TcpSocket;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig as TlsClientConfig, RootCertStore};
use tonic::Request as GrpcRequest;

use super::device::{Authentication, Device, SERVING_NETWORK};
use super::world::{World, sealer};
use crate::{Built, SubscriptionManagerConfig, build_on};

/// The function, built and listening.
struct Running {
    world: World,
    runtime: Runtime,
    built: Built,
    ca: CertificateDer<'static>,
    dir: tempfile::TempDir,
}

impl Running {
    async fn new() -> Self {
        let world = World::new().await;
        let runtime = Runtime {
            clock: world.clock.clone(),
            random: world.random.clone(),
            ..Runtime::for_tests()
        };
        let dir = tempfile::tempdir().unwrap();
        let authority = LabAuthority::create(dir.path(), "berth.test").unwrap();
        let issued = authority
            .issue_server(&["localhost"], &[[127, 0, 0, 1].into()])
            .unwrap();
        let (portal_certificate, portal_key) = authority.write("portal", &issued).unwrap();
        let ca = CertificateDer::from_pem_slice(authority.certificate_pem().as_bytes()).unwrap();
        let config = SubscriptionManagerConfig {
            portal_certificate,
            portal_key,
            ..SubscriptionManagerConfig::default()
        };
        let store = world.database.for_function("subscription-manager").unwrap();
        let (vault, cm) = (world.vault.clone(), world.configuration_management.clone());
        let (built, _) = build_on(config, store, sealer(), vault, cm, &runtime)
            .await
            .unwrap();
        Self {
            world,
            runtime,
            built,
            ca,
            dir,
        }
    }

    fn channel(&self, caller: Caller) -> Channel {
        in_process(self.built.function.routes.clone(), caller, &self.runtime)
    }

    fn function(&self, function: NetworkFunction) -> Channel {
        self.channel(Caller::function(function))
    }

    fn gateway(&self, name: &str) -> Channel {
        self.channel(Caller::Function {
            function: NetworkFunction::AccessGateway,
            instance: Some(name.to_owned()),
        })
    }

    fn operator(&self) -> Channel {
        self.channel(Caller::Operator {
            name: "admin".to_owned(),
        })
    }

    async fn intake(
        &self,
        request: pb::DeviceAuthenticatedRequest,
    ) -> Result<pb::DeviceAuthenticatedResponse, Cause> {
        let mut client = DeviceIntakeServiceClient::new(self.function(NetworkFunction::Ausf));
        client
            .device_authenticated(request)
            .await
            .map(tonic::Response::into_inner)
            .map_err(|status| cause_of(&status))
    }

    async fn session_state(&self, authentication: &Authentication) -> get_session_response::State {
        let mut client = SessionServiceClient::new(self.gateway("lab"));
        let request = pb::GetSessionRequest {
            session: authentication.session.as_bytes().to_vec(),
        };
        client.get(request).await.unwrap().into_inner().state()
    }

    async fn order(&self, serial: &str) {
        let request = pb::CreateOrderRequest {
            idempotency_key: serial.to_owned(),
            plan_id: "lab".to_owned(),
            manufacturer: "Acme".to_owned(),
            serial: serial.to_owned(),
            claim_secret: None,
        };
        let placed = OrderServiceClient::new(self.operator())
            .create(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(placed.order_code.len(), 26);
    }

    async fn activate(&self, authentication: &Authentication) {
        let enrolment = self.world.enrolment(&authentication.device).await;
        let request = pb::CredentialActivatedRequest {
            subscription_id: enrolment.subscription_id,
            device_id: authentication.device.device_id.as_str().to_owned(),
            credential_set_id: enrolment.credential_set_id,
        };
        let mut client = DeliveryServiceClient::new(self.function(NetworkFunction::Ausf));
        client.credential_activated(request).await.unwrap();
    }

    async fn connect(
        &self,
        authentication: &Authentication,
        tasks: &Tasks,
    ) -> Result<Client, coap_tokio::ConnectError> {
        let secret = SecretBytes::new(authentication.pdp_dtls_key.expose().to_vec());
        let identity = onboarding::pdp_identity(&authentication.session);
        let keys = vec![(CipherSuite::ALL[0], secret)];
        let mut config =
            ClientConfig::new(self.built.provisioning_address, identity.as_bytes(), keys);
        config.handshake_timeout = Duration::from_secs(5);
        Client::connect(config, Arc::new(ServesNothing), tasks).await
    }

    /// A https request from a port; answers status, Location, content type, body.
    async fn https(&self, port: u16, target: &str) -> (StatusCode, String, String, String) {
        let mut roots = RootCertStore::empty();
        roots.add(self.ca.clone()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let tls = Arc::new(tls.with_root_certificates(roots).with_no_client_auth());
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket
            .bind(SocketAddr::from(([127, 0, 0, 1], port)))
            .unwrap();
        let tcp = socket.connect(self.built.portal_address).await.unwrap();
        let stream = TlsConnector::from(tls)
            .connect(ServerName::try_from("localhost").unwrap(), tcp)
            .await
            .unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        self.runtime.lifecycle.spawn("test connection", async move {
            let _ = connection.await;
        });
        let request = Request::get(target)
            .header(header::HOST, "localhost")
            .body(Empty::<Bytes>::new())
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        let text = |name| {
            answer
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
                .unwrap_or_default()
        };
        let (status, location, content_type) = (
            answer.status(),
            text(header::LOCATION),
            text(header::CONTENT_TYPE),
        );
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (
            status,
            location,
            content_type,
            String::from_utf8(body.to_vec()).unwrap(),
        )
    }
}

fn request(authentication: &Authentication) -> pb::DeviceAuthenticatedRequest {
    let device = authentication.handed_over();
    let address = authentication.ue_address;
    pb::DeviceAuthenticatedRequest {
        session: device.session.as_bytes().to_vec(),
        device_id: device.device_id.as_str().to_owned(),
        manufacturer: device.manufacturer,
        serial: device.serial,
        certificate_chain: vec![device.certificate],
        headless: device.headless,
        network_proof: u32::try_from(device.demanded.number()).unwrap(),
        network_proven: device.network_proven,
        serving_network_name: SERVING_NETWORK.to_owned(),
        start: device.start,
        challenge: device.challenge,
        proof: device.proof,
        pdp_dtls_key: Some(key(device.pdp_dtls_key.expose())),
        package_key: Some(key(device.package_key.expose())),
        ue_address: Some(UeAddress {
            ip: address.ip.to_string(),
            first_port: address.first_port.into(),
            last_port: address.last_port.into(),
        }),
        gateway: device.gateway,
    }
}

/// Makes a good request bad.
type Spoil = Box<dyn Fn(&mut pb::DeviceAuthenticatedRequest)>;

/// Waits until something holds, at most ten seconds.
async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn intake_answers_the_same_parameters_again() {
    let running = Running::new().await;
    let authentication = Device::new("4711").authenticate(1);
    let first = running.intake(request(&authentication)).await.unwrap();
    assert_eq!(
        running.intake(request(&authentication)).await.unwrap(),
        first
    );
    let portal = format!("localhost:{}", running.built.portal_address.port());
    assert_eq!(first.portal_url, format!("https://{portal}"));
    assert_eq!(
        first.captive_api_url,
        format!("https://{portal}/capport/v1")
    );
    assert_eq!(first.allowed_targets, [portal]);
    assert_eq!(
        first.provisioning_server,
        running.built.provisioning_address.to_string()
    );
    assert_eq!(
        first.provisioning_uris,
        [format!("coaps://{}", first.provisioning_server)]
    );
}

#[tokio::test]
async fn malformed_intake_is_refused_with_a_cause() {
    let running = Running::new().await;
    let good = request(&Device::new("4711").authenticate(1));
    let bad: Vec<(&str, Spoil)> = vec![
        ("session", Box::new(|request| request.session = vec![1; 15])),
        ("no session", Box::new(|request| request.session.clear())),
        (
            "device",
            Box::new(|request| request.device_id = "dev_x".to_owned()),
        ),
        ("maker", Box::new(|request| request.manufacturer.clear())),
        (
            "serial",
            Box::new(|request| request.serial = "x".repeat(300)),
        ),
        (
            "chain",
            Box::new(|request| request.certificate_chain.clear()),
        ),
        ("level", Box::new(|request| request.network_proof = 9)),
        (
            "network",
            Box::new(|request| request.serving_network_name = "5G".to_owned()),
        ),
        (
            "key",
            Box::new(|request| request.pdp_dtls_key = Some(key(&[1; 31]))),
        ),
        ("no key", Box::new(|request| request.package_key = None)),
        (
            "address",
            Box::new(|request| request.ue_address.as_mut().unwrap().ip = "somewhere".to_owned()),
        ),
        (
            "ports",
            Box::new(|request| request.ue_address.as_mut().unwrap().last_port = 70_000),
        ),
        (
            "order of ports",
            Box::new(|request| request.ue_address.as_mut().unwrap().last_port = 1),
        ),
        ("gateway", Box::new(|request| request.gateway.clear())),
    ];
    for (name, spoil) in bad {
        let mut request = good.clone();
        spoil(&mut request);
        let cause = running.intake(request).await.unwrap_err();
        assert!(
            matches!(
                cause,
                Cause::MandatoryElementMissing | Cause::MandatoryElementIncorrect
            ),
            "{name}: {cause:?}"
        );
    }
}

#[tokio::test]
async fn a_device_goes_from_order_to_service_and_its_session_ends_within_a_second() {
    let running = Running::new().await;
    running.order("4711").await;
    let authentication = Device::new("4711").authenticate(1);
    let mut watch = SessionServiceClient::new(running.gateway("lab"));
    let mut watch = watch
        .watch(pb::WatchSessionsRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        watch.next().await.unwrap().unwrap().kind(),
        watch_sessions_response::Kind::Resynchronize
    );
    let mut other = SessionServiceClient::new(running.gateway("elsewhere"));
    let mut other = other
        .watch(pb::WatchSessionsRequest {})
        .await
        .unwrap()
        .into_inner();
    running.intake(request(&authentication)).await.unwrap();

    let tasks = Tasks::default();
    let client = running.connect(&authentication, &tasks).await.unwrap();
    let mut observing = client.observe(CoapRequest::get("/profile")).await.unwrap();
    let package = match observing.first() {
        first if first.payload.is_empty() => timeout(Duration::from_secs(10), observing.next())
            .await
            .unwrap()
            .unwrap(),
        first => first.clone(),
    };
    assert_eq!(
        (package.code, package.content_format()),
        (Code::CONTENT, Some(ContentFormat::COSE_SIGN1))
    );
    let again = client.request(CoapRequest::get("/profile")).await.unwrap();
    assert_eq!(again.payload, package.payload);
    assert_eq!(
        running.session_state(&authentication).await,
        get_session_response::State::Delivering
    );

    let receipt = authentication
        .receipt(&package.payload, ReceiptResult::Installed)
        .sign(&authentication.device.key)
        .unwrap();
    for _ in 0..2 {
        let receipt = CoapRequest::post("/receipt", ContentFormat::COSE_SIGN1, receipt.clone());
        assert_eq!(client.request(receipt).await.unwrap().code, Code::CHANGED);
    }
    assert_eq!(
        running.session_state(&authentication).await,
        get_session_response::State::Installed
    );

    running.activate(&authentication).await;
    let activated = Instant::now();
    let ended = async {
        loop {
            let message = watch.next().await.unwrap().unwrap();
            if message.kind() == watch_sessions_response::Kind::Ended {
                return message.session;
            }
        }
    };
    let session = timeout(Duration::from_secs(1), ended)
        .await
        .expect("the gateway hears of it within a second");
    assert_eq!(session, authentication.session.as_bytes());
    let closed = timeout(
        Duration::from_secs(1).saturating_sub(activated.elapsed()),
        client.closed(),
    )
    .await;
    closed.expect("the DTLS session ends within a second");
    assert_eq!(
        running.session_state(&authentication).await,
        get_session_response::State::Released
    );
    assert!(
        running.connect(&authentication, &tasks).await.is_err(),
        "its key is gone"
    );

    // Another gateway hears nothing of it and finds nothing.
    let mut elsewhere = SessionServiceClient::new(running.gateway("elsewhere"));
    let asked = elsewhere
        .get(pb::GetSessionRequest {
            session: authentication.session.as_bytes().to_vec(),
        })
        .await;
    assert_eq!(cause_of(&asked.unwrap_err()), Cause::LimitedSessionUnknown);
    for _ in 0..2 {
        let message = timeout(Duration::from_secs(3), other.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        assert_ne!(message.kind(), watch_sessions_response::Kind::Ended);
    }

    let request = pb::GetDeliveryRequest {
        device_id: authentication.device.device_id.as_str().to_owned(),
    };
    let delivery = DeliveryServiceClient::new(running.operator())
        .get(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(delivery.state(), pb::get_delivery_response::State::Active);
}

#[tokio::test]
async fn a_waiting_device_is_pushed_its_package_when_it_is_sealed() {
    let running = Running::new().await;
    let authentication = Device::new("4711").authenticate(1);
    running.intake(request(&authentication)).await.unwrap();
    let tasks = Tasks::default();
    let client = running.connect(&authentication, &tasks).await.unwrap();
    let mut observing = client.observe(CoapRequest::get("/profile")).await.unwrap();
    assert!(observing.is_granted() && observing.first().payload.is_empty());
    let session = running.world.session(&authentication.session).await;
    running.world.sign_up(&session).await.unwrap();
    running.world.enrol(&authentication.device).await;
    let pushed = timeout(Duration::from_secs(5), observing.next())
        .await
        .unwrap()
        .unwrap();
    authentication.open(&pushed.payload, None).unwrap();
}

#[tokio::test]
async fn the_worker_finds_what_another_process_left_behind() {
    let before = World::new().await;
    let authentication = Device::new("4711").authenticate(1);
    let session = before.open(&authentication).await;
    before.sign_up(&session).await.unwrap();
    assert!(
        before
            .enrolment(&authentication.device)
            .await
            .supi
            .is_empty()
    );
    let runtime = Runtime {
        clock: before.clock.clone(),
        ..Runtime::for_tests()
    };
    let running = Running::new().await;
    let config = SubscriptionManagerConfig {
        portal_certificate: running.dir.path().join("portal.crt"),
        portal_key: running.dir.path().join("portal.key"),
        ..SubscriptionManagerConfig::default()
    };
    let store = before
        .database
        .for_function("subscription-manager")
        .unwrap();
    let _built = build_on(
        config,
        store,
        sealer(),
        before.vault.clone(),
        before.configuration_management.clone(),
        &runtime,
    )
    .await
    .unwrap();
    until("the profile is offered", || async {
        before
            .enrolment(&authentication.device)
            .await
            .delivery
            .is_some_and(|delivery| !delivery.package.is_empty())
    })
    .await;
}

#[tokio::test]
async fn strangers_and_bad_requests_are_refused_by_the_provisioning_server() {
    let running = Running::new().await;
    let authentication = Device::new("4711").authenticate(1);
    let stranger = Device::new("4712").authenticate(2);
    running.intake(request(&authentication)).await.unwrap();
    let tasks = Tasks::default();
    assert!(running.connect(&stranger, &tasks).await.is_err());
    let client = running.connect(&authentication, &tasks).await.unwrap();
    let receipt = |format, octets: Vec<u8>| CoapRequest::post("/receipt", format, octets);
    let cases = [
        (
            "unknown path",
            CoapRequest::get("/secrets"),
            Code::NOT_FOUND,
            "NOT_FOUND",
        ),
        ("root", CoapRequest::get("/"), Code::NOT_FOUND, "NOT_FOUND"),
        (
            "path below",
            CoapRequest::get("/profile/x"),
            Code::NOT_FOUND,
            "NOT_FOUND",
        ),
        (
            "post profile",
            CoapRequest::post("/profile", ContentFormat::CBOR, vec![1]),
            Code::METHOD_NOT_ALLOWED,
            "MALFORMED_MESSAGE",
        ),
        (
            "delete profile",
            CoapRequest::new(Method::Delete, "/profile"),
            Code::METHOD_NOT_ALLOWED,
            "MALFORMED_MESSAGE",
        ),
        (
            "get receipt",
            CoapRequest::get("/receipt"),
            Code::METHOD_NOT_ALLOWED,
            "MALFORMED_MESSAGE",
        ),
        (
            "other format",
            receipt(ContentFormat::JSON, vec![1]),
            Code::UNSUPPORTED_CONTENT_FORMAT,
            "CONTENT_FORMAT_UNSUPPORTED",
        ),
        (
            "no format",
            CoapRequest::new(Method::Post, "/receipt"),
            Code::UNSUPPORTED_CONTENT_FORMAT,
            "CONTENT_FORMAT_UNSUPPORTED",
        ),
        (
            "empty",
            receipt(ContentFormat::COSE_SIGN1, Vec::new()),
            Code::BAD_REQUEST,
            "MALFORMED_MESSAGE",
        ),
        (
            "no COSE",
            receipt(ContentFormat::COSE_SIGN1, vec![0xff; 40]),
            Code::BAD_REQUEST,
            "MALFORMED_MESSAGE",
        ),
        (
            "oversized",
            receipt(ContentFormat::COSE_SIGN1, vec![0; 5000]),
            Code::REQUEST_ENTITY_TOO_LARGE,
            "PAYLOAD_TOO_LARGE",
        ),
    ];
    for (name, request, code, cause) in cases {
        let answer = client.request(request).await.unwrap();
        assert_eq!(
            (
                answer.code,
                String::from_utf8_lossy(&answer.payload).as_ref()
            ),
            (code, cause),
            "{name}"
        );
    }
    let unacceptable = CoapRequest::get("/profile").with_accept(ContentFormat::JSON);
    assert_eq!(
        client.request(unacceptable).await.unwrap().code,
        Code::NOT_ACCEPTABLE
    );
    // Nothing of this has hurt.
    assert_eq!(
        client
            .request(CoapRequest::get("/profile"))
            .await
            .unwrap()
            .code,
        Code::CONTENT
    );
}

#[tokio::test]
async fn a_browser_behind_the_device_is_led_to_the_sign_up() {
    let running = Running::new().await;
    let mut authentication = Device::new("4711").authenticate(1);
    // Ports that the system gives out to nobody else meanwhile would be better; these are free in a test run.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    authentication.ue_address.first_port = free;
    authentication.ue_address.last_port = free;
    running.intake(request(&authentication)).await.unwrap();
    let (status, _, content_type, body) = running.https(free, "/capport/v1").await;
    assert_eq!(
        (status, content_type.as_str()),
        (StatusCode::OK, "application/captive+json")
    );
    let api: serde_json::Value = serde_json::from_str(&body).unwrap();
    let link = api["user-portal-url"].as_str().unwrap();
    let target = link.strip_prefix(&running.built.portal_url).unwrap();
    let (status, location, ..) = running.https(0, target).await;
    assert_eq!(
        (status, location.as_str()),
        (StatusCode::SEE_OTHER, "/sign-up")
    );
    let (status, ..) = running.https(0, "/capport/v1").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn plans_and_orders_are_kept_for_operators_alone() {
    let running = Running::new().await;
    let mut plans = PlanServiceClient::new(running.operator());
    let listed = plans
        .list(pb::ListPlansRequest {})
        .await
        .unwrap()
        .into_inner()
        .plans;
    assert_eq!(listed.len(), 1);
    let lab = listed[0].clone();
    plans
        .put(pb::PutPlanRequest {
            plan: Some(lab.clone()),
        })
        .await
        .unwrap();
    let bad: Vec<(&str, pb::Plan)> = vec![
        (
            "no id",
            pb::Plan {
                plan_id: String::new(),
                ..lab.clone()
            },
        ),
        (
            "no name",
            pb::Plan {
                name: String::new(),
                ..lab.clone()
            },
        ),
        (
            "mnc",
            pb::Plan {
                mnc: "1".to_owned(),
                ..lab.clone()
            },
        ),
        (
            "order of range",
            pb::Plan {
                first_msin: "0000000999".to_owned(),
                last_msin: "0000000001".to_owned(),
                ..lab.clone()
            },
        ),
        (
            "long msin",
            pb::Plan {
                first_msin: "1".repeat(15),
                last_msin: "2".repeat(15),
                ..lab.clone()
            },
        ),
        (
            "half a range",
            pb::Plan {
                last_msisdn: String::new(),
                ..lab.clone()
            },
        ),
        (
            "routing indicator",
            pb::Plan {
                routing_indicator: "12345".to_owned(),
                ..lab.clone()
            },
        ),
        (
            "domain",
            pb::Plan {
                ue_service_id_domain: "no domain".to_owned(),
                ..lab.clone()
            },
        ),
        (
            "fqdn",
            pb::Plan {
                msgin5g_af_fqdn: String::new(),
                ..lab.clone()
            },
        ),
        (
            "tenant",
            pb::Plan {
                tenant_id: String::new(),
                ..lab.clone()
            },
        ),
    ];
    for (name, plan) in bad {
        let refused = plans
            .put(pb::PutPlanRequest { plan: Some(plan) })
            .await
            .unwrap_err();
        assert_eq!(cause_of(&refused), Cause::MalformedMessage, "{name}");
    }
    plans
        .delete(pb::DeletePlanRequest {
            plan_id: "lab".to_owned(),
        })
        .await
        .unwrap();
    plans
        .delete(pb::DeletePlanRequest {
            plan_id: "lab".to_owned(),
        })
        .await
        .unwrap();

    let ordered = pb::CreateOrderRequest {
        idempotency_key: "a".to_owned(),
        plan_id: "lab".to_owned(),
        ..Default::default()
    };
    let mut orders = OrderServiceClient::new(running.operator());
    assert_eq!(
        cause_of(&orders.create(ordered.clone()).await.unwrap_err()),
        Cause::PlanUnavailable
    );
    plans
        .put(pb::PutPlanRequest { plan: Some(lab) })
        .await
        .unwrap();
    let placed = orders.create(ordered.clone()).await.unwrap().into_inner();
    let got = orders
        .get(pb::GetOrderRequest {
            order_id: placed.order_id,
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (got.state(), got.plan_id.as_str()),
        (pb::get_order_response::State::Open, "lab")
    );
    let half = pb::CreateOrderRequest {
        serial: "1".to_owned(),
        idempotency_key: "b".to_owned(),
        ..ordered.clone()
    };
    assert_eq!(
        cause_of(&orders.create(half).await.unwrap_err()),
        Cause::MandatoryElementMissing
    );
    let short = pb::CreateOrderRequest {
        claim_secret: Some(key(&[1; 9])),
        idempotency_key: "c".to_owned(),
        ..ordered.clone()
    };
    assert_eq!(
        cause_of(&orders.create(short).await.unwrap_err()),
        Cause::MandatoryElementIncorrect
    );

    for stranger in [
        running.function(NetworkFunction::Msgin5gServer),
        running.gateway("lab"),
    ] {
        let refused = OrderServiceClient::new(stranger.clone())
            .create(GrpcRequest::new(ordered.clone()))
            .await
            .unwrap_err();
        assert_eq!(cause_of(&refused), Cause::NotAuthorized);
        let refused = DeviceIntakeServiceClient::new(stranger)
            .device_authenticated(pb::DeviceAuthenticatedRequest::default())
            .await;
        assert_eq!(cause_of(&refused.unwrap_err()), Cause::NotAuthorized);
    }
}

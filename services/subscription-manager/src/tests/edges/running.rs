//! The function on sockets, and what a caller needs to reach it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cause::Cause;
use coap_tokio::{Client, ClientConfig, ServesNothing, Tasks};
use dtls::CipherSuite;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::TokioIo;
use nf_api::convert::key;
use nf_api::pb::common::UeAddress;
use nf_api::pb::subscription_manager as pb;
use nf_api::pb::subscription_manager::delivery_service_client::DeliveryServiceClient;
use nf_api::pb::subscription_manager::device_intake_service_client::DeviceIntakeServiceClient;
use nf_api::pb::subscription_manager::get_session_response;
use nf_api::pb::subscription_manager::order_service_client::OrderServiceClient;
use nf_api::pb::subscription_manager::session_service_client::SessionServiceClient;
use nf_api::status::cause_of;
use nf_api::{Caller, NetworkFunction};
use nf_runtime::Runtime;
use nf_runtime::grpc::{Channel, in_process};
use nf_runtime::pki::LabAuthority;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use secret::SecretBytes;
use tokio::net::TcpSocket;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig as TlsClientConfig, RootCertStore};

use super::super::device::{Authentication, SERVING_NETWORK};
use super::super::world::{World, sealer};
use crate::{Built, SubscriptionManagerConfig, build_on};
/// The function, built and listening.
pub(super) struct Running {
    pub(super) world: World,
    runtime: Runtime,
    pub(super) built: Built,
    ca: CertificateDer<'static>,
    pub(super) dir: tempfile::TempDir,
}

impl Running {
    pub(super) async fn new() -> Self {
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

    pub(super) fn function(&self, function: NetworkFunction) -> Channel {
        self.channel(Caller::function(function))
    }

    pub(super) fn gateway(&self, name: &str) -> Channel {
        self.channel(Caller::Function {
            function: NetworkFunction::AccessGateway,
            instance: Some(name.to_owned()),
        })
    }

    pub(super) fn operator(&self) -> Channel {
        self.channel(Caller::Operator {
            name: "admin".to_owned(),
        })
    }

    pub(super) async fn intake(
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

    pub(super) async fn session_state(
        &self,
        authentication: &Authentication,
    ) -> get_session_response::State {
        let mut client = SessionServiceClient::new(self.gateway("lab"));
        let request = pb::GetSessionRequest {
            session: authentication.session.as_bytes().to_vec(),
        };
        client.get(request).await.unwrap().into_inner().state()
    }

    pub(super) async fn order(&self, serial: &str) {
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

    pub(super) async fn activate(&self, authentication: &Authentication) {
        let enrolment = self.world.enrolment(&authentication.device).await;
        let request = pb::CredentialActivatedRequest {
            subscription_id: enrolment.subscription_id,
            device_id: authentication.device.device_id.as_str().to_owned(),
            credential_set_id: enrolment.credential_set_id,
        };
        let mut client = DeliveryServiceClient::new(self.function(NetworkFunction::Ausf));
        client.credential_activated(request).await.unwrap();
    }

    pub(super) async fn connect(
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
    pub(super) async fn https(
        &self,
        port: u16,
        target: &str,
    ) -> (StatusCode, String, String, String) {
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

pub(super) fn request(authentication: &Authentication) -> pb::DeviceAuthenticatedRequest {
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

//! Every RPC, every caller: what no rule allows is refused, over sockets and in process.

use nf_api::authorization::{TABLE, is_allowed};
use nf_api::{Caller, NetworkFunction};
use nf_runtime::Runtime;
use nf_runtime::grpc::{self, Channel};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tonic::Code;
use tonic::service::Routes;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::support::{AUSF, LOCALHOST, Lab, VAULT, unary};

const HEALTH: &str = "/grpc.health.v1.Health/Check";
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const RADIO: &str = "/berth.access_gateway.v1.N1Service/Exchange";

fn callers() -> Vec<Caller> {
    let functions = NetworkFunction::ALL.into_iter().map(Caller::function);
    let gateway = Caller::Function {
        function: NetworkFunction::AccessGateway,
        instance: Some("lab-1".to_owned()),
    };
    functions
        .chain([
            gateway,
            Caller::Operator {
                name: "admin".to_owned(),
            },
        ])
        .collect()
}

/// The services behind answer UNIMPLEMENTED to everything, so that is what a caller sees who gets there.
async fn assert_walls(channel: &Channel, caller: &Caller) {
    for rule in TABLE {
        // What every function answers is behind the walls of each listener.
        if rule.callee.is_none() && is_allowed(rule.path, caller) {
            let reached = unary(channel, rule.path).await.err();
            let reached = reached.is_none_or(|answer| answer.code() == Code::Unimplemented);
            assert!(reached, "{caller} calls {}", rule.path);
            continue;
        }
        let expected = if is_allowed(rule.path, caller) {
            Code::Unimplemented
        } else {
            Code::PermissionDenied
        };
        let answer = unary(channel, rule.path).await.unwrap_err();
        assert_eq!(answer.code(), expected, "{caller} calls {}", rule.path);
    }
    for unknown in [
        RADIO,
        "/berth.vault.v1.VaultService/GetK",
        "/",
        "/berth.vault.v1.VaultService/Mint/",
    ] {
        let answer = unary(channel, unknown).await.unwrap_err();
        assert_eq!(
            answer.code(),
            Code::PermissionDenied,
            "{caller} calls {unknown}"
        );
    }
    let reflection = unary(channel, REFLECTION).await.unwrap_err().code();
    let is_operator = matches!(caller, Caller::Operator { .. });
    assert_eq!(
        reflection,
        if is_operator {
            Code::Unimplemented
        } else {
            Code::PermissionDenied
        },
        "{caller}"
    );
}

#[tokio::test]
async fn in_process_callers_reach_what_their_rules_allow_and_nothing_else() {
    let runtime = Runtime::for_tests();
    for caller in callers() {
        let channel = grpc::in_process(Routes::default(), caller.clone(), &runtime);
        assert_walls(&channel, &caller).await;
    }
}

#[tokio::test]
async fn callers_over_mutual_tls_reach_what_their_rules_allow_and_nothing_else() {
    let (lab, runtime) = (Lab::new(), Runtime::for_tests());
    let address = lab.serve(Routes::default(), &runtime).await;
    for caller in callers() {
        let channel = lab.connect(address, &caller, &runtime);
        assert_walls(&channel, &caller).await;
        assert!(
            unary(&channel, HEALTH).await.is_ok(),
            "{caller} asks for health"
        );
    }
}

#[tokio::test]
async fn an_in_process_caller_cannot_choose_its_identity() {
    let runtime = Runtime::for_tests();
    let channel = grpc::in_process(Routes::default(), AUSF, &runtime);
    let mut request = tonic::Request::new(());
    request.extensions_mut().insert(Caller::Operator {
        name: "admin".to_owned(),
    });
    let operators_only = "/berth.ausf.v1.ManufacturerService/List";
    let answer = crate::support::unary_with(&channel, operators_only, request)
        .await
        .unwrap_err();
    assert_eq!(answer.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn reflection_answers_operators_where_it_is_switched_on() {
    let lab = Lab::new();
    let mut runtime = Runtime::for_tests();
    runtime.grpc.reflection = true;
    let address = lab.serve(Routes::default(), &runtime).await;
    let operator = lab.connect(
        address,
        &Caller::Operator {
            name: "admin".to_owned(),
        },
        &runtime,
    );
    let mut client = ServerReflectionClient::new(operator);
    let list = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = client
        .server_reflection_info(tokio_stream::once(list))
        .await
        .unwrap()
        .into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response;
    let Some(MessageResponse::ListServicesResponse(list)) = answer else {
        panic!("{answer:?}");
    };
    assert!(
        list.service
            .iter()
            .any(|service| service.name == "berth.vault.v1.VaultService")
    );
    let function = lab.connect(address, &AUSF, &runtime);
    assert_eq!(
        unary(&function, REFLECTION).await.unwrap_err().code(),
        Code::PermissionDenied
    );
}

#[tokio::test]
async fn devices_reach_the_radio_interface_and_nothing_else() {
    let runtime = Runtime::for_tests();
    let listener = TcpListener::bind((LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = runtime.clone();
    runtime.lifecycle.spawn("radio", async move {
        grpc::serve_radio(listener, Routes::default(), &serving).await
    });
    let channel = tonic::transport::Endpoint::try_from(format!("http://{address}"))
        .unwrap()
        .connect_lazy();
    for rule in TABLE
        .iter()
        .map(|rule| rule.path)
        .chain([HEALTH, REFLECTION])
    {
        assert_eq!(
            plain_unary(&channel, rule).await,
            Code::PermissionDenied,
            "{rule}"
        );
    }
    assert_eq!(plain_unary(&channel, RADIO).await, Code::Unimplemented);
}

async fn plain_unary(channel: &tonic::transport::Channel, path: &str) -> Code {
    let codec: tonic_prost::ProstCodec<(), ()> = tonic_prost::ProstCodec::default();
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.unwrap();
    client
        .unary(tonic::Request::new(()), path.parse().unwrap(), codec)
        .await
        .unwrap_err()
        .code()
}

#[tokio::test]
async fn without_a_client_certificate_there_is_no_connection() {
    let (lab, runtime) = (Lab::new(), Runtime::for_tests());
    let address = lab.serve(Routes::default(), &runtime).await;

    let mut roots = rustls::RootCertStore::empty();
    let ca = std::fs::read(lab.authority.certificate_path()).unwrap();
    use rustls_pki_types::pem::PemObject as _;
    roots
        .add(rustls_pki_types::CertificateDer::from_pem_slice(&ca).unwrap())
        .unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut anonymous = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    anonymous.alpn_protocols = vec![b"h2".to_vec()];

    let tcp = TcpStream::connect(address).await.unwrap();
    let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(anonymous));
    // In TLS 1.3 the client has finished before the server sees that no certificate came.
    let outcome = async {
        let mut stream = connector.connect(name, tcp).await?;
        stream
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .await?;
        stream.read_u8().await
    };
    let error = outcome.await.unwrap_err().to_string();
    assert!(error.contains("CertificateRequired"), "{error}");
}

#[tokio::test]
async fn callers_and_callees_of_others_are_not_talked_to() {
    let (lab, other, runtime) = (Lab::new(), Lab::new(), Runtime::for_tests());
    let address = lab.serve(Routes::default(), &runtime).await;

    let stranger = other.connect(address, &AUSF, &runtime);
    assert_eq!(
        unary(&stranger, HEALTH).await.unwrap_err().code(),
        Code::Unavailable
    );

    // The right authority, the wrong function.
    let wrong = grpc::connect(
        &address.to_string(),
        &lab.identity(&AUSF),
        NetworkFunction::Aanf,
        &runtime,
    )
    .unwrap();
    assert_eq!(
        unary(&wrong, HEALTH).await.unwrap_err().code(),
        Code::Unavailable
    );

    let right = lab.connect(address, &VAULT, &runtime);
    assert!(unary(&right, HEALTH).await.is_ok());
}

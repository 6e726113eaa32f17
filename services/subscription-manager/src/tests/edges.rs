//! The whole function on its sockets.

mod running;

use std::time::Duration;

use cause::Cause;
use coap::{Code, ContentFormat, Method, Request as CoapRequest};
use coap_tokio::Tasks;
use futures::StreamExt as _;
use http::StatusCode;
use nf_api::NetworkFunction;
use nf_api::convert::key;
use nf_api::pb::subscription_manager as pb;
use nf_api::pb::subscription_manager::delivery_service_client::DeliveryServiceClient;
use nf_api::pb::subscription_manager::device_intake_service_client::DeviceIntakeServiceClient;
use nf_api::pb::subscription_manager::order_service_client::OrderServiceClient;
use nf_api::pb::subscription_manager::plan_service_client::PlanServiceClient;
use nf_api::pb::subscription_manager::session_service_client::SessionServiceClient;
use nf_api::pb::subscription_manager::{get_session_response, watch_sessions_response};
use nf_api::status::cause_of;
use nf_runtime::Runtime;
use provisioning::ReceiptResult;
use tokio::time::{Instant, timeout};
use tonic::Request as GrpcRequest;

use self::running::{Running, request};
use super::device::Device;
use super::world::{World, sealer};
use crate::{SubscriptionManagerConfig, build_on};

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

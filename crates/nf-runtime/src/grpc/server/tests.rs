//! The order of the layers, seen by what each of them would answer first.

use http::{HeaderValue, Request, Response};
use nf_api::{Caller, NetworkFunction};
use tonic::Code;
use tonic::body::Body;
use tonic::service::Routes;

use super::{Access, Stack};
use crate::grpc::wire;
use crate::runtime::Runtime;
use crate::telemetry;

const PROMOTE: &str = "/berth.vault.v1.VaultService/Promote";
const ALLOWED: Caller = Caller::function(NetworkFunction::Ausf);
const NOT_ALLOWED: Caller = Caller::function(NetworkFunction::Aanf);

/// What one call would be refused for, one reason a layer.
#[derive(Clone, Copy)]
struct Faults {
    shed: bool,
    malformed_timeout: bool,
    no_caller: bool,
    not_allowed: bool,
    panics: bool,
}

const NONE: Faults = Faults {
    shed: false,
    malformed_timeout: false,
    no_caller: false,
    not_allowed: false,
    panics: false,
};

fn panicking() -> Routes {
    async fn panic() -> Response<Body> {
        panic!("a mistake")
    }
    Routes::from(axum::Router::new().fallback(panic))
}

async fn answer(faults: Faults, runtime: &Runtime) -> Code {
    let mut runtime = runtime.clone();
    if faults.shed {
        runtime.grpc.max_calls_in_flight = 0;
    }
    let routes = if faults.panics {
        panicking()
    } else {
        Routes::default()
    };
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = PROMOTE.parse().unwrap();
    if faults.malformed_timeout {
        request
            .headers_mut()
            .insert("grpc-timeout", HeaderValue::from_static("soon"));
    }
    let caller = match faults {
        Faults {
            no_caller: true, ..
        } => None,
        Faults {
            not_allowed: true, ..
        } => Some(NOT_ALLOWED),
        _ => Some(ALLOWED),
    };
    let stack = Stack::new(routes, Access::Functions, &runtime);
    let response = stack.answer(request, caller).await;
    wire::code(response.headers()).unwrap()
}

/// Each layer hides what lies further in.
#[tokio::test]
async fn layers_stand_in_their_order() {
    let runtime = Runtime::for_tests();
    let all = Faults {
        shed: true,
        malformed_timeout: true,
        no_caller: true,
        not_allowed: true,
        panics: true,
    };
    let without_shed = Faults { shed: false, ..all };
    let in_time = Faults {
        malformed_timeout: false,
        ..without_shed
    };
    let known = Faults {
        no_caller: false,
        ..in_time
    };
    let allowed = Faults {
        not_allowed: false,
        ..known
    };
    for (faults, expected) in [
        (all, Code::ResourceExhausted),
        (without_shed, Code::InvalidArgument),
        (in_time, Code::Unauthenticated),
        (known, Code::PermissionDenied),
        (allowed, Code::Internal),
        (NONE, Code::Unimplemented),
    ] {
        assert_eq!(answer(faults, &runtime).await, expected);
    }
    // Metrics are outside of all that refuse, and inside of the panic guard.
    let page = runtime.metrics.encode();
    for code in [
        "RESOURCE_EXHAUSTED",
        "INVALID_ARGUMENT",
        "UNAUTHENTICATED",
        "PERMISSION_DENIED",
        "INTERNAL",
        "UNIMPLEMENTED",
    ] {
        let counted = format!(
            r#"server_duration_seconds_count{{rpc="berth.vault.v1.VaultService/Promote",code="{code}"}} 1"#
        );
        assert!(page.contains(&counted), "{counted} not in {page}");
    }
}

/// The span is outside of metrics, so that even a shed call has an exemplar.
#[tokio::test]
async fn a_shed_call_has_an_exemplar() {
    // Without a receiver nothing is recorded; that nobody listens there is known only when traces are sent.
    let config = telemetry::TelemetryConfig {
        otlp_endpoint: Some("http://localhost:1".to_owned()),
        ..telemetry::TelemetryConfig::default()
    };
    let (_telemetry, _installed) =
        telemetry::init_for_thread(&config, "test", std::io::sink).unwrap();
    let runtime = Runtime::for_tests();
    let shed = Faults { shed: true, ..NONE };
    assert_eq!(answer(shed, &runtime).await, Code::ResourceExhausted);
    let page = runtime.metrics.encode();
    assert!(page.contains(r##"# {trace_id=""##), "{page}");
}

#[tokio::test]
async fn a_shed_caller_is_told_when_to_come_back() {
    use tonic_types::StatusExt as _;
    let mut runtime = Runtime::for_tests();
    runtime.grpc.max_calls_in_flight = 0;
    let stack = Stack::new(Routes::default(), Access::Functions, &runtime);
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = PROMOTE.parse().unwrap();
    let response = stack.answer(request, Some(ALLOWED)).await;
    let status = tonic::Status::from_header_map(response.headers()).unwrap();
    assert!(status.get_details_retry_info().is_some());
    assert_eq!(nf_api::status::cause_of(&status), cause::Cause::Overloaded);
}

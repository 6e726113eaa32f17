//! The gRPC edge: what a peer may send, and what it gets.
#![expect(clippy::unwrap_used, reason = "a failed preparation fails the test")]

use bytes::Bytes;
use cause::Cause;
use http_body_util::Full;
use nf_api::pb::aanf::access_policy_service_client::AccessPolicyServiceClient;
use nf_api::pb::aanf::anchor_key_service_client::AnchorKeyServiceClient;
use nf_api::pb::aanf::application_key_service_client::ApplicationKeyServiceClient;
use nf_api::pb::aanf::watch_contexts_response::Kind;
use nf_api::pb::aanf::{
    AccessPolicy, GetRequest, GetStreamRequest, PutAccessPolicyRequest, RegisterRequest,
    RemoveContextRequest, WatchContextsRequest, access_policy,
};
use nf_api::status::cause_of;
use nf_api::{Caller, NetworkFunction, convert};
use nf_runtime::Runtime;
use nf_runtime::grpc::{Channel, in_process};
use secret::SealingKey;
use store::{Database, Sealer};
use tonic::Status;
use tonic::body::Body;
use tonic::service::Routes;
use tower::ServiceExt as _;

const A_KID: &str =
    "0.pHY_9qVCfFj6UfYuA2wqozyINDzdpfF9uGzxq3tWYbY@5gc.mnc001.mcc001.3gppnetwork.org";
const SUPI: &str = "imsi-001010000000001";
const FQDN: &str = "msgin5g.berth.test";

struct Aanf {
    runtime: Runtime,
    routes: Routes,
}

impl Aanf {
    async fn new() -> Self {
        let runtime = Runtime::for_tests();
        let ports = aanf::Ports {
            store: Database::memory()
                .await
                .unwrap()
                .for_function("aanf")
                .unwrap(),
            sealer: Sealer::new([(1, SealingKey::new([9; 32]))], None).unwrap(),
        };
        let routes = aanf::build(&aanf::AanfConfig::default(), ports, &runtime).routes;
        let aanf = Self { runtime, routes };
        let mut operator = AccessPolicyServiceClient::new(aanf.operator());
        operator
            .put(PutAccessPolicyRequest {
                policy: Some(policy()),
            })
            .await
            .unwrap();
        aanf
    }

    fn channel(&self, caller: Caller) -> Channel {
        in_process(self.routes.clone(), caller, &self.runtime)
    }

    fn operator(&self) -> Channel {
        self.channel(Caller::Operator {
            name: "admin".to_owned(),
        })
    }

    fn ausf(&self) -> AnchorKeyServiceClient<Channel> {
        AnchorKeyServiceClient::new(self.channel(Caller::function(NetworkFunction::Ausf)))
    }

    fn server(&self) -> ApplicationKeyServiceClient<Channel> {
        ApplicationKeyServiceClient::new(
            self.channel(Caller::function(NetworkFunction::Msgin5gServer)),
        )
    }
}

#[tokio::test]
async fn malformed_registrations_have_a_cause() {
    let aanf = Aanf::new().await;
    let cases = [
        (
            RegisterRequest {
                supi: String::new(),
                ..registration(1)
            },
            Cause::MandatoryElementMissing,
        ),
        (
            RegisterRequest {
                supi: "001010000000001".to_owned(),
                ..registration(1)
            },
            Cause::MandatoryElementIncorrect,
        ),
        (
            RegisterRequest {
                supi: "imsi-0010".to_owned(),
                ..registration(1)
            },
            Cause::MandatoryElementIncorrect,
        ),
        (
            RegisterRequest {
                supi: "imsi-٠٠١٠١".to_owned(),
                ..registration(1)
            },
            Cause::MandatoryElementIncorrect,
        ),
        (
            RegisterRequest {
                a_kid: String::new(),
                ..registration(1)
            },
            Cause::MandatoryElementMissing,
        ),
        (
            RegisterRequest {
                a_kid: "no realm".to_owned(),
                ..registration(1)
            },
            Cause::MandatoryElementIncorrect,
        ),
        (
            RegisterRequest {
                a_kid: "x".repeat(70_000),
                ..registration(1)
            },
            Cause::MandatoryElementIncorrect,
        ),
        (
            RegisterRequest {
                k_akma: None,
                ..registration(1)
            },
            Cause::MandatoryElementMissing,
        ),
        (
            RegisterRequest {
                k_akma: Some(convert::key(&[1; 31])),
                ..registration(1)
            },
            Cause::MandatoryElementIncorrect,
        ),
        (
            RegisterRequest {
                k_akma: Some(convert::key(&[1; 33])),
                ..registration(1)
            },
            Cause::MandatoryElementIncorrect,
        ),
        (
            RegisterRequest {
                gpsi: "msisdn-x".to_owned(),
                ..registration(1)
            },
            Cause::MandatoryElementIncorrect,
        ),
        (registration(0), Cause::StaleAuthenticationEpoch),
    ];
    for (request, expected) in cases {
        let refused = aanf.ausf().register(request).await.unwrap_err();
        assert_eq!(cause_of(&refused), expected);
    }
    let refused = aanf
        .ausf()
        .remove_context(RemoveContextRequest {
            supi: "x".to_owned(),
        })
        .await
        .unwrap_err();
    assert_eq!(cause_of(&refused), Cause::MandatoryElementIncorrect);
}

#[tokio::test]
async fn malformed_key_requests_have_a_cause() {
    let aanf = Aanf::new().await;
    aanf.ausf().register(registration(1)).await.unwrap();
    let cases = [
        (
            GetRequest {
                a_kid: String::new(),
                ..request()
            },
            Cause::MandatoryElementMissing,
        ),
        (
            GetRequest {
                a_kid: "not an A-KID".to_owned(),
                ..request()
            },
            Cause::MandatoryElementIncorrect,
        ),
        (
            GetRequest {
                a_kid: A_KID.replace("0.pHY", "0.qHY"),
                ..request()
            },
            Cause::UnknownAKid,
        ),
        (
            GetRequest {
                a_kid: A_KID.to_uppercase(),
                ..request()
            },
            Cause::UnknownAKid,
        ),
        (
            GetRequest {
                af_fqdn: String::new(),
                ..request()
            },
            Cause::MandatoryElementMissing,
        ),
        (
            GetRequest {
                af_fqdn: "MSGIN5G.berth.test".to_owned(),
                ..request()
            },
            Cause::MandatoryElementIncorrect,
        ),
        (
            GetRequest {
                af_fqdn: "other.berth.test".to_owned(),
                ..request()
            },
            Cause::AfNotAllowed,
        ),
        (
            GetRequest {
                ua_star_id: Vec::new(),
                ..request()
            },
            Cause::MandatoryElementMissing,
        ),
        (
            GetRequest {
                ua_star_id: vec![1, 0, 1, 0xc0],
                ..request()
            },
            Cause::MandatoryElementIncorrect,
        ),
        (
            GetRequest {
                ua_star_id: vec![1, 0, 0, 0, 2],
                ..request()
            },
            Cause::AfNotAllowed,
        ),
    ];
    for (request, expected) in cases {
        let refused = aanf.server().get(request).await.unwrap_err();
        assert_eq!(cause_of(&refused), expected);
    }
    let refused = aanf.server().get_anonymous(request()).await.unwrap_err();
    assert_eq!(cause_of(&refused), Cause::AfNotAllowed);
}

#[tokio::test]
async fn octets_that_are_no_message_are_malformed() {
    let aanf = Aanf::new().await;
    // Bad UTF-8 in a string, a wrong wire type, an endless varint, a cut length.
    for body in [
        &[0x0a, 0x01, 0xff][..],
        &[0x0d, 1, 2, 3, 4],
        &[0x0a, 0xff, 0xff, 0xff],
        &[0x0a, 0x05, b'x'],
    ] {
        let mut framed = vec![0, 0, 0, 0, u8::try_from(body.len()).unwrap()];
        framed.extend_from_slice(body);
        let request = http::Request::post("/berth.aanf.v1.ApplicationKeyService/Get")
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(Body::new(Full::new(Bytes::from(framed))))
            .unwrap();
        let channel = aanf.channel(Caller::function(NetworkFunction::Msgin5gServer));
        let answer = channel.oneshot(request).await.unwrap();
        let status = Status::from_header_map(answer.headers()).unwrap();
        assert_eq!(cause_of(&status), Cause::MalformedMessage, "{body:x?}");
    }
}

#[tokio::test]
async fn malformed_policies_have_a_cause() {
    let aanf = Aanf::new().await;
    let cases = [
        (None, Cause::MandatoryElementMissing),
        (
            Some(AccessPolicy {
                ue_id_form: 0,
                ..policy()
            }),
            Cause::MandatoryElementMissing,
        ),
        (
            Some(AccessPolicy {
                ue_id_form: 99,
                ..policy()
            }),
            Cause::MandatoryElementMissing,
        ),
        (
            Some(AccessPolicy {
                caller: String::new(),
                ..policy()
            }),
            Cause::MandatoryElementMissing,
        ),
        (
            Some(AccessPolicy {
                ua_star_ids: vec![vec![1; 4]],
                ..policy()
            }),
            Cause::MandatoryElementIncorrect,
        ),
        (
            Some(AccessPolicy {
                max_lifetime_seconds: 0,
                ..policy()
            }),
            Cause::MandatoryElementIncorrect,
        ),
        (
            Some(AccessPolicy {
                max_lifetime_seconds: u64::MAX,
                ..policy()
            }),
            Cause::MandatoryElementIncorrect,
        ),
        (
            Some(AccessPolicy {
                af_fqdn: "192.0.2.1".to_owned(),
                ..policy()
            }),
            Cause::MandatoryElementIncorrect,
        ),
    ];
    for (policy, expected) in cases {
        let mut operator = AccessPolicyServiceClient::new(aanf.operator());
        let refused = operator
            .put(PutAccessPolicyRequest { policy })
            .await
            .unwrap_err();
        assert_eq!(cause_of(&refused), expected);
    }
}

#[tokio::test]
async fn a_stream_answers_every_request_by_its_correlation() {
    let aanf = Aanf::new().await;
    aanf.ausf().register(registration(1)).await.unwrap();
    let asked = [
        GetStreamRequest {
            correlation: 7,
            request: Some(request()),
        },
        GetStreamRequest {
            correlation: 8,
            request: None,
        },
        GetStreamRequest {
            correlation: 9,
            request: Some(GetRequest {
                a_kid: "x@y.z".to_owned(),
                ..request()
            }),
        },
    ];
    let mut answers = aanf
        .server()
        .get_stream(futures::stream::iter(asked))
        .await
        .unwrap()
        .into_inner();
    let mut causes = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        causes.push((
            answer.correlation,
            convert::cause(answer.cause),
            answer.response.is_some(),
        ));
    }
    causes.sort_by_key(|(correlation, ..)| *correlation);
    assert_eq!(causes[0], (7, None, true));
    assert_eq!(causes[1], (8, Some(Cause::MandatoryElementMissing), false));
    assert!(causes[2].1.is_some() && !causes[2].2);
}

#[tokio::test]
async fn a_watcher_hears_of_a_removal() {
    let aanf = Aanf::new().await;
    aanf.ausf().register(registration(1)).await.unwrap();
    let mut feed = aanf
        .server()
        .watch_contexts(WatchContextsRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        feed.message().await.unwrap().unwrap().kind(),
        Kind::Resynchronize
    );
    aanf.ausf()
        .remove_context(RemoveContextRequest {
            supi: SUPI.to_owned(),
        })
        .await
        .unwrap();
    let removed = loop {
        let message = feed.message().await.unwrap().unwrap();
        if message.kind() != Kind::Heartbeat {
            break message;
        }
    };
    assert_eq!(
        (removed.kind(), removed.ue_id.as_str()),
        (Kind::Removed, SUPI)
    );
}

fn registration(authentication_epoch: u64) -> RegisterRequest {
    RegisterRequest {
        supi: SUPI.to_owned(),
        gpsi: String::new(),
        a_kid: A_KID.to_owned(),
        k_akma: Some(convert::key(&[7; 32])),
        authentication_epoch,
    }
}

fn request() -> GetRequest {
    GetRequest {
        a_kid: A_KID.to_owned(),
        af_fqdn: FQDN.to_owned(),
        ua_star_id: vec![1, 0, 1, 0xc0, 0xa8],
    }
}

fn policy() -> AccessPolicy {
    AccessPolicy {
        af_fqdn: FQDN.to_owned(),
        caller: "nf/msgin5g-server".to_owned(),
        ue_id_form: access_policy::UeIdForm::Supi.into(),
        ua_star_ids: vec![vec![1, 0, 1]],
        max_lifetime_seconds: 86_400,
        anonymous_allowed: false,
    }
}

//! The ports over gRPC.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use cause::Cause;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use identifiers::{AKid, Fqdn, UaStarId};
use msgin5g::association::AssociationKind;
use msgin5g::session::UeId;
use msgin5g_server::{ApplicationKeys, Associations, GetApplicationKey, Peers};
use nf_api::pb::aanf;
use nf_api::pb::aanf::application_key_service_server::{
    ApplicationKeyService, ApplicationKeyServiceServer,
};
use nf_api::pb::configuration_management as cm;
use nf_api::pb::configuration_management::association_service_server::{
    AssociationService, AssociationServiceServer,
};
use nf_api::status::refuse;
use nf_api::{Caller, NetworkFunction, convert};
use nf_runtime::Runtime;
use nf_runtime::feed::Beat;
use nf_runtime::grpc::in_process;
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming, async_trait};

use crate::harness::{service_id, supi};

type Answer<T> = Result<Response<T>, Status>;
type Stream<T> = BoxStream<'static, Result<T, Status>>;

/// Answers what the test wants.
struct Aanf {
    ue_id: &'static str,
}

#[async_trait]
impl ApplicationKeyService for Aanf {
    type GetStreamStream = Stream<aanf::GetStreamResponse>;
    type WatchContextsStream = Stream<aanf::WatchContextsResponse>;

    async fn get(&self, request: Request<aanf::GetRequest>) -> Answer<aanf::GetResponse> {
        let request = request.into_inner();
        if request.a_kid != "known@operator.berth.test" {
            return Err(refuse(Cause::UnknownAKid));
        }
        assert_eq!(request.af_fqdn, "msgin5g.berth.test");
        assert_eq!(request.ua_star_id, [1, 0, 1, 0xc0, 0xa8]);
        Ok(Response::new(aanf::GetResponse {
            k_af: Some(convert::key(&[7; 32])),
            expires_at: Some(convert::timestamp(1_790_000_000_000)),
            ue_id: self.ue_id.to_owned(),
            authentication_epoch: 1,
        }))
    }

    async fn get_anonymous(&self, _: Request<aanf::GetRequest>) -> Answer<aanf::GetResponse> {
        Err(refuse(Cause::Unsupported))
    }

    async fn get_stream(
        &self,
        _: Request<Streaming<aanf::GetStreamRequest>>,
    ) -> Answer<Self::GetStreamStream> {
        Err(refuse(Cause::Unsupported))
    }

    async fn watch_contexts(
        &self,
        _: Request<aanf::WatchContextsRequest>,
    ) -> Answer<Self::WatchContextsStream> {
        use aanf::watch_contexts_response::Kind;
        let message = |kind: Kind, ue_id: &str| aanf::WatchContextsResponse {
            sequence: 0,
            kind: kind.into(),
            ue_id: ue_id.to_owned(),
        };
        let messages = vec![
            Ok(message(Kind::Resynchronize, "")),
            Ok(message(Kind::Heartbeat, "")),
            Ok(message(Kind::Removed, "msisdn-88100000001")),
            Ok(message(Kind::Removed, "nobody can read this")),
            Err(refuse(Cause::Overloaded)),
        ];
        Ok(Response::new(futures::stream::iter(messages).boxed()))
    }
}

struct ConfigurationManagement;

#[async_trait]
impl AssociationService for ConfigurationManagement {
    type WatchAssociationsStream = Stream<cm::WatchAssociationsResponse>;

    async fn put(
        &self,
        _: Request<cm::PutAssociationRequest>,
    ) -> Answer<cm::PutAssociationResponse> {
        Err(refuse(Cause::Unsupported))
    }

    async fn close(
        &self,
        _: Request<cm::CloseAssociationRequest>,
    ) -> Answer<cm::CloseAssociationResponse> {
        Err(refuse(Cause::Unsupported))
    }

    async fn lookup_by_ue_id(
        &self,
        request: Request<cm::LookupByUeIdRequest>,
    ) -> Answer<cm::LookupByUeIdResponse> {
        let row = |kind: cm::association::Kind, gateway: &str| cm::Association {
            association_id: "a-1".to_owned(),
            subscription_id: "sub_1".to_owned(),
            supi: request.get_ref().ue_id.clone(),
            gpsi: "msisdn-88100000001".to_owned(),
            ue_service_id: service_id("alice").as_str().to_owned(),
            tenant_id: "tenant-1".to_owned(),
            kind: kind.into(),
            gateway_ue_id: gateway.to_owned(),
        };
        Ok(Response::new(cm::LookupByUeIdResponse {
            associations: vec![
                row(cm::association::Kind::Direct, ""),
                row(cm::association::Kind::Behind, "imsi-001010000000002"),
            ],
        }))
    }

    async fn resolve_service_id(
        &self,
        request: Request<cm::ResolveServiceIdRequest>,
    ) -> Answer<cm::ResolveServiceIdResponse> {
        if request.get_ref().ue_service_id != service_id("alice").as_str() {
            return Err(refuse(Cause::NotFound));
        }
        Ok(Response::new(cm::ResolveServiceIdResponse {
            tenant_id: "tenant-1".to_owned(),
            kind: cm::association::Kind::Direct.into(),
        }))
    }

    async fn watch_associations(
        &self,
        _: Request<cm::WatchAssociationsRequest>,
    ) -> Answer<Self::WatchAssociationsStream> {
        use cm::watch_associations_response::Kind;
        let message = |kind: Kind, ue_ids: &[&str]| {
            Ok(cm::WatchAssociationsResponse {
                sequence: 0,
                kind: kind.into(),
                ue_ids: ue_ids.iter().map(|ue_id| (*ue_id).to_owned()).collect(),
            })
        };
        let messages = vec![
            message(Kind::Resynchronize, &[]),
            message(Kind::Heartbeat, &[]),
            message(
                Kind::Changed,
                &["imsi-001010000000001", "msisdn-88100000001"],
            ),
        ];
        Ok(Response::new(futures::stream::iter(messages).boxed()))
    }
}

fn peer(routes: Routes) -> Peers {
    let server = Caller::function(NetworkFunction::Msgin5gServer);
    Peers {
        channel: in_process(routes, server, &Runtime::for_tests()),
    }
}

fn request(a_kid: &str) -> GetApplicationKey {
    GetApplicationKey {
        a_kid: AKid::parse(a_kid).unwrap(),
        af_fqdn: Fqdn::parse("msgin5g.berth.test").unwrap(),
        ua_star_id: UaStarId::tls12([0xc0, 0xa8]),
    }
}

#[tokio::test]
async fn the_aanf_gives_key_end_and_ue_id() {
    let ue_id = "imsi-001010000000001";
    let aanf = peer(Routes::new(ApplicationKeyServiceServer::new(Aanf {
        ue_id,
    })));
    let key = aanf
        .get(&request("known@operator.berth.test"))
        .await
        .ok()
        .unwrap();
    assert_eq!(key.k_af.expose(), &[7; 32]);
    assert_eq!(key.expires_at_ms, 1_790_000_000_000);
    assert!(matches!(key.ue_id, UeId::Supi(supi) if supi.as_text() == ue_id));
    let unknown = aanf.get(&request("unknown@operator.berth.test")).await;
    assert_eq!(unknown.err(), Some(Cause::UnknownAKid));
}

#[tokio::test]
async fn a_key_without_a_ue_id_is_of_no_use() {
    let aanf = peer(Routes::new(ApplicationKeyServiceServer::new(Aanf {
        ue_id: "",
    })));
    let key = aanf.get(&request("known@operator.berth.test")).await;
    assert_eq!(key.err(), Some(Cause::AfNotAllowed));
}

#[tokio::test]
async fn removed_contexts_come_as_a_feed_that_an_error_ends() {
    let aanf = peer(Routes::new(ApplicationKeyServiceServer::new(Aanf {
        ue_id: "",
    })));
    let beats: Vec<_> = aanf.watch_contexts().await.ok().unwrap().collect().await;
    let kinds: Vec<_> = beats
        .iter()
        .map(|beat| match beat {
            Beat::Resynchronize => "resynchronise",
            Beat::Heartbeat => "heartbeat",
            Beat::Event(UeId::Gpsi(_)) => "gpsi",
            Beat::Event(UeId::Supi(_)) => "supi",
        })
        .collect();
    // what cannot be read is treated as something missed
    assert_eq!(
        kinds,
        ["resynchronise", "heartbeat", "gpsi", "resynchronise"]
    );
}

#[tokio::test]
async fn configuration_management_gives_rows_tenants_and_changes() {
    let peer = peer(Routes::new(AssociationServiceServer::new(
        ConfigurationManagement,
    )));
    let rows = peer
        .look_up_by_ue_id(&UeId::Supi(supi("alice")))
        .await
        .unwrap();
    let kinds: Vec<_> = rows.iter().map(|row| row.kind.clone()).collect();
    assert!(matches!(
        kinds.as_slice(),
        [
            AssociationKind::Direct,
            AssociationKind::Behind(UeId::Supi(_))
        ]
    ));
    let first = rows.first().unwrap();
    assert_eq!(first.supi, Some(supi("alice")));
    assert_eq!(first.ue_service_id, service_id("alice"));

    let tenant = peer.resolve_service_id(&service_id("alice")).await.unwrap();
    assert_eq!(tenant.as_str(), "tenant-1");
    let unknown = peer.resolve_service_id(&service_id("bob")).await;
    assert_eq!(unknown.err(), Some(Cause::NotFound));

    let beats: Vec<_> = peer
        .watch_associations()
        .await
        .ok()
        .unwrap()
        .collect()
        .await;
    let changed = vec![
        "imsi-001010000000001".to_owned(),
        "msisdn-88100000001".to_owned(),
    ];
    assert_eq!(
        beats,
        [Beat::Resynchronize, Beat::Heartbeat, Beat::Event(changed)]
    );
}

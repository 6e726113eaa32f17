//! The gRPC edge: what a peer may send, and what it gets.
#![expect(clippy::unwrap_used, reason = "a failed preparation fails the test")]

use cause::Cause;
use configuration_management::{ConfigurationManagementConfig, Ports, build};
use nf_api::pb::configuration_management::association_service_client::AssociationServiceClient;
use nf_api::pb::configuration_management::ue_configuration_service_client::UeConfigurationServiceClient;
use nf_api::pb::configuration_management::watch_associations_response::Kind;
use nf_api::pb::configuration_management::{
    Association, CloseAssociationRequest, GetUeConfigurationRequest, LookupByUeIdRequest,
    PutAssociationRequest, ResolveServiceIdRequest, WatchAssociationsRequest, association,
};
use nf_api::status::cause_of;
use nf_api::{Caller, NetworkFunction};
use nf_runtime::Runtime;
use nf_runtime::grpc::{Channel, in_process};
use store::Database;
use tonic::service::Routes;

const SUPI: &str = "imsi-001010000000001";
const GPSI: &str = "msisdn-88100000001";
const SERVICE_ID: &str = "band@msgin5g.berth.test";
const SUBSCRIPTION: &str = "sub_01ARZ3NDEKTSV4RRFFQ69G5FAV";

struct ConfigurationManagement {
    runtime: Runtime,
    routes: Routes,
}

impl ConfigurationManagement {
    async fn new() -> Self {
        let runtime = Runtime::for_tests();
        let store = Database::memory()
            .await
            .unwrap()
            .for_function("configuration-management")
            .unwrap();
        let config = ConfigurationManagementConfig {
            msgin5g_server_uri: "coaps://msgin5g.berth.test:5684/msgin5g".to_owned(),
            ..ConfigurationManagementConfig::default()
        };
        let routes = build(config, Ports { store }, &runtime).routes;
        Self { runtime, routes }
    }

    fn channel(&self, function: NetworkFunction) -> Channel {
        in_process(
            self.routes.clone(),
            Caller::function(function),
            &self.runtime,
        )
    }

    fn manager(&self) -> AssociationServiceClient<Channel> {
        AssociationServiceClient::new(self.channel(NetworkFunction::SubscriptionManager))
    }

    fn server(&self) -> AssociationServiceClient<Channel> {
        AssociationServiceClient::new(self.channel(NetworkFunction::Msgin5gServer))
    }
}

#[tokio::test]
async fn malformed_associations_have_a_cause() {
    let function = ConfigurationManagement::new().await;
    let cases = [
        (None, Cause::MandatoryElementMissing),
        (
            Some(Association {
                association_id: String::new(),
                ..band()
            }),
            Cause::MandatoryElementMissing,
        ),
        (
            Some(Association {
                association_id: "x".repeat(65),
                ..band()
            }),
            Cause::MandatoryElementIncorrect,
        ),
        (
            Some(Association { kind: 0, ..band() }),
            Cause::MandatoryElementMissing,
        ),
        (
            Some(Association { kind: 77, ..band() }),
            Cause::MandatoryElementMissing,
        ),
        (
            Some(Association {
                kind: association::Kind::Behind.into(),
                ..band()
            }),
            Cause::MandatoryElementMissing,
        ),
        (
            Some(Association {
                supi: "001010000000001".to_owned(),
                ..band()
            }),
            Cause::MandatoryElementIncorrect,
        ),
        (
            Some(Association {
                gpsi: "+88100000001".to_owned(),
                ..band()
            }),
            Cause::MandatoryElementIncorrect,
        ),
        (
            Some(Association {
                ue_service_id: "no domain".to_owned(),
                ..band()
            }),
            Cause::MandatoryElementIncorrect,
        ),
        (
            Some(Association {
                ue_service_id: "x@".repeat(200),
                ..band()
            }),
            Cause::MandatoryElementIncorrect,
        ),
        (
            Some(Association {
                subscription_id: "sub_1".to_owned(),
                ..band()
            }),
            Cause::MandatoryElementIncorrect,
        ),
    ];
    for (association, expected) in cases {
        let refused = function
            .manager()
            .put(PutAssociationRequest { association })
            .await
            .unwrap_err();
        assert_eq!(cause_of(&refused), expected);
    }
    for ue_id in ["", "band", "imsi-1", "msisdn-"] {
        let refused = function
            .server()
            .lookup_by_ue_id(LookupByUeIdRequest {
                ue_id: ue_id.to_owned(),
            })
            .await;
        assert_eq!(
            cause_of(&refused.unwrap_err()),
            Cause::MandatoryElementIncorrect,
            "{ue_id}"
        );
    }
    let unknown = ResolveServiceIdRequest {
        ue_service_id: SERVICE_ID.to_owned(),
    };
    assert_eq!(
        cause_of(
            &function
                .server()
                .resolve_service_id(unknown)
                .await
                .unwrap_err()
        ),
        Cause::NotFound
    );
}

#[tokio::test]
async fn an_opened_association_is_found_until_it_is_closed() {
    let function = ConfigurationManagement::new().await;
    function
        .manager()
        .put(PutAssociationRequest {
            association: Some(band()),
        })
        .await
        .unwrap();
    for ue_id in [SUPI, GPSI] {
        let found = function
            .server()
            .lookup_by_ue_id(LookupByUeIdRequest {
                ue_id: ue_id.to_owned(),
            })
            .await
            .unwrap();
        assert_eq!(found.into_inner().associations, [band()]);
    }
    let mut configurations =
        UeConfigurationServiceClient::new(function.channel(NetworkFunction::Msgin5gServer));
    let asked = GetUeConfigurationRequest {
        ue_id: SUPI.to_owned(),
    };
    assert_eq!(
        configurations
            .get(asked.clone())
            .await
            .unwrap()
            .into_inner()
            .ue_service_id,
        SERVICE_ID
    );

    let mut feed = function
        .server()
        .watch_associations(WatchAssociationsRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        feed.message().await.unwrap().unwrap().kind(),
        Kind::Resynchronize
    );
    let close = CloseAssociationRequest {
        association_id: "asc-1".to_owned(),
        subscription_id: SUBSCRIPTION.to_owned(),
    };
    function.manager().close(close).await.unwrap();
    let changed = loop {
        let message = feed.message().await.unwrap().unwrap();
        if message.kind() != Kind::Heartbeat {
            break message;
        }
    };
    assert_eq!(
        (changed.kind(), changed.ue_ids),
        (Kind::Changed, vec![SUPI.to_owned(), GPSI.to_owned()])
    );
    assert_eq!(
        cause_of(&configurations.get(asked).await.unwrap_err()),
        Cause::NotFound
    );
}

fn band() -> Association {
    Association {
        association_id: "asc-1".to_owned(),
        subscription_id: SUBSCRIPTION.to_owned(),
        supi: SUPI.to_owned(),
        gpsi: GPSI.to_owned(),
        ue_service_id: SERVICE_ID.to_owned(),
        tenant_id: "lab".to_owned(),
        kind: association::Kind::Direct.into(),
        gateway_ue_id: String::new(),
    }
}

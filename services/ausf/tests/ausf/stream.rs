//! Many authentications over one stream.

use cause::Cause;
use futures::{StreamExt as _, stream};
use nf_api::convert;
use nf_api::pb::ausf as pb;
use nf_api::pb::ausf::authenticate_stream_request::Request as Asked;
use nf_api::pb::ausf::authenticate_stream_response::Response as Answered;
use nf_api::pb::ausf::confirm_aka_response::Result as PbResult;

use crate::aka::{answer, usim};
use crate::edge::{aka, start_aka};
use crate::peers::SUPI;
use crate::world::{FOREIGN_NETWORK, NETWORK, World};

fn asked(correlation: u64, request: Asked) -> pb::AuthenticateStreamRequest {
    pb::AuthenticateStreamRequest {
        correlation,
        request: Some(request),
    }
}

#[tokio::test]
async fn a_stream_answers_everything_under_the_number_it_was_asked_with() {
    let world = World::new().await;
    let mut client = aka(&world, "one");
    let mut requests = (0..100)
        .map(|n| asked(n, Asked::Start(start_aka(SUPI, NETWORK))))
        .collect::<Vec<_>>();
    requests.push(asked(
        100,
        Asked::Start(start_aka("imsi-001010000000002", NETWORK)),
    ));
    requests.push(asked(101, Asked::Start(start_aka(SUPI, FOREIGN_NETWORK))));
    requests.push(pb::AuthenticateStreamRequest {
        correlation: 102,
        request: None,
    });
    let answers = client
        .authenticate_stream(stream::iter(requests))
        .await
        .unwrap();
    let answers = answers
        .into_inner()
        .map(Result::unwrap)
        .collect::<Vec<_>>()
        .await;

    let mut started = Vec::new();
    let mut refusals = Vec::new();
    for answer in answers {
        match answer.response.unwrap() {
            Answered::Start(start) => started.push((answer.correlation, start)),
            Answered::Refusal(refusal) => {
                refusals.push((answer.correlation, convert::cause(refusal.cause).unwrap()));
            }
            Answered::Confirm(_) => panic!("nothing was confirmed"),
        }
    }
    started.sort_by_key(|(correlation, _)| *correlation);
    refusals.sort_by_key(|(correlation, _)| *correlation);
    assert!(
        started
            .iter()
            .map(|(correlation, _)| *correlation)
            .eq(0..100)
    );
    assert_eq!(
        refusals,
        [
            (100, Cause::UserNotFound),
            (101, Cause::ServingNetworkNotAuthorized),
            (102, Cause::MandatoryElementMissing),
        ]
    );

    started.sort_by(|(_, one), (_, other)| one.rand.cmp(&other.rand));
    let mut usim = usim();
    let requests = started.iter().map(|(correlation, start)| {
        let challenge = ausf::Challenge {
            auth_ctx_id: start.auth_ctx_id.clone(),
            rand: convert::fixed(&start.rand).unwrap(),
            autn: convert::fixed(&start.autn).unwrap(),
            hxres_star: key_hierarchy::five_g_aka::HxresStar::from_slice(&start.hxres_star)
                .unwrap(),
        };
        let right = answer(&mut usim, &challenge).res_star.expose().to_vec();
        let is_right = correlation % 2 == 0;
        asked(
            *correlation,
            Asked::Confirm(pb::ConfirmAkaRequest {
                auth_ctx_id: start.auth_ctx_id.clone(),
                res_star: is_right.then_some(right),
                serving_network_name: NETWORK.to_owned(),
            }),
        )
    });
    let requests = requests.collect::<Vec<_>>();
    let answers = client
        .authenticate_stream(stream::iter(requests))
        .await
        .unwrap();
    let answers = answers
        .into_inner()
        .map(Result::unwrap)
        .collect::<Vec<_>>()
        .await;
    assert_eq!(answers.len(), 100);
    for answer in answers {
        let Some(Answered::Confirm(confirmed)) = answer.response else {
            panic!("no confirmation");
        };
        let succeeded = confirmed.result() == PbResult::Success;
        assert_eq!(succeeded, answer.correlation % 2 == 0);
        assert_eq!(confirmed.k_seaf.is_some(), succeeded);
        assert_eq!(confirmed.supi, if succeeded { SUPI } else { "" });
    }
}

//! 5G AKA against AuSF and vault: StartAka with a fresh SUCI, a real USIM, ConfirmAka with the AKMA registration.

use std::sync::Arc;

use ::aka::{Autn, Rand};
use anyhow::{Context as _, Result, bail, ensure};
use key_hierarchy::five_g_aka::k_seaf;
use nf_api::convert;
use nf_api::pb::ausf::authenticate_stream_request::Request as Asked;
use nf_api::pb::ausf::authenticate_stream_response::Response as Answered;
use nf_api::pb::ausf::authentication_service_client::AuthenticationServiceClient;
use nf_api::pb::ausf::confirm_aka_response::Result as PbResult;
use nf_api::pb::ausf::{
    AuthenticateStreamRequest, AuthenticateStreamResponse, ConfirmAkaRequest, ConfirmAkaResponse,
    StartAkaRequest, StartAkaResponse,
};
use nf_runtime::grpc::Channel;
use secret::KAusf;

use crate::lab::Lab;
use crate::measure::{Load, Worker, measure as run};
use crate::report::Report;
use crate::stream::{Asking, questions};
use crate::subscriber::{Subscriber, onboard};

pub(crate) async fn measure(load: Load<'_>, report: &mut Report) -> Result<()> {
    let lab = Lab::start(load.programs).await?;
    let subscribers = onboard(&lab, load.concurrency).await?;
    let unary = Ausf::Unary(AuthenticationServiceClient::new(lab.ausf()?));
    let workers = subscribers
        .into_iter()
        .map(|subscriber| Authentications {
            ausf: unary.clone(),
            subscriber,
        })
        .collect();
    report.add(
        &run(
            lab.about("aka", "each batch", "mTLS 1.3"),
            load,
            workers,
            &lab.process,
        )
        .await?,
    )?;
    drop(lab);

    let lab = Lab::start(load.programs).await?;
    let subscribers = onboard(&lab, load.concurrency).await?;
    let streamed = Ausf::streamed(lab.ausf()?).await?;
    let workers = subscribers
        .into_iter()
        .map(|subscriber| Authentications {
            ausf: streamed.clone(),
            subscriber,
        })
        .collect();
    report.add(
        &run(
            lab.about("aka stream", "each batch", "mTLS 1.3"),
            load,
            workers,
            &lab.process,
        )
        .await?,
    )
}

struct Authentications {
    ausf: Ausf,
    subscriber: Subscriber,
}

impl Worker for Authentications {
    async fn operate(&mut self) -> Result<()> {
        authenticate(&self.ausf, &mut self.subscriber)
            .await
            .map(drop)
    }
}

/// One authentication; everything that the network answers is checked.
pub(crate) async fn authenticate(ausf: &Ausf, subscriber: &mut Subscriber) -> Result<KAusf> {
    let snn = subscriber.serving_network.clone();
    let serving_network_name = snn.as_str().to_owned();
    let start = StartAkaRequest {
        supi_or_suci: subscriber.suci()?,
        serving_network_name: serving_network_name.clone(),
    };
    let challenge = ausf.start(start).await?;
    let rand = Rand::from_slice(&challenge.rand).context("RAND has 16 octets")?;
    let result = subscriber
        .usim
        .challenge(&rand, &Autn::from_slice(&challenge.autn)?, &snn)?;
    let confirm = ConfirmAkaRequest {
        auth_ctx_id: challenge.auth_ctx_id,
        res_star: Some(result.res_star.expose().to_vec()),
        serving_network_name,
    };
    let confirmed = ausf.confirm(confirm).await?;
    ensure!(
        confirmed.result() == PbResult::Success,
        "the home network says no"
    );
    ensure!(
        confirmed.supi == subscriber.supi(),
        "the home network names another subscriber"
    );
    let given = convert::k_seaf(confirmed.k_seaf)
        .ok()
        .context("K_SEAF is missing")?;
    ensure!(
        given == k_seaf(&result.k_ausf, &snn),
        "K_SEAF is another one"
    );
    Ok(result.k_ausf)
}

/// The two ways to ask.
#[derive(Clone)]
pub(crate) enum Ausf {
    Unary(AuthenticationServiceClient<Channel>),
    Streamed(Arc<Asking<AuthenticateStreamRequest, AuthenticateStreamResponse>>),
}

impl Ausf {
    async fn streamed(channel: Channel) -> Result<Self> {
        let (sender, questions) = questions();
        let answers = AuthenticationServiceClient::new(channel)
            .authenticate_stream(questions)
            .await?
            .into_inner();
        Ok(Self::Streamed(Arc::new(Asking::new(
            sender,
            answers,
            |answer| answer.correlation,
        ))))
    }

    async fn start(&self, start: StartAkaRequest) -> Result<StartAkaResponse> {
        match self {
            Self::Unary(client) => Ok(client.clone().start_aka(start).await?.into_inner()),
            Self::Streamed(asking) => match ask(asking, Asked::Start(start)).await? {
                Answered::Start(challenge) => Ok(challenge),
                other => bail!("not an answer to StartAka: {other:?}"),
            },
        }
    }

    async fn confirm(&self, confirm: ConfirmAkaRequest) -> Result<ConfirmAkaResponse> {
        match self {
            Self::Unary(client) => Ok(client.clone().confirm_aka(confirm).await?.into_inner()),
            Self::Streamed(asking) => match ask(asking, Asked::Confirm(confirm)).await? {
                Answered::Confirm(confirmed) => Ok(confirmed),
                other => bail!("not an answer to ConfirmAka: {other:?}"),
            },
        }
    }
}

async fn ask(
    asking: &Asking<AuthenticateStreamRequest, AuthenticateStreamResponse>,
    request: Asked,
) -> Result<Answered> {
    let make = |correlation| AuthenticateStreamRequest {
        correlation,
        request: Some(request),
    };
    asking
        .ask(make)
        .await?
        .response
        .context("an answer is empty")
}

//! Application keys: ApplicationKeyService.Get for subscribers that have authenticated.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use nf_api::convert;
use nf_api::pb::aanf::application_key_service_client::ApplicationKeyServiceClient;
use nf_api::pb::aanf::{GetRequest, GetResponse, GetStreamRequest, GetStreamResponse};
use nf_api::pb::ausf::authentication_service_client::AuthenticationServiceClient;
use nf_runtime::grpc::Channel;

use crate::aka::{Ausf, authenticate};
use crate::lab::Lab;
use crate::measure::{Load, Worker, measure as run};
use crate::report::Report;
use crate::stream::{Asking, questions};
use crate::subscriber::{ApplicationKey, onboard};

pub(crate) async fn measure(load: Load<'_>, report: &mut Report) -> Result<()> {
    let lab = Lab::start(load.programs).await?;
    let keys = application_keys(&lab, load.concurrency).await?;
    let unary = Aanf::Unary(ApplicationKeyServiceClient::new(lab.aanf()?));
    report.add(
        &run(
            lab.about("akma", "reads only", "mTLS 1.3"),
            load,
            workers(&unary, &keys),
            &lab.process,
        )
        .await?,
    )?;

    let (sender, questions) = questions();
    let answers = ApplicationKeyServiceClient::new(lab.aanf()?)
        .get_stream(questions)
        .await?
        .into_inner();
    let streamed = Aanf::Streamed(Arc::new(Asking::new(sender, answers, |answer| {
        answer.correlation
    })));
    report.add(
        &run(
            lab.about("akma stream", "reads only", "mTLS 1.3"),
            load,
            workers(&streamed, &keys),
            &lab.process,
        )
        .await?,
    )
}

/// Keys as the devices have them, each with the SUPI it belongs to.
async fn application_keys(lab: &Lab, count: usize) -> Result<Vec<Arc<(String, ApplicationKey)>>> {
    let ausf = Ausf::Unary(AuthenticationServiceClient::new(lab.ausf()?));
    let mut keys = Vec::new();
    for mut subscriber in onboard(lab, count).await? {
        let k_ausf = authenticate(&ausf, &mut subscriber).await?;
        keys.push(Arc::new((
            subscriber.supi().to_owned(),
            subscriber.application_key(&k_ausf)?,
        )));
    }
    Ok(keys)
}

fn workers(aanf: &Aanf, keys: &[Arc<(String, ApplicationKey)>]) -> Vec<Keys> {
    keys.iter()
        .map(|expected| Keys {
            aanf: aanf.clone(),
            expected: Arc::clone(expected),
        })
        .collect()
}

struct Keys {
    aanf: Aanf,
    expected: Arc<(String, ApplicationKey)>,
}

impl Worker for Keys {
    async fn operate(&mut self) -> Result<()> {
        let (supi, key) = &*self.expected;
        let answer = self
            .aanf
            .get(GetRequest {
                a_kid: key.a_kid.as_str().to_owned(),
                af_fqdn: key.af.as_str().to_owned(),
                ua_star_id: key.ua_star_id.as_bytes().to_vec(),
            })
            .await?;
        ensure!(answer.ue_id == *supi, "the key is of another subscriber");
        let given = convert::k_af(answer.k_af).ok().context("K_AF is missing")?;
        ensure!(given == key.k_af, "K_AF is another one");
        Ok(())
    }
}

/// The two ways to ask.
#[derive(Clone)]
enum Aanf {
    Unary(ApplicationKeyServiceClient<Channel>),
    Streamed(Arc<Asking<GetStreamRequest, GetStreamResponse>>),
}

impl Aanf {
    async fn get(&self, request: GetRequest) -> Result<GetResponse> {
        match self {
            Self::Unary(client) => Ok(client.clone().get(request).await?.into_inner()),
            Self::Streamed(asking) => {
                let make = |correlation| GetStreamRequest {
                    correlation,
                    request: Some(request),
                };
                let answer = asking.ask(make).await?;
                let cause = convert::cause(answer.cause).map_or("no cause", |cause| cause.name());
                answer.response.with_context(|| format!("refused: {cause}"))
            }
        }
    }
}

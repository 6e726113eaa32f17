//! Devices: of strangers, with wrong codes, and with wrong answers to a challenge.

use anyhow::{Context as _, Result, bail, ensure};
use cause::Cause;
use nf_api::NetworkFunction;
use nf_api::pb::ausf::authentication_service_client::AuthenticationServiceClient;
use nf_api::pb::ausf::confirm_aka_response::Result as AkaResult;
use nf_api::pb::ausf::{ConfirmAkaRequest, StartAkaRequest};
use ue::{
    Authenticated, CertificatePresentation, Manufacture, NetworkChoice, Phase, Progress, SignUp, Ue,
};

use super::{Bench, Trial, messaging, portal, proof, refused};

/// A code that no order has: it is well formed.
const NO_ORDER: &str = "0123-4567-89AB-CDEF-GHJK-MNPQ-RS";
/// A manufacturer that no AuSF knows.
const UNREGISTERED: &str = "https://unregistered.invalid/DeviceID=";

pub(super) async fn try_all(bench: &Bench<'_>, trial: &mut Trial) -> Result<()> {
    for (what, name, url_prefix, expected) in [
        (
            "device: unregistered manufacturer",
            "stranger",
            Some(UNREGISTERED),
            Cause::UnknownManufacturer,
        ),
        (
            "device: forged certificate",
            "forgery",
            None,
            Cause::CertificateChainInvalid,
        ),
    ] {
        trial
            .refuses(what, stranger(bench, name, url_prefix, expected))
            .await?;
    }

    let seen = manufacture(bench, "seen")?;
    proof::try_all(bench, seen.state_directory(), trial).await?;

    let mut sensor = manufacture(bench, "sensor")?;
    portal::try_all(&mut sensor, &bench.laboratory.config, trial).await?;
    trial
        .refuses("portal: wrong order code", async {
            let outcome = onboard(&mut sensor, &SignUp::Code(NO_ORDER.to_owned())).await;
            refused(outcome, Cause::NoOrder)
        })
        .await?;

    let [first, second] = &bench.sign_up;
    let authenticated = into_service(&mut sensor, first).await?;
    trial
        .refuses("aka: wrong RES*", wrong_answer(bench, &authenticated))
        .await?;
    let mut band = manufacture(bench, "band")?;
    into_service(&mut band, second).await?;
    messaging::try_all(&sensor, &band, trial).await
}

/// A device of a factory that nobody registered gets no limited session.
async fn stranger(
    bench: &Bench<'_>,
    name: &str,
    url_prefix: Option<&str>,
    expected: Cause,
) -> Result<String> {
    let laboratory = bench.laboratory;
    let factory = laboratory.folder().join(name);
    laboratory.laboratory.counterfeit(&factory, url_prefix)?;
    let inline = Manufacture {
        certificate: CertificatePresentation::Inline,
        ..Manufacture::default()
    };
    let folder = laboratory.folder().join("devices").join(name);
    let mut device = Ue::manufacture(&folder, &factory, &inline)?;
    let mut admitted = false;
    let sign_up = SignUp::Code(NO_ORDER.to_owned());
    let watched = &mut |progress| {
        admitted |= progress == Progress::Began(Phase::LimitedConnectivity);
    };
    let onboarded = Box::pin(device.onboard(&NetworkChoice::Auto, &sign_up, watched)).await;
    if admitted {
        bail!("it got a limited session");
    }
    refused(onboarded, expected)
}

fn manufacture(bench: &Bench<'_>, name: &str) -> Result<Ue> {
    let lab = bench.laboratory.folder();
    let device = Ue::manufacture(
        &lab.join("devices").join(name),
        lab,
        &Manufacture::default(),
    );
    Ok(device?)
}

async fn onboard(device: &mut Ue, sign_up: &SignUp) -> Result<(), ue::UeError> {
    // It holds the connections of all four phases.
    Box::pin(device.onboard(&NetworkChoice::Auto, sign_up, &mut |_| {}))
        .await
        .map(drop)
}

async fn into_service(device: &mut Ue, sign_up: &SignUp) -> Result<Authenticated> {
    let whole = async {
        onboard(device, sign_up).await?;
        device.authenticate().await
    };
    whole
        .await
        .context("a device that should be let in is not: the other refusals cannot be tried")
}

/// A gateway that does not know what the USIM answers gets no key.
async fn wrong_answer(bench: &Bench<'_>, subscriber: &Authenticated) -> Result<String> {
    let serving_network_name = subscriber.serving_network_name.as_str().to_owned();
    let channel = bench.as_gateway(NetworkFunction::Ausf)?;
    let mut ausf = AuthenticationServiceClient::new(channel);
    let started = ausf.start_aka(StartAkaRequest {
        supi_or_suci: subscriber.supi.as_text().to_owned(),
        serving_network_name: serving_network_name.clone(),
    });
    let challenge = started.await.context("there is no challenge")?.into_inner();
    let guess: [u8; 16] = bench.operator.runtime.random.array();
    let confirmed = ausf.confirm_aka(ConfirmAkaRequest {
        auth_ctx_id: challenge.auth_ctx_id,
        res_star: Some(guess.to_vec()),
        serving_network_name,
    });
    let answer = confirmed.await?.into_inner();
    ensure!(
        answer.k_seaf.is_none() && answer.supi.is_empty() && answer.commit.is_empty(),
        "it got keys"
    );
    ensure!(
        answer.result() == AkaResult::Failure,
        "the authentication did not fail"
    );
    Ok("refused: the authentication failed, without keys".to_owned())
}

//! `berth check --refusals`: what an installation has to refuse is tried. What is let in, or refused for another reason
//! than it should be, is bad.

mod callers;
mod devices;
mod messaging;
mod portal;
mod proof;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use cause::Cause;
use futures::FutureExt as _;
use nf_api::NetworkFunction;
use nf_runtime::grpc::{self, Channel};
use nf_runtime::tls::TlsIdentity;
use tokio::time::{sleep, timeout};
use ue::{SignUp, UeError};

use super::finding::{self, advice, bad, good};
use super::laboratory::{ThrowAway, orders};
use super::stop::Stop;
use crate::config::BerthConfig;
use crate::lab::{Channels, Registration, gateway_identity};
use crate::operator::Operator;
use crate::story;

/// How long one attempt may take; what is refused is refused at once.
const ATTEMPT: Duration = Duration::from_secs(15);
/// Before what failed to be removed is removed again.
const PAUSE: Duration = Duration::from_secs(2);

/// Tries everything, and removes what it had to register for that. Answers whether all of it was refused.
pub(super) async fn try_all(
    config: &BerthConfig,
    operator: &Operator<'_>,
    json: bool,
    stop: &mut Stop,
) -> Result<bool> {
    let mut trial = Trial { json, held: true };
    let laboratory = ThrowAway::open(config, operator)
        .await
        .context("no refusal can be tried")?;
    let channels = |callee| operator.channel(callee);
    let left = laboratory.clear(config.check.leftover_age, &channels);
    if let Some(left) = left.await {
        finding::print(&advice("leftovers", left), json)?;
    }
    let gateway = gateway_identity(&laboratory.config, operator.site)?;
    let mut registration = laboratory.registration();
    // A call that a signal breaks off may still take effect after its removal, so none of these is.
    let prepared = async {
        registration.put(&channels).await?;
        orders(&registration, 1, &channels).await
    };
    let tried = match prepared.await {
        Ok(sign_up) => {
            let bench = Bench {
                gateway,
                laboratory: &laboratory,
                operator,
                sign_up,
            };
            let trying = AssertUnwindSafe(bench.try_all(&mut trial)).catch_unwind();
            tokio::select! {
                tried = trying => tried.unwrap_or_else(|_| Err(anyhow!("this command panicked"))),
                () = stop.breaks_off(false) => Err(anyhow!("a signal broke it off")),
            }
        }
        Err(error) => Err(error),
    };
    if tried.is_err() {
        story::leave(&laboratory.folder().join("devices")).await;
    }
    // Before anything more is told: nobody may be there to read it.
    let removed = remove(&laboratory, &registration, &channels).await;
    trial.tell(
        "refusals",
        tried.map(|()| "all of them were tried".to_owned()),
    )?;
    trial.tell(
        "clean-up",
        removed.map(|()| {
            format!(
                "nothing of {} is registered any more",
                registration.plan_id()
            )
        }),
    )?;
    Ok(trial.held)
}

/// Takes away what is registered; once more if that fails.
async fn remove(
    laboratory: &ThrowAway<'_>,
    registration: &Registration,
    channels: Channels<'_>,
) -> Result<()> {
    if laboratory.remove(registration, channels).await.is_ok() {
        return Ok(());
    }
    sleep(PAUSE).await;
    laboratory
        .remove(registration, channels)
        .await
        .context("something stays registered")
}

/// What is told of refusals.
struct Trial {
    json: bool,
    held: bool,
}

impl Trial {
    /// Tells how an attempt is refused; an error says that it was not, or not as it should be.
    async fn refuses(
        &mut self,
        what: &str,
        attempt: impl Future<Output = Result<String>>,
    ) -> Result<()> {
        // It may hold connections of all kinds.
        let outcome = match timeout(ATTEMPT, Box::pin(attempt)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(anyhow!("neither refused nor let in within {ATTEMPT:?}")),
        };
        self.tell(what, outcome)
    }

    fn tell(&mut self, what: &str, outcome: Result<String>) -> Result<()> {
        let finding = match outcome {
            Ok(text) => good(what, text),
            Err(error) => bad(what, format!("{error:#}")),
        };
        self.held &= finding.verdict == nf_runtime::about::Verdict::Good;
        finding::print(&finding, self.json)
    }
}

/// What refusals are tried with.
struct Bench<'a> {
    laboratory: &'a ThrowAway<'a>,
    operator: &'a Operator<'a>,
    gateway: TlsIdentity,
    /// Orders of two devices.
    sign_up: [SignUp; 2],
}

impl Bench<'_> {
    async fn try_all(&self, trial: &mut Trial) -> Result<()> {
        callers::try_all(self, trial).await?;
        devices::try_all(self, trial).await
    }

    /// The way to a function as the access gateway.
    fn as_gateway(&self, callee: NetworkFunction) -> Result<Channel> {
        let Operator { site, runtime, .. } = self.operator;
        let targets = site.peers.get(&callee);
        let targets = targets.with_context(|| format!("{callee} is not known"))?;
        Ok(grpc::connect(targets, &self.gateway, callee, runtime)?)
    }
}

/// What a device was told, which has to be this cause.
fn refused<T>(outcome: Result<T, UeError>, expected: Cause) -> Result<String> {
    match outcome {
        Ok(_) => bail!("let in"),
        Err(UeError::Refused { cause, .. }) => is_refused(cause, expected),
        Err(error) => {
            Err(anyhow::Error::from(error).context(format!("not refused with {expected}")))
        }
    }
}

fn is_refused(cause: Cause, expected: Cause) -> Result<String> {
    if cause != expected {
        bail!("refused with {cause} instead of {expected}");
    }
    Ok(format!("refused: {cause}"))
}

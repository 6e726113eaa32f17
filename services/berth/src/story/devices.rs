//! Onboarding of several devices: each does all four phases, each phase shows the time of all.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::sync::Notify;
use ue::{NetworkChoice, Phase, Progress, SignUp, State, Ue};

use super::steps::{Steps, traced};

/// What is known of one phase.
#[derive(Default)]
struct Seen {
    took: Duration,
    /// The most attempts that one device needed.
    attempts: u32,
    facts: Vec<String>,
}

/// Onboards the devices. A device whose attempt failed begins again; the phase that failed counts the attempt.
pub(super) async fn onboard(
    devices: &mut [(&mut Ue, &SignUp)],
    steps: &mut Steps<'_>,
) -> Result<()> {
    let mut seen = BTreeMap::<Phase, Seen>::new();
    let mut trace_id = None;
    for (device, sign_up) in devices {
        let mut failed = BTreeMap::<Phase, u32>::new();
        loop {
            let mut phase = Phase::OneWayAuthentication;
            let went_on = Notify::new();
            let watched = &mut |began: Phase| {
                phase = began;
                steps.begin(began.name());
                went_on.notify_one();
            };
            // It holds the connections of all four phases.
            let attempt = Box::pin(onboard_once(device, sign_up, watched, &mut seen));
            let (outcome, trace) = traced("onboard", &went_on, attempt).await;
            trace_id = trace;
            let Err(error) = outcome else { break };
            let attempts = failed.entry(phase).or_default();
            *attempts += 1;
            steps.failed(phase.name(), *attempts, error).await?;
        }
        for (phase, attempts) in failed {
            let seen = seen.entry(phase).or_default();
            seen.attempts = seen.attempts.max(attempts);
        }
    }
    for phase in Phase::ALL {
        steps.begin(phase.name());
        let seen = seen
            .remove(&phase)
            .with_context(|| format!("{phase} did not happen"))?;
        for _ in 0..=seen.attempts {
            steps.next_attempt();
        }
        let fact = match seen.facts.as_slice() {
            [] => default_fact(phase).to_owned(),
            facts => facts.join("; "),
        };
        steps.done(seen.took, phase.name(), &fact, trace_id.as_deref())?;
    }
    Ok(())
}

/// One attempt of one device; `began` hears of each phase.
async fn onboard_once(
    device: &mut Ue,
    sign_up: &SignUp,
    began: &mut (dyn FnMut(Phase) + Send),
    seen: &mut BTreeMap<Phase, Seen>,
) -> Result<()> {
    let serial = device.status()?.serial;
    let mut finished = Vec::new();
    let mut facts = Vec::new();
    began(Phase::OneWayAuthentication);
    let begun = Instant::now();
    let onboarded = device
        .onboard(
            &NetworkChoice::Auto,
            sign_up,
            &mut |progress| match progress {
                Progress::Began(phase) => began(phase),
                Progress::Finished { phase, took } => finished.push((phase, took)),
                Progress::MatchCode(code) => {
                    facts.push((Phase::SignUp, format!("{serial} and the page show {code}")));
                }
                Progress::Network { name, .. } => {
                    let fact = format!("{serial} chose {name}");
                    facts.push((Phase::OneWayAuthentication, fact));
                }
                _ => {}
            },
        )
        .await
        .with_context(|| {
            let seconds = begun.elapsed().as_secs_f64();
            format!("{serial} was not onboarded after {seconds:.1} s")
        })?;
    ensure!(
        device.status()?.state != State::Bare,
        "the device says that it is still bare"
    );
    facts.push((
        Phase::Profile,
        format!("{serial} holds {}", onboarded.package_id.as_str()),
    ));
    for (phase, took) in finished {
        seen.entry(phase).or_default().took += took;
    }
    for (phase, fact) in facts {
        seen.entry(phase).or_default().facts.push(fact);
    }
    Ok(())
}

const fn default_fact(phase: Phase) -> &'static str {
    match phase {
        Phase::OneWayAuthentication => "both devices proved their certificates",
        Phase::LimitedConnectivity => {
            "both devices reach portal and provisioning server, and nothing else"
        }
        Phase::SignUp => {
            "the network proved itself, so no code had to be compared; plan chosen, terms accepted"
        }
        Phase::Profile => "both devices installed their profiles",
    }
}

//! The story itself. Nothing is printed that has not happened.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use ue::{
    CertificatePresentation, CipherSuite, Manufacture, NetworkChoice, Phase, Progress, SignUp,
    State, Ue,
};

use super::timeline::Timeline;
use crate::endpoints::Endpoints;

/// How long the message may take.
const DELIVERY: Duration = Duration::from_secs(10);
const GREETING: &str = "Hello from a device that had nothing but a certificate";

/// Plays steps 2 to 10 with two new devices under `folder`.
pub(super) async fn play(
    endpoints: &Endpoints,
    folder: &Path,
    timeline: &mut Timeline,
) -> Result<()> {
    timeline.begin("manufacture");
    let lab = endpoints
        .lab_dir
        .as_deref()
        .context("the installation has no laboratory: start it with --lab")?;
    let folder = next_run(folder)?;
    let by_url = Manufacture {
        certificate: CertificatePresentation::Url,
        ..Manufacture::default()
    };
    let inline = Manufacture {
        certificate: CertificatePresentation::Inline,
        ..Manufacture::default()
    };
    let mut sensor = Ue::manufacture(&folder.join("sensor"), lab, &by_url)?;
    let mut band = Ue::manufacture(&folder.join("band"), lab, &inline)?;
    timeline.done(&format!(
        "{} names its certificate by URL, {} carries it; both in {}",
        sensor.status()?.serial,
        band.status()?.serial,
        folder.display()
    ))?;

    onboard([&mut sensor, &mut band], timeline).await?;

    timeline.begin("aka");
    let mut subscribers = Vec::new();
    for device in [&mut sensor, &mut band] {
        let authenticated = device.authenticate().await?;
        ensure!(
            authenticated.committed,
            "the network did not commit the new credential set"
        );
        subscribers.push(format!("{}", authenticated.supi.redacted()));
    }
    timeline.done(&format!(
        "{} are in service; the credential sets are committed",
        subscribers.join(" and ")
    ))?;

    timeline.begin("akma");
    let mut identities = Vec::new();
    for device in [&sensor, &band] {
        let key = device.akma(None, CipherSuite::PskAes128Ccm8)?;
        identities.push(format!("{}", key.a_kid.redacted()));
    }
    timeline.done(&format!(
        "A-KIDs {} for {}",
        identities.join(" and "),
        endpoints.msgin5g_af_fqdn
    ))?;

    timeline.begin("register");
    let mut sender = sensor.register().await?;
    let mut receiver = band.register().await?;
    let (from, to) = (
        sender.registration().ue_service_id.clone(),
        receiver.registration().ue_service_id.clone(),
    );
    timeline.done(&format!(
        "{} and {} over DTLS keyed by AKMA",
        from.as_str(),
        to.as_str()
    ))?;

    timeline.begin("message");
    sender.send(to.as_str(), GREETING).await?;
    let received = receiver
        .receive(DELIVERY)
        .await?
        .context("the message did not arrive")?;
    ensure!(received.text() == GREETING, "another message arrived");
    ensure!(
        received.from == from.as_str(),
        "the message came from somebody else"
    );
    let detail = format!("“{}” from {}", received.text(), received.from);
    timeline.done(&detail)?;
    sender.deregister().await?;
    receiver.deregister().await?;
    Ok(())
}

/// Steps 3 to 6: each device does all four, each step shows the time of both.
async fn onboard(devices: [&mut Ue; 2], timeline: &mut Timeline) -> Result<()> {
    let mut times = BTreeMap::<Phase, Duration>::new();
    let mut facts = BTreeMap::<Phase, Vec<String>>::new();
    for device in devices {
        let serial = device.status()?.serial;
        let mut phase = Phase::OneWayAuthentication;
        timeline.begin(phase.name());
        let begun = Instant::now();
        let onboarded = device
            .onboard(
                &NetworkChoice::Auto,
                &SignUp::Automatic,
                &mut |progress| match progress {
                    Progress::Began(began) => {
                        phase = began;
                        timeline.begin(began.name());
                    }
                    Progress::Finished { phase, took } => *times.entry(phase).or_default() += took,
                    Progress::MatchCode(code) => {
                        facts
                            .entry(Phase::SignUp)
                            .or_default()
                            .push(format!("{serial} and the page show {code}"));
                    }
                    Progress::Network { name, .. } => {
                        facts
                            .entry(Phase::OneWayAuthentication)
                            .or_default()
                            .push(format!("{serial} chose {name}"));
                    }
                    _ => {}
                },
            )
            .await
            .with_context(|| {
                format!(
                    "{serial} was not onboarded after {:.1} s",
                    begun.elapsed().as_secs_f64()
                )
            })?;
        ensure!(
            device.status()?.state != State::Bare,
            "the device says that it is still bare"
        );
        facts
            .entry(Phase::Profile)
            .or_default()
            .push(format!("{serial} holds {}", onboarded.package_id.as_str()));
    }
    for phase in Phase::ALL {
        timeline.begin(phase.name());
        let took = *times
            .get(&phase)
            .with_context(|| format!("{phase} did not happen"))?;
        let fact = facts
            .remove(&phase)
            .map(|facts| facts.join("; "))
            .unwrap_or_else(|| default_fact(phase).to_owned());
        timeline.done_in(took, &fact)?;
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

/// A new folder for this run; devices of earlier runs stay where they are.
fn next_run(folder: &Path) -> Result<std::path::PathBuf> {
    std::fs::create_dir_all(folder)?;
    let run = (1_u32..)
        .map(|number| folder.join(format!("run-{number}")))
        .find(|path| !path.exists());
    let run = run.context("too many runs in this folder")?;
    std::fs::create_dir(&run)?;
    Ok(run)
}

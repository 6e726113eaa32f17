//! Two devices, from a factory certificate to a delivered message. Nothing is told that has not happened.

mod devices;
mod steps;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::time::timeout;
use ue::{
    CertificatePresentation, CipherSuite, Manufacture, Outgoing, Payload, ReceivedKind,
    RegisteredUe, SignUp, Ue,
};

pub(crate) use self::steps::{Done, Steps, Witness};

/// Where a story is played.
pub(crate) struct Stage<'a> {
    /// What the factory knows.
    pub(crate) lab: &'a Path,
    /// An empty folder for the devices.
    pub(crate) devices: &'a Path,
    /// How each of the two devices is signed up.
    pub(crate) sign_up: [SignUp; 2],
    /// FQDN of the MSGin5G Server as application function.
    pub(crate) af_fqdn: &'a str,
}

/// How long one message or report may take.
const DELIVERY: Duration = Duration::from_secs(10);
/// How long a device may take to leave after a broken story.
const LEAVE: Duration = Duration::from_secs(3);
const DEVICES: [&str; 2] = ["sensor", "band"];
const GREETING: &str = "Hello from a device that had nothing but a certificate";

/// Plays the story.
pub(crate) async fn play(stage: &Stage<'_>, steps: &mut Steps<'_>) -> Result<()> {
    let (mut sensor, mut band) = steps
        .step("manufacture", async |_| manufacture(stage))
        .await?;

    let [first, second] = &stage.sign_up;
    let mut both = [(&mut sensor, first), (&mut band, second)];
    devices::onboard(&mut both, steps).await?;

    steps
        .step("aka", async |_| {
            let mut subscribers = Vec::new();
            for device in [&mut sensor, &mut band] {
                let authenticated = device.authenticate().await?;
                ensure!(
                    authenticated.committed,
                    "the network did not commit the new credential set"
                );
                subscribers.push(format!("{}", authenticated.supi.redacted()));
            }
            let subscribers = subscribers.join(" and ");
            let detail = format!("{subscribers} are in service; the credential sets are committed");
            Ok(((), detail))
        })
        .await?;

    steps
        .step("akma", async |_| {
            let mut identities = Vec::new();
            for device in [&sensor, &band] {
                let key = device.akma(None, CipherSuite::PskAes128Ccm8)?;
                identities.push(format!("{}", key.a_kid.redacted()));
            }
            let detail = format!("A-KIDs {} for {}", identities.join(" and "), stage.af_fqdn);
            Ok(((), detail))
        })
        .await?;

    let (mut sender, mut receiver) = steps
        .step("register", async |_| {
            let registered = (sensor.register().await?, band.register().await?);
            let detail = format!(
                "{} and {} over DTLS keyed by AKMA",
                name(&registered.0),
                name(&registered.1)
            );
            Ok((registered, detail))
        })
        .await?;

    steps
        .step("message", async |attempt| {
            if attempt > 1 {
                // The server that held a session may be gone.
                sender = sensor.register().await?;
                receiver = band.register().await?;
            }
            let detail = exchange(&mut sender, &mut receiver).await?;
            Ok(((), detail))
        })
        .await?;
    // What the story was to show, it has shown; a registration that stays ends by itself.
    let _ = sender.deregister().await;
    let _ = receiver.deregister().await;
    Ok(())
}

/// Has devices that a broken story left registered leave, as far as they can.
pub(crate) async fn leave(devices: &Path) {
    for name in DEVICES {
        if let Ok(device) = Ue::open(&devices.join(name)) {
            // One that never registered cannot leave, and a server that does not answer forgets it in time.
            let _ = timeout(LEAVE, device.deregister()).await;
        }
    }
}

/// Makes both devices.
fn manufacture(stage: &Stage<'_>) -> Result<((Ue, Ue), String)> {
    let made = |name: &str, certificate| {
        let folder = stage.devices.join(name);
        let options = Manufacture {
            certificate,
            ..Manufacture::default()
        };
        Ue::manufacture(&folder, stage.lab, &options)
    };
    let [sensor, band] = DEVICES;
    let sensor = made(sensor, CertificatePresentation::Url)?;
    let band = made(band, CertificatePresentation::Inline)?;
    let detail = format!(
        "{} names its certificate by URL, {} carries it; both in {}",
        sensor.status()?.serial,
        band.status()?.serial,
        stage.devices.display()
    );
    Ok(((sensor, band), detail))
}

/// One message is delivered, and its delivery reported.
async fn exchange(sender: &mut RegisteredUe, receiver: &mut RegisteredUe) -> Result<String> {
    let from = name(sender).to_owned();
    let outgoing = Outgoing {
        to: receiver.registration().ue_service_id.clone(),
        payload: Payload::text(GREETING).context("the greeting is no payload")?,
        report_wanted: true,
    };
    let sent = sender.send_message(outgoing).await?;
    let received = loop {
        let received = receiver
            .receive(DELIVERY)
            .await?
            .context("the message did not arrive")?;
        // An earlier attempt may arrive too.
        if received.message_id == sent.message_id.as_str() {
            break received;
        }
    };
    ensure!(received.text() == GREETING, "another message arrived");
    ensure!(received.from == from, "the message came from somebody else");
    loop {
        let report = sender
            .receive(DELIVERY)
            .await?
            .context("no report of the delivery arrived")?;
        if report.message_id != sent.message_id.as_str() {
            continue;
        }
        ensure!(
            report.kind == ReceivedKind::Report { delivered: true },
            "the message is reported as not delivered"
        );
        return Ok(format!("“{}” from {from}, reported", received.text()));
    }
}

fn name(registered: &RegisteredUe) -> &str {
    registered.registration().ue_service_id.as_str()
}

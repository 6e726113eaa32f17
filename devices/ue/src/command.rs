//! Commands, their output and their exit codes.

mod output;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use identifiers::{Fqdn, UeServiceId};
use msgin5g::Payload;
use provisioning::ClaimSecret;
use serde_json::json;
use ue::{
    CertificatePresentation, CipherSuite, ClaimSecretOption, Manufacture, NetworkChoice,
    NetworkProofLevel, Outgoing, PackageRecipient, Progress, SignUp, Traceparent, Ue, UeError,
};

pub(crate) use output::Outcome;
use output::{lines, time};

/// A device that gets itself a subscription and sends messages.
#[derive(Parser)]
#[command(name = "ue", version, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// Directory that is the device's memory.
    #[arg(long, global = true, default_value = ".ue", value_name = "DIR")]
    state: PathBuf,
    /// Print JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// W3C traceparent of a trace that the network may go on with.
    #[arg(long, global = true, value_name = "TRACEPARENT")]
    pub(crate) traceparent: Option<Traceparent>,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the device itself failed
  2  wrong usage
  3  the state directory or the laboratory folder cannot be used
  4  another step has to come first
  5  the network cannot be reached, or does not answer in time
  6  the network refuses
  7  the network, or what it sent, is not to be trusted
  8  sign-up needs a person
  9  nothing was received in time";

#[derive(Subcommand)]
enum Command {
    /// Make a device, as a factory does.
    New {
        /// Laboratory folder, made by `berth up --lab`.
        #[arg(long, value_name = "DIR")]
        lab: PathBuf,
        /// Serial number; random if not given.
        #[arg(long)]
        serial: Option<String>,
        /// How the certificate reaches the network.
        #[arg(long, value_enum, default_value_t = Certificate::Url)]
        cert: Certificate,
        /// Which key the profile is sealed to.
        #[arg(long, value_enum, default_value_t = Recipient::CertBound)]
        recipient: Recipient,
        /// Nobody can read anything on the device.
        #[arg(long)]
        headless: bool,
        /// Put a claim secret on the label; random if no base32 is given.
        #[arg(long, value_name = "BASE32", num_args = 0..=1)]
        claim_secret: Option<Option<String>>,
    },
    /// List the networks that the radio hears.
    Discover,
    /// Get a profile: one-way authentication, sign-up, installation.
    Onboard {
        /// `auto`, or the id of a network.
        #[arg(long, default_value = "auto", value_name = "auto|ID")]
        network: String,
        /// Who signs up: `auto` fills the portal's forms in, `portal` shows the link, `code CODE` redeems
        /// an order, `ordered` only waits. Default: `portal`, or `ordered` for a headless device.
        #[arg(long, num_args = 1..=2, value_names = ["auto|portal|code|ordered", "CODE"])]
        sign_up: Vec<String>,
    },
    /// Run 5G AKA with the installed profile.
    Authenticate,
    /// Derive the AKMA key of an application function.
    Akma {
        /// Its FQDN; the MSGin5G server if not given.
        #[arg(long, value_name = "FQDN")]
        af: Option<String>,
        /// The DTLS suite that the key is for.
        #[arg(long, value_enum, default_value_t = Suite::Ccm8)]
        suite: Suite,
    },
    /// Register at the MSGin5G server.
    Register,
    /// Send a text.
    Send {
        /// UE Service ID of the recipient.
        #[arg(long, value_name = "ID")]
        to: String,
        /// The text.
        #[arg(long)]
        text: String,
        /// Ask for a delivery report.
        #[arg(long)]
        report: bool,
    },
    /// Register and print what arrives.
    Receive {
        /// End after so many messages.
        #[arg(long, value_name = "N")]
        count: Option<u32>,
        /// End after so many seconds without a message.
        #[arg(long, value_name = "S", default_value_t = 60)]
        timeout: u64,
    },
    /// End the registration.
    Deregister,
    /// Show what the device is.
    Status,
    /// Forget everything but what the factory put in.
    Reset,
}

#[derive(Clone, Copy, ValueEnum)]
enum Certificate {
    /// It travels in the first message.
    Inline,
    /// The network fetches it.
    Url,
}

#[derive(Clone, Copy, ValueEnum)]
enum Recipient {
    /// A fresh key for each onboarding, signed by the identity key.
    CertBound,
    /// The identity key itself.
    CertDirect,
}

#[derive(Clone, Copy, ValueEnum)]
enum Suite {
    /// `TLS_PSK_WITH_AES_128_CCM_8`.
    Ccm8,
    /// `TLS_PSK_WITH_AES_128_GCM_SHA256`.
    Gcm,
}

/// Runs one command.
pub(crate) async fn run(arguments: &Arguments) -> Outcome {
    let done = match &arguments.command {
        Command::New { .. } => new(arguments),
        Command::Discover => discover(arguments).await,
        Command::Onboard { network, sign_up } => onboard(arguments, network, sign_up).await,
        Command::Authenticate => authenticate(arguments).await,
        Command::Akma { af, suite } => akma(arguments, af.as_deref(), *suite),
        Command::Register => register(arguments).await,
        Command::Send { to, text, report } => send(arguments, to, text, *report).await,
        Command::Receive { count, timeout } => return receive(arguments, *count, *timeout).await,
        Command::Deregister => deregister(arguments).await,
        Command::Status => status(arguments),
        Command::Reset => reset(arguments),
    };
    done.unwrap_or_else(|error| Outcome::refused(&error))
}

fn new(arguments: &Arguments) -> Result<Outcome, UeError> {
    let Command::New {
        lab,
        serial,
        cert,
        recipient,
        headless,
        claim_secret,
    } = &arguments.command
    else {
        return Err(UeError::Input("not the command for this"));
    };
    let given = |text: &str| {
        ClaimSecret::parse(text)
            .map(ClaimSecretOption::Given)
            .map_err(|_| UeError::Input("a claim secret is base32 of at least 10 octets"))
    };
    let options = Manufacture {
        serial: serial.clone(),
        certificate: match cert {
            Certificate::Inline => CertificatePresentation::Inline,
            Certificate::Url => CertificatePresentation::Url,
        },
        recipient: match recipient {
            Recipient::CertBound => PackageRecipient::CertBound,
            Recipient::CertDirect => PackageRecipient::CertDirect,
        },
        headless: *headless,
        claim_secret: match claim_secret {
            None => ClaimSecretOption::None,
            Some(None) => ClaimSecretOption::Random,
            Some(Some(text)) => given(text)?,
        },
    };
    let device = Ue::manufacture(&arguments.state, lab, &options)?;
    let status = device.status()?;
    let claim_secret = device.claim_secret()?;
    let text = lines(&[
        ("device", Some(status.device_id.as_str())),
        ("serial", Some(&status.serial)),
        ("claim secret", claim_secret.as_deref()),
    ]);
    Ok(Outcome::done(
        json!({
            "device_id": status.device_id.as_str(),
            "serial": status.serial,
            "claim_secret": claim_secret,
        }),
        text,
    ))
}

async fn discover(arguments: &Arguments) -> Result<Outcome, UeError> {
    let networks = Ue::open(&arguments.state)?.discover().await?;
    let rows = networks.iter().map(|network| {
        json!({
            "network_id": network.network_id,
            "name": network.name,
            "plmn": network.plmn.as_str(),
            "nid": network.nid.as_ref().map(|nid| nid.as_str()),
            "onboarding": network.onboarding,
            "serving_network_name": network.serving_network_name.as_str(),
        })
    });
    let text = networks.iter().map(|network| {
        let onboarding = if network.onboarding {
            "  takes new devices"
        } else {
            ""
        };
        format!(
            "{}  {}  {}{onboarding}\n",
            network.network_id,
            network.plmn.as_str(),
            network.name
        )
    });
    Ok(Outcome::done(
        json!({ "networks": rows.collect::<Vec<_>>() }),
        text.collect(),
    ))
}

async fn onboard(
    arguments: &Arguments,
    network: &str,
    sign_up: &[String],
) -> Result<Outcome, UeError> {
    let mut device = Ue::open(&arguments.state)?;
    let network = match network {
        "auto" => NetworkChoice::Auto,
        id => NetworkChoice::Id(id.to_owned()),
    };
    let words = sign_up.iter().map(String::as_str).collect::<Vec<_>>();
    let sign_up = match words.as_slice() {
        [] if device.is_headless()? => SignUp::Ordered,
        [] | ["portal"] => SignUp::Portal,
        ["auto"] => SignUp::Automatic,
        ["ordered"] => SignUp::Ordered,
        ["code", code] => SignUp::Code((*code).to_owned()),
        _ => {
            return Err(UeError::Input(
                "--sign-up takes auto, portal, ordered, or code CODE",
            ));
        }
    };
    // The new profile may take the place of the one that this receipt is about.
    if device.deliver_receipt().await? {
        talk("the receipt of the last installation is delivered");
    }
    let mut phases = serde_json::Map::new();
    let mut narrate = |progress: Progress| {
        if let Progress::Finished { phase, took } = &progress {
            let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            phases.insert(phase.name().to_owned(), json!(ms));
        }
        if let Some(line) = narration(&progress) {
            talk(&line);
        }
    };
    let onboarded = device.onboard(&network, &sign_up, &mut narrate).await?;
    let text = lines(&[
        ("operator", Some(&onboarded.operator)),
        ("subscription", Some(onboarded.subscription_id.as_str())),
        ("next", Some("ue authenticate")),
    ]);
    Ok(Outcome::done(
        json!({
            "network_id": onboarded.network_id,
            "operator": onboarded.operator,
            "subscription_id": onboarded.subscription_id.as_str(),
            "credential_set_id": onboarded.credential_set_id.as_str(),
            "package_id": onboarded.package_id.as_str(),
            "network_proof": onboarded.network_proof.number(),
            "receipt_delivered": onboarded.receipt_delivered,
            "phases_ms": phases,
        }),
        text,
    ))
}

fn talk(line: &str) {
    // Talk that nobody hears is no error.
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn narration(progress: &Progress) -> Option<String> {
    match progress {
        Progress::Network {
            name,
            network_id,
            demanded_proof: NetworkProofLevel::None,
        } => Some(format!(
            "network {name} ({network_id}); it cannot prove itself to this device, so make sure that the portal is the right one"
        )),
        Progress::Network {
            name, network_id, ..
        } => Some(format!("network {name} ({network_id})")),
        Progress::Finished { phase, took } => Some(format!("{phase}: {} ms", took.as_millis())),
        Progress::MatchCode(code) => Some(format!(
            "the portal has to show the code {code}; if it does not, stop"
        )),
        Progress::PortalLink(link) => Some(format!("open {link} in a browser; waiting")),
        Progress::AlreadyOrdered => {
            Some("nothing to sign up for: the device was ordered before".to_owned())
        }
        _ => None,
    }
}

async fn authenticate(arguments: &Arguments) -> Result<Outcome, UeError> {
    let mut device = Ue::open(&arguments.state)?;
    let authenticated = device.authenticate().await?;
    let state = device.status()?.state;
    let text = lines(&[
        ("supi", Some(authenticated.supi.as_text())),
        (
            "serving network",
            Some(authenticated.serving_network_name.as_str()),
        ),
        ("state", Some(state.name())),
    ]);
    Ok(Outcome::done(
        json!({
            "supi": authenticated.supi.as_text(),
            "serving_network_name": authenticated.serving_network_name.as_str(),
            "credential_set_id": authenticated.credential_set_id.as_str(),
            "committed": authenticated.committed,
            "resynchronized": authenticated.resynchronized,
            "state": state.name(),
        }),
        text,
    ))
}

fn akma(arguments: &Arguments, af: Option<&str>, suite: Suite) -> Result<Outcome, UeError> {
    let device = Ue::open(&arguments.state)?;
    let af = af.map(Fqdn::parse).transpose();
    let af = af.map_err(|_| UeError::Input("--af takes a host name"))?;
    let suite = match suite {
        Suite::Ccm8 => CipherSuite::PskAes128Ccm8,
        Suite::Gcm => CipherSuite::PskAes128GcmSha256,
    };
    let key = device.akma(af.as_ref(), suite)?;
    let k_af = output::hex(key.k_af.expose());
    let psk_identity = String::from_utf8_lossy(&key.psk_identity);
    let ua_star_id = output::hex(key.ua_star_id.as_bytes());
    let text = lines(&[
        ("a_kid", Some(key.a_kid.as_str())),
        ("k_af", Some(&k_af)),
        ("af", Some(key.af.as_str())),
        ("psk_identity", Some(&psk_identity)),
        ("coaps_uri", key.coaps_uri.as_deref()),
    ]);
    Ok(Outcome::done(
        json!({
            "a_kid": key.a_kid.as_str(),
            "k_af": k_af,
            "af": key.af.as_str(),
            "ua_star_id": ua_star_id,
            "suite": output::suite(key.suite),
            "psk_identity": psk_identity,
            "coaps_uri": key.coaps_uri,
            "expires_at": time(key.expires_at),
        }),
        text,
    ))
}

async fn register(arguments: &Arguments) -> Result<Outcome, UeError> {
    let registered = Ue::open(&arguments.state)?.register().await?;
    let registration = registered.registration().clone();
    registered.close().await;
    let expires_at = registration.expires_at.map(time);
    let text = lines(&[
        ("registered", Some(registration.ue_service_id.as_str())),
        ("until", expires_at.as_deref()),
    ]);
    Ok(Outcome::done(
        json!({
            "ue_service_id": registration.ue_service_id.as_str(),
            "new": registration.new,
            "expires_at": expires_at,
            "suite": output::suite(registration.suite),
        }),
        text,
    ))
}

async fn send(
    arguments: &Arguments,
    to: &str,
    text: &str,
    report_wanted: bool,
) -> Result<Outcome, UeError> {
    let outgoing = Outgoing {
        to: UeServiceId::parse(to)
            .map_err(|_| UeError::Input("a recipient looks like name@domain"))?,
        payload: Payload::text(text).map_err(|_| {
            UeError::Input("a text has at most 2048 octets and no control characters")
        })?,
        report_wanted,
    };
    let mut registered = Ue::open(&arguments.state)?.register().await?;
    let sent = registered.send_message(outgoing).await;
    registered.close().await;
    let sent = sent?;
    let text = lines(&[
        ("message", Some(sent.message_id.as_str())),
        (
            "status",
            Some(if sent.stored {
                "stored for an absent recipient"
            } else {
                "accepted"
            }),
        ),
    ]);
    Ok(Outcome::done(
        json!({ "message_id": sent.message_id.as_str(), "stored": sent.stored }),
        text,
    ))
}

/// Prints each message as it comes, one JSON object a line.
async fn receive(arguments: &Arguments, count: Option<u32>, timeout: u64) -> Outcome {
    let registered = match Ue::open(&arguments.state) {
        Ok(device) => device.register().await,
        Err(error) => Err(error),
    };
    let mut registered = match registered {
        Ok(registered) => registered,
        Err(error) => return Outcome::refused(&error),
    };
    let mut received = 0;
    let outcome = loop {
        if count.is_some_and(|count| received >= count) {
            break Outcome::quiet();
        }
        match registered.receive(Duration::from_secs(timeout)).await {
            Ok(Some(message)) => {
                received += 1;
                let line = output::message(&message, arguments.json);
                if writeln!(std::io::stdout(), "{line}").is_err() {
                    break Outcome::quiet();
                }
            }
            Ok(None) if received > 0 && count.is_none() => break Outcome::quiet(),
            Ok(None) => break Outcome::nothing_received(),
            Err(error) => break Outcome::refused(&error),
        }
    };
    registered.close().await;
    outcome
}

async fn deregister(arguments: &Arguments) -> Result<Outcome, UeError> {
    Ue::open(&arguments.state)?.deregister().await?;
    Ok(Outcome::done(
        json!({ "registered": false }),
        lines(&[("registered", Some("no"))]),
    ))
}

fn status(arguments: &Arguments) -> Result<Outcome, UeError> {
    let status = Ue::open(&arguments.state)?.status()?;
    let subscription = status.subscription.as_ref();
    let supi = subscription.map(|it| it.supi.as_text());
    let gpsi = subscription
        .and_then(|it| it.gpsi.as_ref())
        .map(|it| it.as_str());
    let ue_service_id = subscription
        .and_then(|it| it.ue_service_id.as_ref())
        .map(UeServiceId::as_str);
    let operator = subscription.map(|it| it.operator.as_str());
    let authenticated_at = status.authenticated_at.map(time);
    let text = lines(&[
        ("device", Some(status.device_id.as_str())),
        ("state", Some(status.state.name())),
        ("operator", operator),
        ("supi", supi),
        ("ue_service_id", ue_service_id),
        ("authenticated", authenticated_at.as_deref()),
    ]);
    Ok(Outcome::done(
        json!({
            "device_id": status.device_id.as_str(),
            "serial": status.serial,
            "state": status.state.name(),
            "supi": supi,
            "gpsi": gpsi,
            "ue_service_id": ue_service_id,
            "operator": operator,
            "home_network": subscription.map(|it| it.home_network.as_str()),
            "subscription_id": subscription.map(|it| &it.subscription_id),
            "credential_set_id": subscription.map(|it| &it.credential_set_id),
            "credential_epoch": subscription.map(|it| it.credential_epoch),
            "authenticated_at": authenticated_at,
            "unread": status.unread,
        }),
        text,
    ))
}

fn reset(arguments: &Arguments) -> Result<Outcome, UeError> {
    let mut device = Ue::open(&arguments.state)?;
    device.reset()?;
    let state = device.status()?.state.name();
    Ok(Outcome::done(
        json!({ "state": state }),
        lines(&[("state", Some(state))]),
    ))
}

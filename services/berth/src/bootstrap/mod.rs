//! `berth bootstrap`: makes the Secrets of an installation, once, in Kubernetes or in a folder. What exists is kept over upgrades;
//! only certificates near their end and what follows from other Secrets is made anew.
//!
//! Several may run at once: whoever creates a Secret first decides what is in it, the others read it and go on from
//! there. What is derived (certificates, the list of users, the vault's part of the operator's keys) always comes
//! from what is stored, so that all ends in one set that fits together.
//!
//! Rights that it needs in its namespace: `create` on Secrets, `get` on those that the spec names, `update` on those of them that are renewed:
//! never on an authority, a key-encryption key or the operator's keys.

mod decide;
mod directory;
mod inventory;
mod operator_keys;
mod secrets;
mod spec;
mod store_users;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use nf_runtime::random::Random;
use nf_runtime::telemetry::{self, TelemetryConfig};
use tracing::info;

use self::decide::{Decision, Found, Means, decide};
use self::directory::Directory;
use self::inventory::refuse_loss;
use self::secrets::Secrets;
use self::spec::{Spec, Wanted};
use crate::kubernetes::{Kubernetes, Outcome};

#[derive(Args)]
pub(crate) struct Options {
    /// The Secrets that have to exist, TOML.
    #[arg(long)]
    spec: PathBuf,
    /// Where they have to exist. Default: the pod's namespace, or that of kubectl's current context.
    #[arg(long)]
    namespace: Option<String>,
    /// Makes them as folders of files in this folder, without Kubernetes.
    #[arg(long, value_name = "DIR", conflicts_with = "namespace")]
    directory: Option<PathBuf>,
}

/// Makes what is missing.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let spec = std::fs::read_to_string(&options.spec)
        .map_err(anyhow::Error::from)
        .and_then(|text| Spec::parse(&text))
        .with_context(|| format!("spec {}", options.spec.display()))?;
    let telemetry = telemetry::init(&TelemetryConfig::default(), "bootstrap")?;
    let made = make_where_asked(&spec, options).await;
    telemetry.shutdown().await;
    made.map(|()| ExitCode::SUCCESS)
}

async fn make_where_asked(spec: &Spec, options: Options) -> Result<()> {
    let (now, random) = (SystemTime::now(), Random::system());
    if let Some(directory) = options.directory {
        return make(spec, &Directory::open(directory)?, now, &random).await;
    }
    let server = Kubernetes::connect(options.namespace.as_deref(), PATIENCE).await?;
    let made = make(spec, &server, now, &random).await;
    made.with_context(|| format!("namespace {}", server.namespace()))
}

/// Makes what is missing of a spec.
async fn make(spec: &Spec, server: &impl Secrets, now: SystemTime, random: &Random) -> Result<()> {
    let mut found = Found::new();
    let mut objects = secrets::Objects::new();
    for wanted in spec.secrets.iter().rev() {
        read(server, &wanted.name, &mut found, &mut objects).await?;
    }
    refuse_loss(spec, &found)?;
    let means = Means { now, random };
    for wanted in &spec.secrets {
        see_to(spec, wanted, server, &mut found, &mut objects, &means)
            .await
            .with_context(|| format!("secret {}", wanted.name))?;
    }
    Ok(())
}

/// Does what has to be done to one Secret.
async fn see_to(
    spec: &Spec,
    wanted: &Wanted,
    server: &impl Secrets,
    found: &mut Found,
    objects: &mut secrets::Objects,
    means: &Means<'_>,
) -> Result<()> {
    let name = wanted.name.as_str();
    for _ in 0..ATTEMPTS {
        let (outcome, done, why) = match decide(spec, wanted, found, means)? {
            Decision::Keep => {
                info!(secret = name, "kept");
                return Ok(());
            }
            Decision::LeaveAway => {
                info!(
                    secret = name,
                    "left away, the vault's part of it was made before"
                );
                return Ok(());
            }
            Decision::Make(data) => {
                let object = secrets::new_object(wanted, &spec.labels, &data);
                (server.create(&object).await?, "made", None)
            }
            Decision::Renew(data, why) => {
                let old = objects.get(name).context("it was never read")?;
                let object = secrets::with_data(old, &data);
                (server.replace(name, &object).await?, "renewed", Some(why))
            }
        };
        read(server, name, found, objects).await?;
        if outcome == Outcome::Done {
            info!(secret = name, why, "{done}");
            return Ok(());
        }
    }
    bail!("somebody else changes it all the time")
}

/// Learns what is in a Secret now.
async fn read(
    server: &impl Secrets,
    name: &str,
    found: &mut Found,
    objects: &mut secrets::Objects,
) -> Result<()> {
    match server.get(name).await? {
        Some(object) => {
            let stored = secrets::stored(&object).with_context(|| format!("secret {name}"))?;
            found.insert(name.to_owned(), stored);
            objects.insert(name.to_owned(), object);
        }
        None => {
            found.remove(name);
            objects.remove(name);
        }
    }
    Ok(())
}

/// How long it waits for an API server that does not answer.
const PATIENCE: Duration = Duration::from_secs(30);
const ATTEMPTS: usize = 5;

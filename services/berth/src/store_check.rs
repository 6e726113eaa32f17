//! `berth store check`: whether what a function has stored can be read and fits together.

mod kinds;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, Subcommand};
use nf_api::NetworkFunction;
use nf_runtime::about::{Finding, Verdict};
use nf_runtime::procedure::chain;
use store::{Audit, BackendKind, Database, StoreConfig};

use crate::check::finding::{self, advice, bad, good};
use crate::config::BerthConfig;
use crate::stores::store_of;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Reads every value and says whether all is as it should be; exit code 1 if not.
    Check(Options),
}

#[derive(Args)]
pub(crate) struct Options {
    /// Settings, TOML: [store] of the function.
    #[arg(long)]
    config: std::path::PathBuf,
    /// The function whose values are read. Default: all that the settings have a store for, or the one whose user the
    /// settings name.
    #[arg(long)]
    role: Option<String>,
    /// One JSON object a finding on standard output.
    #[arg(long)]
    json: bool,
}

/// A message that waits longer has a receiver that does not answer.
const WAITS_LONG: Duration = Duration::from_secs(60);
/// A message that waits longer is forgotten, or its receiver is.
const WAITS_TOO_LONG: Duration = Duration::from_secs(3600);

pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    let Command::Check(options) = command;
    let config = nf_runtime::config::load::<BerthConfig>(Some(&options.config), &[])?;
    let roles = roles(&config, options.role.as_deref())?;
    let mut is_bad = false;
    for role in roles {
        let (name, store) = store_of(role, &config.store);
        let findings = match check(role, store).await {
            Ok(audit) => judge(role, &audit),
            Err(error) => vec![bad(
                role.name(),
                format!("store {name} cannot be checked: {}", chain(error.as_ref())),
            )],
        };
        for finding in &findings {
            is_bad |= finding.verdict == Verdict::Bad;
            finding::print(finding, options.json)?;
        }
    }
    Ok(if is_bad {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// The functions to look at.
fn roles(config: &BerthConfig, wanted: Option<&str>) -> Result<Vec<NetworkFunction>> {
    if let Some(name) = wanted {
        let role = NetworkFunction::from_name(name)
            .filter(|role| kinds::STORING.contains(role))
            .with_context(|| format!("{name} is no function that stores something"))?;
        let (name, store) = store_of(role, &config.store);
        ensure!(
            store.backend != BackendKind::Memory,
            "store.{name} is kept in memory: there is nothing to check outside the process"
        );
        return Ok(vec![role]);
    }
    let can_be_read = |role: &NetworkFunction| {
        let (_, store) = store_of(*role, &config.store);
        // A user of one function may not read what another has stored.
        let is_of_another = kinds::STORING
            .iter()
            .any(|other| other != role && store.username.as_deref() == Some(other.name()));
        store.backend != BackendKind::Memory && !is_of_another
    };
    let roles: Vec<_> = kinds::STORING.into_iter().filter(can_be_read).collect();
    if roles.is_empty() {
        bail!("the settings name no store but memory: there is nothing to check");
    }
    Ok(roles)
}

async fn check(role: NetworkFunction, config: &StoreConfig) -> Result<Audit> {
    if let (BackendKind::Redb, Some(path)) = (config.backend, &config.path) {
        // Opening would make it.
        ensure!(path.is_file(), "there is no file {}", path.display());
        let length = path.metadata()?.len();
        ensure!(length > 0, "{} is empty, which no store is", path.display());
    }
    let database = Database::open(config).await?;
    let audit = database
        .for_function(role.name())?
        .audit(kinds::of(role))
        .await;
    database.close().await;
    audit.map_err(|error| anyhow::anyhow!(chain(&error)))
}

/// What an audit means.
fn judge(role: NetworkFunction, audit: &Audit) -> Vec<Finding> {
    let about = role.name();
    let mut findings: Vec<Finding> = audit
        .faults
        .iter()
        .map(|((fault, kind), faulty)| {
            let examples = faulty.examples.join(", ");
            let text = format!(
                "{} of kind {kind} {}: {examples}",
                faulty.count,
                fault.text()
            );
            bad(about, text)
        })
        .collect();
    let waiting = audit.count("outbox");
    match audit.oldest_message {
        Some(age) if age > WAITS_LONG => {
            let text = format!(
                "{waiting} messages wait for other functions, the oldest since {} s; do the others answer?",
                age.as_secs()
            );
            findings.push(if age > WAITS_TOO_LONG {
                bad(about, text)
            } else {
                advice(about, text)
            });
        }
        _ => {}
    }
    let refused = audit.count("outbox-refused");
    if refused > 0 {
        let text = format!("{refused} messages were refused by other functions, see their logs");
        findings.push(advice(about, text));
    }
    if findings.iter().all(|found| found.verdict != Verdict::Bad) {
        findings.push(good(about, counts(audit)));
    }
    findings
}

/// `57 values: 40 a-kid, 16 context, 1 policy`.
fn counts(audit: &Audit) -> String {
    let all: u64 = audit.values.values().sum();
    let mut text = format!("{all} values");
    let mut separator = ": ";
    for (kind, count) in &audit.values {
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}{count} {kind}");
        separator = ", ";
    }
    for (count, what) in [
        (audit.young_claims, "claims not confirmed yet"),
        (audit.ended_names, "names of ended values to be swept"),
    ] {
        if count > 0 {
            let _ = write!(text, "; {count} {what}");
        }
    }
    text
}

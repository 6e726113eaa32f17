//! `berth support-bundle`: what somebody needs to help from afar, in one file, without secrets.

mod archive;
mod cluster;
mod installation;
mod redact;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use nf_runtime::clock::Clock;
use nf_runtime::lifecycle::Signals;
use serde_json::{Value, json};

use self::archive::Archive;
use self::redact::Redactor;
use crate::say;

#[derive(Args)]
pub(crate) struct Options {
    /// The file to write, for example berth.tar.gz. It must not exist yet.
    #[arg(long)]
    output: PathBuf,
    /// Collects from a cluster: the namespace of the release. Default: that of kubectl's current context.
    #[arg(long)]
    namespace: Option<String>,
    /// Collects from a cluster: the name of the release. Default with --namespace: berth.
    #[arg(long)]
    release: Option<String>,
    /// Collects from `berth up`: its endpoints.json.
    #[arg(long)]
    target: Option<PathBuf>,
    /// Collects from a function, or as `berth check` does: its settings, TOML.
    #[arg(long)]
    config: Option<PathBuf>,
    /// How many of the last lines of each log.
    #[arg(long, default_value_t = 2000)]
    log_lines: u32,
}

/// Collects what there is. What cannot be had is told, and is no failure unless nothing at all was there.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    if !options.has_cluster() && options.target.is_none() && options.config.is_none() {
        bail!("say where to collect: --namespace or --release, --target, or --config");
    }
    for file in [&options.target, &options.config].into_iter().flatten() {
        std::fs::metadata(file).with_context(|| format!("{} cannot be read", file.display()))?;
    }
    let cannot = || format!("{} cannot be written", options.output.display());
    // Before anything is collected; it goes again with whatever ends this early, signals included.
    let mut signals = Signals::install()?;
    let archive = Archive::create(&options.output).with_context(cannot)?;
    let bundle = tokio::select! {
        bundle = collect(&options) => bundle?,
        _ = signals.requested() => bail!("stopped before everything was collected"),
    };
    for (what, why) in &bundle.missing {
        say(&format!("{what}: {why}"));
    }
    ensure!(!bundle.files.is_empty(), "nothing could be had");
    let missing = bundle.missing.len();
    let files = bundle.finish()?;
    archive
        .write(&files, Clock::system().unix_seconds())
        .with_context(cannot)?;
    say(&format!(
        "{}: {} files, {missing} things could not be had; manifest.json lists both. Read it before you send it.",
        options.output.display(),
        files.len(),
    ));
    Ok(ExitCode::SUCCESS)
}

impl Options {
    const fn has_cluster(&self) -> bool {
        self.namespace.is_some() || self.release.is_some()
    }
}

async fn collect(options: &Options) -> Result<Bundle> {
    let mut bundle = Bundle::new()?;
    if let Some(target) = &options.target {
        installation::of_target(&mut bundle, target, options.log_lines).await;
    }
    if let Some(config) = &options.config {
        installation::of_config(&mut bundle, config).await;
    }
    if options.has_cluster() {
        let release = options.release.as_deref().unwrap_or("berth");
        let namespace = options.namespace.as_deref();
        let collected = cluster::collect(&mut bundle, namespace, release, options.log_lines).await;
        bundle.unless_failed("cluster", collected);
    }
    Ok(bundle)
}

/// What was collected, masked already.
struct Bundle {
    redactor: Redactor,
    files: Vec<(String, String)>,
    missing: Vec<(String, String)>,
}

impl Bundle {
    fn new() -> Result<Self> {
        Ok(Self {
            redactor: Redactor::new()?,
            files: Vec::new(),
            missing: Vec::new(),
        })
    }

    fn add(&mut self, name: impl Into<String>, content: &[u8]) {
        let content = self.redactor.redact(content);
        self.files.push((name.into(), content));
    }

    /// Adds a document that is masked by its structure.
    fn add_json(&mut self, name: impl Into<String>, mut document: Value) {
        self.redactor.redact_json(&mut document);
        self.files.push((name.into(), format!("{document:#}\n")));
    }

    fn miss(&mut self, what: impl Into<String>, why: &anyhow::Error) {
        let why = self.redactor.redact(format!("{why:#}").as_bytes());
        self.missing.push((what.into(), why));
    }

    /// Adds what was had, and lists what was not.
    fn add_result<T: AsRef<[u8]>>(&mut self, name: impl Into<String>, content: Result<T>) {
        let name = name.into();
        match content {
            Ok(content) => self.add(name, content.as_ref()),
            Err(error) => self.miss(name, &error),
        }
    }

    fn unless_failed(&mut self, what: &str, result: Result<()>) {
        if let Err(error) = result {
            self.miss(what, &error);
        }
    }

    /// All files with the manifest before them.
    fn finish(mut self) -> Result<Vec<(String, String)>> {
        let names: Vec<_> = self.files.iter().map(|(name, _)| name).collect();
        let missing: Vec<_> = self
            .missing
            .iter()
            .map(|(what, why)| json!({ "what": what, "why": why }))
            .collect();
        let manifest = json!({
            "made_by": format!("berth {}", env!("CARGO_PKG_VERSION")),
            "made_at_unix_seconds": Clock::system().unix_seconds(),
            "files": names,
            "missing": missing,
            "masked": "identifiers are shortened; keys, passwords and environment variables that are not Berth's are [masked]; Secrets were not read",
        });
        let manifest = serde_json::to_string_pretty(&manifest)? + "\n";
        self.files.insert(0, ("manifest.json".to_owned(), manifest));
        Ok(self.files)
    }
}

/// What an admin port is asked for.
const ADMIN_PAGES: [&str; 3] = ["/version", "/readyz", "/metrics"];
/// How long it waits for one answer.
const PATIENCE: Duration = Duration::from_secs(5);

//! One run: provider, installations, scenarios, evidence, summary.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, ValueEnum};

use crate::interrupt::{self, HeldOff};
use crate::program::say;
use crate::provider::Provider;
use crate::provider::cluster::{Cluster, Images};
use crate::provider::kind::Kind;
use crate::provider::processes::{Binaries, Processes};
use crate::scenario::{SCENARIOS, Scenario};

#[derive(Args)]
pub(crate) struct Options {
    /// Where Berth is installed.
    #[arg(long, value_enum)]
    provider: Choice,
    /// Plays only these scenarios.
    #[arg(long = "scenario", value_name = "NAME")]
    scenarios: Vec<String>,
    /// `berth`, for processes.
    #[arg(long, default_value = "target/release/berth")]
    berth: PathBuf,
    /// `ue`, for processes.
    #[arg(long, default_value = "target/release/ue")]
    ue: PathBuf,
    /// Folder of image archives, for clusters.
    #[arg(long, default_value = "target/images")]
    images: PathBuf,
    /// Tag of the images, for clusters.
    #[arg(long, default_value = "e2e")]
    tag: String,
    /// Folder for what explains a failure.
    #[arg(long, default_value = "target/e2e")]
    evidence: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Choice {
    /// A cluster that `kind` makes and deletes.
    Kind,
    /// The cluster that KUBECONFIG names. `BERTH_E2E_LOAD_IMAGE` is the command that loads an image archive.
    Kubeconfig,
    /// No cluster: every replica is a process on loopback.
    Processes,
}

/// Plays; an error says how many scenarios failed.
pub(crate) fn run(options: Options) -> Result<()> {
    let wanted = wanted(&options.scenarios)?;
    match options.provider {
        Choice::Processes => {
            let binaries = Binaries {
                berth: absolute(&options.berth)?,
                ue: absolute(&options.ue)?,
            };
            play(&mut Processes::new(binaries)?, &wanted, &options.evidence)
        }
        Choice::Kubeconfig => {
            let kubeconfig = std::env::var_os("KUBECONFIG").context(
                "KUBECONFIG must name the cluster, so that no other one is touched by accident",
            )?;
            let mut images = images(&options)?;
            images.load = std::env::var_os("BERTH_E2E_LOAD_IMAGE")
                .map(|command| command.to_string_lossy().into_owned());
            let mut cluster = Cluster::new("kubeconfig", Path::new(&kubeconfig), images)?;
            play(&mut cluster, &wanted, &options.evidence)
        }
        Choice::Kind => {
            let folder = tempfile::tempdir()?;
            let kind = Kind::create(folder.path())?;
            let mut cluster = kind.cluster(folder.path(), images(&options)?)?;
            play(&mut cluster, &wanted, &options.evidence)
        }
    }
}

fn wanted(names: &[String]) -> Result<Vec<&'static Scenario>> {
    for name in names {
        ensure!(
            SCENARIOS.iter().any(|scenario| scenario.name == name),
            "there is no scenario {name}; there are: {}",
            SCENARIOS
                .iter()
                .map(|scenario| scenario.name)
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    let chosen =
        |scenario: &&Scenario| names.is_empty() || names.iter().any(|name| name == scenario.name);
    Ok(SCENARIOS.iter().filter(chosen).collect())
}

fn absolute(file: &Path) -> Result<PathBuf> {
    file.canonicalize()
        .with_context(|| format!("{} is missing; cargo xtask e2e builds it", file.display()))
}

fn images(options: &Options) -> Result<Images> {
    let folder = absolute(&options.images)?;
    let mut archives = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let file = entry?.path();
        let name = entry_name(&file);
        if name.ends_with(&format!("-{}.tar", options.tag)) {
            archives.push(file);
        }
    }
    ensure!(
        !archives.is_empty(),
        "{} holds no image archive",
        folder.display()
    );
    Ok(Images {
        archives,
        tag: options.tag.clone(),
        load: None,
    })
}

fn entry_name(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn play(provider: &mut dyn Provider, wanted: &[&Scenario], evidence: &Path) -> Result<()> {
    let begin = Instant::now();
    let mut tally = Tally {
        evidence,
        passed: 0,
        failed: Vec::new(),
    };
    let sizes = wanted
        .iter()
        .map(|scenario| scenario.replicas)
        .collect::<BTreeSet<_>>();
    for replicas in sizes {
        if interrupt::is_asked() {
            break;
        }
        say(&format!("{}, {replicas} of each function", provider.name()));
        let of_size = wanted
            .iter()
            .filter(|scenario| scenario.replicas == replicas);
        tally.play_all(provider, of_size, replicas);
        let start = Instant::now();
        let held_off = HeldOff::begin();
        let removed = provider.remove();
        drop(held_off);
        tally.tell(provider, &format!("remove-{replicas}"), start, removed);
    }
    say(&format!(
        "{}: {} passed, {} failed in {:.0} s",
        provider.name(),
        tally.passed,
        tally.failed.len(),
        begin.elapsed().as_secs_f64()
    ));
    if !tally.failed.is_empty() {
        bail!("failed: {}", tally.failed.join(", "));
    }
    interrupt::check()
}

/// What has passed and what has not.
struct Tally<'a> {
    evidence: &'a Path,
    passed: usize,
    failed: Vec<String>,
}

impl Tally<'_> {
    /// Installs and plays what needs that many replicas.
    fn play_all<'a>(
        &mut self,
        provider: &mut dyn Provider,
        scenarios: impl Iterator<Item = &'a &'a Scenario>,
        replicas: usize,
    ) {
        let start = Instant::now();
        let installed = provider.install(replicas);
        if !self.tell(provider, &format!("install-{replicas}"), start, installed) {
            return;
        }
        for scenario in scenarios {
            if interrupt::is_asked() {
                return;
            }
            let start = Instant::now();
            let outcome = (scenario.play)(provider);
            self.tell(provider, scenario.name, start, outcome);
        }
        if replicas == 1 && !interrupt::is_asked() {
            let start = Instant::now();
            for (name, outcome) in provider.own_checks() {
                self.tell(provider, name, start, outcome);
            }
        }
    }

    /// Tells how something went, and keeps what explains a failure; answers whether it went well.
    fn tell(
        &mut self,
        provider: &mut dyn Provider,
        name: &str,
        begin: Instant,
        outcome: Result<()>,
    ) -> bool {
        let seconds = begin.elapsed().as_secs_f64();
        let Err(error) = outcome else {
            self.passed += 1;
            say(&format!("  ok      {name} ({seconds:.1} s)"));
            return true;
        };
        say(&format!("  FAILED  {name} ({seconds:.1} s): {error:#}"));
        let folder = self.evidence.join(format!("{}-{name}", provider.name()));
        // What an earlier run left there explains nothing of this one.
        let _ = fs::remove_dir_all(&folder);
        if fs::create_dir_all(&folder).is_ok() {
            let _held_off = HeldOff::begin();
            provider.evidence(&folder);
            say(&format!("          evidence lies in {}", folder.display()));
        }
        self.failed.push(name.to_owned());
        false
    }
}

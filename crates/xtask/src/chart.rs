//! What is generated in the chart: its schema, the table of its README and its golden renderings.

mod readme;
mod sections;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use yaml_rust2::YamlLoader;

use crate::run::{Program, cargo, find, root, say};

/// Value sets that are rendered for review, with the kinds of other projects that a cluster would know.
const SETS: &[(&str, &[&str], &[&str])] = &[
    ("default", &[], &[]),
    ("ha", &["values-ha.yaml"], &[]),
    ("cert-manager", &["ci/cert-manager.yaml"], &[]),
    ("given-secrets", &["ci/given-secrets.yaml"], &[]),
    (
        "lab-and-monitoring",
        &["ci/lab-and-monitoring.yaml"],
        &[
            "monitoring.coreos.com/v1/ServiceMonitor",
            "monitoring.coreos.com/v1/PrometheusRule",
        ],
    ),
    ("exposure", &["ci/exposure.yaml"], &[]),
];

/// Where the e2e tools lie that come with no package.
const TOOLS: &str = ".cache/berth-e2e/bin";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only tells what is old; the part of the schema that comes from the binary is compared by its own tests.
    #[arg(long)]
    check: bool,
}

/// Makes everything that is generated, or compares it.
pub(crate) fn chart(arguments: &Arguments) -> Result<()> {
    let mut old = Vec::new();
    let mut put = |file: PathBuf, text: String| -> Result<()> {
        if fs::read_to_string(&file).unwrap_or_default() == text {
            return Ok(());
        }
        if arguments.check {
            old.push(file.display().to_string());
            return Ok(());
        }
        say(&format!("written: {}", file.display()));
        fs::write(&file, text).with_context(|| format!("{}", file.display()))
    };
    let folder = folder();
    let schema = folder.join("values.schema.json");
    let config = match arguments.check {
        true => parse(&schema)?["$defs"]["config"].take(),
        false => settings_schema()?,
    };
    let values = fs::read_to_string(folder.join("values.yaml"))?;
    let defaults = YamlLoader::load_from_str(&values)?;
    let mut whole = parse(&folder.join("schema.base.json"))?;
    whole["$defs"]["config"] = config;
    for defaults in &defaults {
        sections::keep(&mut whole, defaults);
    }
    put(schema, format!("{whole:#}\n"))?;

    let page = folder.join("README.md");
    put(
        page.clone(),
        readme::with_table(&fs::read_to_string(&page)?, &values)?,
    )?;

    for (name, files, kinds) in SETS {
        put(
            folder.join(format!("golden/{name}.yaml")),
            render(files, kinds)?,
        )?;
    }
    if !old.is_empty() {
        bail!(
            "old, make them again with cargo xtask chart: {}",
            old.join(", ")
        );
    }
    Ok(())
}

/// The helm of this machine.
pub(crate) fn helm() -> Result<PathBuf> {
    let cached = std::env::home_dir().map(|home| home.join(TOOLS).join("helm"));
    find("helm")
        .or_else(|| cached.filter(|file| file.is_file()))
        .or_else(|| go_helm().filter(|file| file.is_file()))
        .context(
            "helm is missing: go install helm.sh/helm/v3/cmd/helm@v3.22.0 (or cargo xtask setup)",
        )
}

/// Where `go install` puts it.
fn go_helm() -> Option<PathBuf> {
    Some(std::env::home_dir()?.join("go/bin/helm"))
}

fn folder() -> PathBuf {
    root().join("charts/berth")
}

fn parse(file: &Path) -> Result<Value> {
    let text = fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{}", file.display()))
}

/// The schema of the binary's own settings.
fn settings_schema() -> Result<Value> {
    let printed = cargo(["run", "--quiet", "--package", "berth", "--"])
        .args(["reference", "--schema"])
        .output()?;
    Ok(serde_json::from_str(&printed)?)
}

/// One rendering, as somebody sees it who reviews a change.
fn render(files: &[&str], kinds: &[&str]) -> Result<String> {
    let chart = folder();
    let mut helm = Program::new(helm()?)
        .args(["template", "berth"])
        .args([&chart])
        .args(["--namespace", "berth", "--kube-version", "1.33.0"]);
    for file in files {
        helm = helm.args(["--values".as_ref(), chart.join(file).as_os_str()]);
    }
    for kind in kinds {
        helm = helm.args(["--api-versions", kind]);
    }
    Ok(without_files(&helm.output()?))
}

/// Dashboards and alerts are files of their own, reviewed there.
fn without_files(rendered: &str) -> String {
    let mut text = String::new();
    let mut skipping = false;
    let mut of_monitoring = false;
    for line in rendered.lines() {
        if line.starts_with("---") || line.starts_with("# Source:") {
            skipping = false;
        }
        if line.starts_with("# Source:") {
            of_monitoring = line.ends_with("/monitoring-files.yaml");
        }
        if !skipping {
            text.push_str(line);
            text.push('\n');
        }
        if of_monitoring && matches!(line, "data:" | "spec:") {
            text.push_str("  # the file\n");
            skipping = true;
        }
    }
    text
}

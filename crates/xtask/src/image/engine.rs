//! Container engines, where the machine has one that works.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use crate::run::{Program, find};

/// What makes the images.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    Docker,
    Podman,
    Buildah,
    /// The own writer: no engine is needed.
    None,
}

/// An image about to be built.
pub(crate) struct Order<'a> {
    pub(crate) name: &'a str,
    pub(crate) file: &'a Path,
    pub(crate) context: &'a Path,
    pub(crate) arguments: &'a BTreeMap<&'static str, String>,
    pub(crate) labels: &'a BTreeMap<String, String>,
    /// Given only when it differs from this machine's: older releases of Docker do not know the option.
    pub(crate) platform: Option<String>,
}

impl Engine {
    /// The first engine that works here.
    pub(crate) fn detect() -> Self {
        let engines = [Self::Docker, Self::Podman, Self::Buildah];
        let found = engines.into_iter().find(|engine| engine.works());
        found.unwrap_or(Self::None)
    }

    const fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Buildah => "buildah",
            Self::None => "",
        }
    }

    /// Whether it is installed and answers: a client without its daemon is no engine.
    fn works(self) -> bool {
        let asked = || {
            Command::new(self.program())
                .arg("info")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
        };
        find(self.program()).is_some() && asked().is_ok_and(|status| status.success())
    }

    /// Builds the image into the engine's own store.
    pub(crate) fn build(self, order: &Order<'_>) -> Result<()> {
        let mut words = vec!["build".to_owned(), "--file".to_owned()];
        words.push(order.file.display().to_string());
        words.extend(["--tag".to_owned(), order.name.to_owned()]);
        for (name, value) in order.arguments {
            words.extend(["--build-arg".to_owned(), format!("{name}={value}")]);
        }
        for (name, value) in order.labels {
            words.extend(["--label".to_owned(), format!("{name}={value}")]);
        }
        if let Some(platform) = &order.platform {
            words.extend(["--platform".to_owned(), platform.clone()]);
        }
        words.push(order.context.display().to_string());
        Program::new(self.program()).args(words).run()
    }

    /// Writes what it has built to an archive and answers the image's digest.
    pub(crate) fn save(self, name: &str, file: &Path) -> Result<String> {
        if file.exists() {
            std::fs::remove_file(file).context("the older archive cannot be removed")?;
        }
        let path = file.display().to_string();
        let (saving, asking): (Vec<String>, &[&str]) = match self {
            Self::Buildah => (
                vec![
                    "push".into(),
                    name.into(),
                    format!("docker-archive:{path}:{name}"),
                ],
                &["inspect", "--type", "image", "--format", "{{.FromImageID}}"],
            ),
            Self::Podman => (
                [
                    "save",
                    "--format",
                    "docker-archive",
                    "--output",
                    &path,
                    name,
                ]
                .map(Into::into)
                .into(),
                &["image", "inspect", "--format", "{{.Id}}"],
            ),
            Self::Docker | Self::None => (
                ["save", "--output", &path, name].map(Into::into).into(),
                &["image", "inspect", "--format", "{{.Id}}"],
            ),
        };
        Program::new(self.program()).args(saving).run()?;
        let id = Program::new(self.program())
            .args(asking)
            .args([name])
            .output()?;
        let id = id.trim();
        Ok(format!("sha256:{}", id.trim_start_matches("sha256:")))
    }
}

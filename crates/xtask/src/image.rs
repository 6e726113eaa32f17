//! Container images: compiled with the host's toolchain, arranged by the recipes in `docker/`.

mod archive;
mod context;
mod engine;
mod recipe;
mod sbom;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::run::{Program, root, say};
use crate::setup;
use archive::Image;
use context::{Build, Context, STORE};
use engine::{Engine, Order};
use recipe::Recipe;

/// What a person asked for.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Tag of the images; version and revision of this checkout if not given.
    #[arg(long)]
    tag: Option<String>,
    /// Folder of the archives.
    #[arg(long, default_value = "target/images")]
    output: PathBuf,
    /// What makes the images; the first engine that works here if not given.
    #[arg(long, value_enum)]
    engine: Option<Engine>,
    /// Rust target of the binaries; this machine's processor with musl if not given.
    #[arg(long)]
    target: Option<String>,
    /// Cargo's profile of the binaries; the size is limited for `dist` alone.
    #[arg(long, default_value = DIST)]
    profile: String,
    /// Also makes berth-devices, for laboratories.
    #[arg(long)]
    devices: bool,
    /// Also makes berth-store, a Redis for tests.
    #[arg(long)]
    store: bool,
    /// Also makes berth-e2e, the end-to-end scenarios.
    #[arg(long)]
    e2e: bool,
    /// Runs this command for each archive, with its path as the last word: `kind load image-archive`.
    #[arg(long, value_name = "COMMAND")]
    load: Option<String>,
    /// Where the sources can be had, for the label of that name.
    #[arg(long, value_name = "URL")]
    source: Option<String>,
}

impl Arguments {
    /// Every image of a laboratory, as the end-to-end scenarios install them.
    pub(crate) fn for_tests(tag: &str) -> Self {
        Self {
            tag: Some(tag.to_owned()),
            output: root().join("target/images"),
            engine: None,
            target: None,
            profile: DIST.to_owned(),
            devices: true,
            store: true,
            e2e: true,
            load: None,
            source: None,
        }
    }
}

/// What images are published from.
const DIST: &str = "dist";
/// What an operator loads onto every node shall stay small.
const LARGEST: u64 = 25_000_000;
/// Host part of the images' names: they come from this machine.
const HOST: &str = "localhost";

pub(crate) fn image(arguments: &Arguments) -> Result<()> {
    let mut work = Work::begin(arguments)?;
    let programs = if arguments.store { STORE } else { &[] };
    setup::check_images(&work.build.target, programs)?;

    let berth = work.context("berth")?;
    berth.add_authorities()?;
    berth.add_binary("berth", "berth", &work.build)?;
    let size = berth.size()?;
    if size > LARGEST && arguments.profile == DIST {
        bail!(
            "the image berth holds {size} octets, more than {LARGEST}: see docs/develop-on-kubernetes.md"
        );
    }
    work.make("berth", &berth)?;
    if arguments.devices {
        let devices = work.context("berth-devices")?;
        devices.add_binary("berth-ue", "ue", &work.build)?;
        work.make("berth-devices", &devices)?;
    }
    if arguments.store {
        let store = work.context("berth-store")?;
        store.add_store()?;
        work.make("berth-store", &store)?;
    }
    if arguments.e2e {
        let e2e = work.context("berth-e2e")?;
        e2e.add_binary("berth-e2e", "berth-e2e", &work.build)?;
        work.make("berth-e2e", &e2e)?;
    }
    Ok(())
}

/// What all images of one run have in common.
struct Work<'a> {
    arguments: &'a Arguments,
    engine: Engine,
    build: Build,
    tag: String,
    output: PathBuf,
    labels: BTreeMap<String, String>,
    /// What the own writer has made, by name: images are built on each other.
    made: BTreeMap<String, Image>,
}

impl<'a> Work<'a> {
    fn begin(arguments: &'a Arguments) -> Result<Self> {
        let host = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
        let revision = revision()?;
        let version = env!("CARGO_PKG_VERSION");
        let short = revision.get(..7).unwrap_or(&revision);
        let is_dirty = if revision.ends_with("-dirty") {
            "-dirty"
        } else {
            ""
        };
        let tag = format!("{version}-{short}{is_dirty}");
        let mut labels = BTreeMap::from([
            ("version".to_owned(), version.to_owned()),
            ("revision".to_owned(), revision),
        ]);
        labels.extend(
            arguments
                .source
                .clone()
                .map(|url| ("source".to_owned(), url)),
        );
        std::fs::create_dir_all(&arguments.output)?;
        Ok(Self {
            arguments,
            engine: arguments.engine.unwrap_or_else(Engine::detect),
            build: Build {
                target: arguments.target.clone().unwrap_or(host),
                profile: arguments.profile.clone(),
            },
            tag: arguments.tag.clone().unwrap_or(tag),
            output: arguments.output.canonicalize()?,
            labels: labels
                .into_iter()
                .map(|(name, value)| (format!("org.opencontainers.image.{name}"), value))
                .collect(),
            made: BTreeMap::new(),
        })
    }

    fn context(&self, name: &str) -> Result<Context> {
        Context::create(self.output.join("context").join(name))
    }

    fn name(&self, image: &str) -> String {
        format!("{HOST}/{image}:{}", self.tag)
    }

    /// Makes the image by its recipe, writes its archive, and loads it where that was asked for.
    fn make(&mut self, image: &str, context: &Context) -> Result<()> {
        let name = self.name(image);
        let recipe = root().join(format!("docker/{image}.Dockerfile"));
        let file = self.output.join(format!("{image}-{}.tar", self.tag));
        let digest = if self.engine == Engine::None {
            self.write(image, &recipe, context, &file)?
        } else {
            let architecture = architecture(&self.build.target)?;
            // Engines warn of values that nobody asks for.
            let text = std::fs::read_to_string(&recipe)?;
            let mut bases = self.bases();
            bases.retain(|name, _| text.contains(&format!("ARG {name}=")));
            let is_foreign = !self.build.target.starts_with(std::env::consts::ARCH);
            self.engine.build(&Order {
                name: &name,
                file: &recipe,
                context: context.path(),
                arguments: &bases,
                labels: &self.labels,
                platform: is_foreign.then(|| format!("linux/{architecture}")),
            })?;
            self.engine.save(&name, &file)?
        };
        let size = file.metadata()?.len() as f64 / 1e6;
        say(&format!(
            "{name}: {size:.1} MB, {digest}, {}",
            file.display()
        ));
        match &self.arguments.load {
            Some(command) => load(command, &file),
            None => Ok(()),
        }
    }

    /// The own way.
    fn write(
        &mut self,
        image: &str,
        recipe: &Path,
        context: &Context,
        file: &Path,
    ) -> Result<String> {
        let text = std::fs::read_to_string(recipe)?;
        let mut recipe = Recipe::parse(&text, &self.bases())
            .with_context(|| format!("{} cannot be followed", recipe.display()))?;
        recipe.labels.extend(self.labels.clone());
        let base = match &recipe.base {
            None => None,
            Some(name) => {
                let made = self.made.get(name);
                Some(made.with_context(|| format!("{name} has not been made in this run"))?)
            }
        };
        let made = Image::build(
            &recipe,
            base,
            context.path(),
            architecture(&self.build.target)?,
        )?;
        let name = self.name(image);
        let digest = made.write(&name, file)?;
        self.made.insert(name, made);
        Ok(digest)
    }

    /// The images that others start from.
    fn bases(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([("BERTH", self.name("berth"))])
    }
}

fn load(command: &str, file: &Path) -> Result<()> {
    let mut words = command.split_whitespace();
    let program = words.next().context("--load names no command")?;
    Program::new(program).args(words).args([file]).run()
}

/// The commit that is built, marked if the tree differs from it.
fn revision() -> Result<String> {
    let described = Program::new("git")
        .args([
            "describe",
            "--always",
            "--abbrev=40",
            "--exclude=*",
            "--dirty",
        ])
        .output()?;
    Ok(described.trim().to_owned())
}

/// What images call the processor.
fn architecture(target: &str) -> Result<&'static str> {
    match target.split('-').next() {
        Some("x86_64") => Ok("amd64"),
        Some("aarch64") => Ok("arm64"),
        _ => bail!("{target}: only x86_64 and aarch64 are known"),
    }
}

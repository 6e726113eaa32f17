//! The files that recipes arrange: binaries compiled on this machine, and what belongs beside them.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::sbom;
use crate::run::{Program, cargo, find, root};

/// Public certificate authorities, as Debian and Alpine keep them.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";
/// What the image of the test store holds.
pub(crate) const STORE: &[&str] = &["redis-server", "redis-cli"];

/// How binaries are compiled.
pub(crate) struct Build {
    /// Rust's name of the platform.
    pub(crate) target: String,
    /// Cargo's profile.
    pub(crate) profile: String,
}

/// A folder that holds what one recipe copies.
pub(crate) struct Context(PathBuf);

impl Context {
    /// An empty one.
    pub(crate) fn create(folder: PathBuf) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Octets of all its files.
    pub(crate) fn size(&self) -> Result<u64> {
        size(&self.0)
    }

    /// A binary with the list of its parts.
    pub(crate) fn add_binary(&self, package: &str, binary: &str, build: &Build) -> Result<()> {
        let built = compile(package, binary, build)?;
        self.copy(&built, binary, 0o755)?;
        let parts = self.0.join(format!("{binary}.cdx.json"));
        fs::write(&parts, sbom::document(package, &build.target)?)?;
        Ok(fs::set_permissions(
            parts,
            fs::Permissions::from_mode(0o644),
        )?)
    }

    /// The public certificate authorities of this machine.
    pub(crate) fn add_authorities(&self) -> Result<()> {
        self.copy(Path::new(AUTHORITIES), "ca-certificates.crt", 0o644)
            .context("install the package ca-certificates")
    }

    /// This machine's Redis with every library it is linked with.
    pub(crate) fn add_store(&self) -> Result<()> {
        for name in STORE {
            let program = find(name).with_context(|| format!("{name} is missing"))?;
            let libraries = Program::new("ldd").args([&program]).output()?;
            for library in libraries.lines().filter_map(library) {
                self.copy(Path::new(library), &format!("root{library}"), 0o755)?;
            }
            // One binary under several names stays one.
            let binary = program.canonicalize()?;
            let copied = format!("root{}", binary.display());
            self.copy(&binary, &copied, 0o755)?;
            let link = self.0.join(format!("root/usr/bin/{name}"));
            if !link.exists() {
                symlink(&binary, &link)?;
            }
        }
        // By this name the server is a Sentinel.
        let sentinel = self.0.join("root/usr/bin/redis-sentinel");
        Ok(symlink("redis-server", sentinel)?)
    }

    fn copy(&self, from: &Path, to: &str, mode: u32) -> Result<()> {
        let to = self.0.join(to);
        let folder = to.parent().context("a file lies in a folder")?;
        fs::create_dir_all(folder)?;
        if !to.exists() {
            fs::copy(from, &to).with_context(|| format!("{} cannot be copied", from.display()))?;
        }
        Ok(fs::set_permissions(to, fs::Permissions::from_mode(mode))?)
    }
}

/// Compiles a binary that needs nothing beside the kernel, and answers where it lies.
fn compile(package: &str, binary: &str, build: &Build) -> Result<PathBuf> {
    let Build { target, profile } = build;
    let home = std::env::var_os("CARGO_HOME").map_or_else(
        || Path::new(&std::env::var_os("HOME").unwrap_or_default()).join(".cargo"),
        PathBuf::from,
    );
    // Panics name source files: they shall not name this machine's folders, nor make the binary depend on them.
    let flags = [
        format!(
            "--remap-path-prefix={}/registry/src=/registry",
            home.display()
        ),
        format!("--remap-path-prefix={}=/berth", root().display()),
    ];
    cargo(["rustc", "--profile", profile, "--target", target])
        .args(["--package", package, "--bin", binary, "--config"])
        .args([format!("target.{target}.rustflags={flags:?}")])
        // A list of addresses to adjust at the start shrinks from a megabyte, all of it resident, to 10 kilobytes.
        .args(["--", "-C", "link-arg=-Wl,-z,pack-relative-relocs"])
        .run()?;
    // The one profile whose folder has another name.
    let folder = if profile == "dev" { "debug" } else { profile };
    let file = root().join(format!("target/{target}/{folder}/{binary}"));
    if !file.is_file() {
        bail!("cargo has not made {}", file.display());
    }
    Ok(file)
}

/// The path in a line of `ldd`: `libm.so.6 => /lib/… (0x…)` or `/lib64/ld-linux… (0x…)`.
fn library(line: &str) -> Option<&str> {
    line.split_whitespace().find(|word| word.starts_with('/'))
}

fn size(path: &Path) -> Result<u64> {
    let kind = fs::symlink_metadata(path)?;
    if !kind.is_dir() {
        return Ok(kind.len());
    }
    fs::read_dir(path)?.map(|entry| size(&entry?.path())).sum()
}

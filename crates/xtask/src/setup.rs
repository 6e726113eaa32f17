//! What the tests and images need beside a Rust toolchain and a C compiler.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use crate::chart;
use crate::run::{Program, find, say};

/// A program, the Debian package that brings it, and who needs it.
const PROGRAMS: &[(&str, &str, &str)] = &[
    (
        "redis-server",
        "redis-server",
        "store contract tests and cluster",
    ),
    (
        "coap-client-openssl",
        "libcoap3-bin",
        "interoperability of CoAP and DTLS",
    ),
    ("kill", "procps", "stopping processes"),
    ("musl-gcc", "musl-tools", "static binaries of images"),
    ("openssl", "openssl", "interoperability of DTLS"),
    ("promtool", "prometheus", "alerts and dashboards"),
];

/// For devices without an operating system, and for images.
const TARGETS: &[&str] = &["thumbv7em-none-eabihf", MUSL];
#[cfg(target_arch = "aarch64")]
const MUSL: &str = "aarch64-unknown-linux-musl";
#[cfg(not(target_arch = "aarch64"))]
const MUSL: &str = "x86_64-unknown-linux-musl";

/// Renders the chart; Debian has no package of it.
const HELM: &str = "helm.sh/helm/v3/cmd/helm@v3.22.0";

/// The one thing beside Rust and a C compiler that nobody installs here: Debian's is too old.
const NO_GO: &str = "Go is missing: the tests of the chart make helm with it, those of the Tiltfile run it. See \
                     https://go.dev/dl";

/// Installs everything that is missing.
pub(crate) fn install() -> Result<()> {
    let missing = missing_packages();
    if !missing.is_empty() {
        if find("apt-get").is_none() {
            bail!(
                "these programs are missing, and only apt-get is known here: {}",
                missing.join(" ")
            );
        }
        // A machine that has never looked has no list of packages yet.
        Program::new("apt-get").args(["update", "-qq"]).run()?;
        Program::new("apt-get")
            .args(["install", "-y", "-qq", "--no-install-recommends"])
            .args(&missing)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .run()
            .with_context(|| format!("install by hand: apt-get install {}", missing.join(" ")))?;
        if missing.contains(&"prometheus") && find("systemctl").is_some() {
            // The tests run their own; the package would run one for the machine. There is none to stop where
            // systemd does not run.
            let _ = Program::new("systemctl")
                .args(["disable", "--now", "prometheus"])
                .run();
        }
    }
    Program::new("rustup")
        .args(["target", "add"])
        .args(TARGETS)
        .run()?;
    Program::new("rustup")
        .args(["component", "add", "clippy", "rustfmt"])
        .run()?;
    if find("go").is_none() {
        // Images are made without it; the tests are refused by `check`.
        say(NO_GO);
    } else if chart::helm().is_err() {
        say("helm is missing (tests of the chart)");
        Program::new("go")
            .args(["install", HELM])
            .env("CGO_ENABLED", "0")
            .run()
            .with_context(|| format!("put helm into PATH, or make it: go install {HELM}"))?;
    }
    Ok(())
}

/// Fails, before anything is compiled, where this machine cannot make static binaries for a target, or where a
/// program is missing that goes into an image.
pub(crate) fn check_images(target: &str, programs: &[&str]) -> Result<()> {
    let libraries = Program::new("rustc")
        .args(["--print", "target-libdir", "--target", target])
        .output()?;
    let has_target = Path::new(libraries.trim()).is_dir();
    let has_compiler = target != MUSL
        || cfg!(target_env = "musl")
        || std::env::var_os(format!("CC_{}", target.replace('-', "_"))).is_some();
    refuse_images(target, has_target, has_compiler, programs, |program| {
        find(program).is_some()
    })
}

fn refuse_images(
    target: &str,
    has_target: bool,
    has_compiler: bool,
    programs: &[&str],
    has: impl Fn(&str) -> bool,
) -> Result<()> {
    let mut missing = Vec::new();
    if !has_target {
        missing.push(format!("Rust's libraries (rustup target add {target})"));
    }
    let compiler = (!has_compiler).then_some("musl-gcc");
    let needed = compiler.iter().chain(programs);
    missing.extend(
        needed
            .filter(|program| !has(program))
            .map(ToString::to_string),
    );
    ensure!(
        missing.is_empty(),
        "missing on this machine: {}; cargo xtask setup installs what its own images need",
        missing.join(", ")
    );
    Ok(())
}

/// Fails with the command that installs what is missing.
pub(crate) fn check() -> Result<()> {
    let missing = missing_packages();
    if !missing.is_empty() {
        bail!(
            "missing on this machine: apt-get install {} (or cargo xtask setup)",
            missing.join(" ")
        );
    }
    let targets = Program::new("rustup")
        .args(["target", "list", "--installed"])
        .output()?;
    for target in TARGETS {
        if !targets.lines().any(|installed| installed == *target) {
            bail!("missing: rustup target add {target} (or cargo xtask setup)");
        }
    }
    ensure!(find("go").is_some(), "{NO_GO}");
    chart::helm()?;
    Ok(())
}

fn missing_packages() -> Vec<&'static str> {
    let missing = PROGRAMS
        .iter()
        .filter(|(program, ..)| find(program).is_none());
    missing
        .map(|(program, package, user)| {
            say(&format!("{program} is missing ({user})"));
            *package
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_name_all_that_is_missing_and_what_installs_it() {
        let refusal = refuse_images(MUSL, false, false, &["redis-server"], |_| false);
        assert_eq!(
            refusal.unwrap_err().to_string(),
            format!(
                "missing on this machine: Rust's libraries (rustup target add {MUSL}), musl-gcc, redis-server; cargo xtask \
                 setup installs what its own images need"
            )
        );
    }

    #[test]
    fn images_are_made_where_everything_is_there() {
        refuse_images(MUSL, true, false, &["redis-server"], |_| true).unwrap();
        refuse_images("aarch64-unknown-linux-musl", true, true, &[], |_| false).unwrap();
    }
}

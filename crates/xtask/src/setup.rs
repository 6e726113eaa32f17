//! What the tests need beside a Rust toolchain and a C compiler.

use anyhow::{Context as _, Result, bail};

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
    if chart::helm().is_err() {
        say("helm is missing (tests of the chart)");
        Program::new("go")
            .args(["install", HELM])
            .env("CGO_ENABLED", "0")
            .run()
            .with_context(|| {
                format!("with a Go toolchain: go install {HELM}; or put helm into PATH")
            })?;
    }
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

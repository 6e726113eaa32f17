//! What must not work does not, says why, and leaves the device as able as before.

use anyhow::{Context as _, Result, ensure};

use crate::provider::Provider;
use crate::scenario::device;

pub(super) fn play(provider: &mut dyn Provider) -> Result<()> {
    provider
        .refusals()
        .context("strangers to the installation")?;

    let lab = provider.laboratory();
    refused(provider, "bare", &["status"], "")?;
    device::done(provider, "bare", &["new", "--lab", &lab])?;
    for early in [&["authenticate"][..], &["register"]] {
        refused(provider, "bare", early, "")?;
    }
    let wrong_code = [
        "onboard",
        "--sign-up",
        "code",
        "0123-4567-89AB-CDEF-GHJK-MNPQ-RS",
    ];
    refused(provider, "bare", &wrong_code, "NO_ORDER")?;

    // None of that cost the device anything.
    device::done(provider, "bare", &["onboard", "--sign-up", "auto"])?;
    let id = device::return_to_service(provider, "bare")?;
    let (_, domain) = id.split_once('@').context("a UE Service ID has a domain")?;
    let nobody = format!("nobody@{domain}");
    let to_nobody = ["send", "--to", &nobody, "--text", "hello"];
    refused(provider, "bare", &to_nobody, "UNKNOWN_RECIPIENT")?;
    device::return_to_service(provider, "bare")?;
    Ok(())
}

/// Runs a command that has to be refused, with that cause.
fn refused(
    provider: &mut dyn Provider,
    device: &str,
    arguments: &[&str],
    cause: &str,
) -> Result<()> {
    let line = arguments.join(" ");
    let answer = provider.ue(device, arguments)?;
    ensure!(
        !answer.success,
        "ue {line} was not refused: {}",
        answer.stdout
    );
    ensure!(
        answer.stderr.contains("error: ") && answer.stderr.contains(cause),
        "ue {line} was refused, but not with {cause}: {}",
        answer.stderr
    );
    Ok(())
}

//! Two devices by their own command: from the factory to a message that waited for its recipient.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::provider::Provider;

pub(super) fn play(provider: &mut dyn Provider) -> Result<()> {
    enrol(provider, "sensor")?;
    let meter = enrol(provider, "meter")?;
    let text = "seventeen degrees";
    let sent = done(
        provider,
        "sensor",
        &["send", "--to", &meter, "--text", text],
    )?;
    let received = done(
        provider,
        "meter",
        &["receive", "--count", "1", "--timeout", "20"],
    )?;
    ensure!(
        received.to_string().contains(text),
        "the message {sent} did not arrive: {received}"
    );
    done(provider, "meter", &["deregister"])?;
    done(provider, "sensor", &["deregister"])?;
    Ok(())
}

/// Makes a device and takes it to its registration; answers its UE Service ID.
pub(super) fn enrol(provider: &mut dyn Provider, device: &str) -> Result<String> {
    let lab = provider.laboratory();
    done(provider, device, &["new", "--lab", &lab])?;
    done(provider, device, &["onboard", "--sign-up", "auto"])?;
    return_to_service(provider, device)
}

/// Authenticates a device that has a subscription and registers it, each with one retry at most; answers its UE Service ID.
pub(super) fn return_to_service(provider: &mut dyn Provider, device: &str) -> Result<String> {
    for step in ["authenticate", "register"] {
        if let Err(first) = done(provider, device, &[step]) {
            let registered = done(provider, device, &[step]);
            registered.with_context(|| format!("again, after: {first:#}"))?;
        }
    }
    let registered = done(provider, device, &["register"])?;
    let id = registered["ue_service_id"].as_str();
    Ok(id.context("ue register names no UE Service ID")?.to_owned())
}

/// Runs a command that has to succeed; answers the first JSON object that it prints.
pub(super) fn done(provider: &mut dyn Provider, device: &str, arguments: &[&str]) -> Result<Value> {
    let answer = provider.ue(device, arguments)?;
    ensure!(
        answer.success,
        "ue {} of {device}: {}{}",
        arguments.join(" "),
        answer.stdout,
        answer.stderr
    );
    let printed = serde_json::Deserializer::from_str(&answer.stdout)
        .into_iter::<Value>()
        .next();
    match printed {
        Some(value) => Ok(value?),
        None => Ok(Value::Null),
    }
}

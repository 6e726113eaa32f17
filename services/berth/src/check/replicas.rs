//! A look at each replica of each function: identity, certificate, health, version, clock, and what it says itself.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail};
use nf_api::pb::common::info_service_client::InfoServiceClient;
use nf_api::pb::common::{GetInfoRequest, GetInfoResponse, finding};
use nf_api::{NetworkFunction, convert};
use nf_runtime::about::{Finding, Verdict};
use nf_runtime::grpc::{self, Channel};
use tokio::net::lookup_host;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::CheckConfig;
use super::certificates::until;
use super::finding::{advice, bad, found, good};
use super::handshake::shaken;
use crate::operator::Operator;

/// Looks at every replica.
pub(super) async fn look(operator: &Operator<'_>, config: &CheckConfig) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut versions = BTreeMap::<String, BTreeSet<&'static str>>::new();
    let mut told = BTreeMap::<(String, Verdict, String), BTreeSet<&'static str>>::new();
    for (function, targets) in &operator.site.peers {
        let addresses = match addresses(targets).await {
            Ok(addresses) => addresses,
            Err(error) => {
                findings.push(bad(function.name(), format!("{error:#}")));
                continue;
            }
        };
        for address in addresses {
            let replica = Replica {
                function: *function,
                address,
                operator,
                config,
            };
            let (own, info) = replica.look().await;
            findings.extend(own);
            let Some(info) = info else { continue };
            versions
                .entry(info.version)
                .or_default()
                .insert(function.name());
            for told_finding in info.findings {
                let verdict = verdict(told_finding.verdict());
                told.entry((told_finding.about, verdict, told_finding.text))
                    .or_default()
                    .insert(function.name());
            }
        }
    }
    for ((about, verdict, text), by) in told {
        let by = by.into_iter().collect::<Vec<_>>().join(", ");
        findings.push(found(about, verdict, format!("{text} (seen by {by})")));
    }
    findings.extend(skew(versions));
    findings
}

/// Whether every function answers; the error names the first that does not. Answers how many do.
pub(crate) async fn serving(operator: &Operator<'_>) -> Result<usize> {
    for function in operator.site.peers.keys() {
        let channel = operator.channel(*function)?;
        health(channel)
            .await
            .with_context(|| format!("{function} does not answer"))?;
    }
    Ok(operator.site.peers.len())
}

/// All addresses behind `host:port` with commas between.
pub(super) async fn addresses(targets: &str) -> Result<BTreeSet<SocketAddr>> {
    let mut addresses = BTreeSet::new();
    for target in targets.split(',').map(str::trim) {
        let found = lookup_host(target).await;
        addresses.extend(found.with_context(|| {
            format!("{target} has no address: no replica runs, or the name is wrong")
        })?);
    }
    if addresses.is_empty() {
        bail!("{targets} has no address: no replica runs");
    }
    Ok(addresses)
}

async fn health(channel: Channel) -> Result<()> {
    let answer = HealthClient::new(channel)
        .check(HealthCheckRequest::default())
        .await?
        .into_inner();
    if answer.status() != ServingStatus::Serving {
        bail!("it answers, but does not serve");
    }
    Ok(())
}

/// More than one version at a time.
fn skew(mut versions: BTreeMap<String, BTreeSet<&'static str>>) -> Option<Finding> {
    versions
        .entry(env!("CARGO_PKG_VERSION").to_owned())
        .or_default()
        .insert("this command");
    if let [(version, _)] = versions.iter().collect::<Vec<_>>().as_slice() {
        return Some(good("version", version.as_str()));
    }
    let each = versions.into_iter().map(|(version, functions)| {
        let functions = functions.into_iter().collect::<Vec<_>>().join(", ");
        format!("{version}: {functions}")
    });
    let each = each.collect::<Vec<_>>().join("; ");
    Some(advice(
        "version",
        format!("versions differ, finish the update ({each})"),
    ))
}

/// One replica of one function.
struct Replica<'a> {
    function: NetworkFunction,
    address: SocketAddr,
    operator: &'a Operator<'a>,
    config: &'a CheckConfig,
}

impl Replica<'_> {
    /// What is found, and what it said of itself.
    async fn look(&self) -> (Vec<Finding>, Option<GetInfoResponse>) {
        let about = format!("{} {}", self.function, self.address);
        let facts = match shaken(self.function, self.address, self.operator).await {
            Ok(facts) => facts,
            Err(error) => return (vec![bad(about, format!("{error:#}"))], None),
        };
        let (verdict, certificate) = until(
            facts.not_before,
            facts.not_after,
            self.config.certificate_advice,
            SystemTime::now(),
        );
        let mut findings = Vec::new();
        if verdict != Verdict::Good {
            findings.push(found(about.clone(), verdict, certificate.clone()));
        }
        let channel = match self.channel() {
            Ok(channel) => channel,
            Err(error) => {
                findings.push(bad(about, format!("{error:#}")));
                return (findings, None);
            }
        };
        if let Err(error) = health(channel.clone()).await {
            let text = format!("{error:#}; look at its /readyz and its log");
            findings.push(bad(about, text));
            return (findings, None);
        }
        match self.info(channel).await {
            Ok((info, clock)) => {
                findings.extend(self.own(&about, &info, clock));
                if findings.is_empty() {
                    let text = format!(
                        "{} serves {}; {certificate}; its clock is {}",
                        info.instance,
                        info.version,
                        clock.text()
                    );
                    findings.push(good(about, text));
                }
                (findings, Some(info))
            }
            Err(error) => {
                let text = format!("it serves, but says nothing about itself: {error:#}");
                findings.push(advice(about, text));
                (findings, None)
            }
        }
    }

    /// Clock and certificates, as it states them.
    fn own(&self, about: &str, info: &GetInfoResponse, clock: Clock) -> Vec<Finding> {
        let mut findings = Vec::new();
        if clock.off.saturating_sub(clock.unsure) > self.config.clock_difference {
            let text = format!("its clock is {}: synchronize it", clock.text());
            findings.push(bad(about, text));
        }
        for certificate in &info.certificates {
            let about = format!("{about} ({})", certificate.name);
            let Ok(end) = convert::unix_ms(certificate.not_after) else {
                findings.push(bad(about, "its certificate file cannot be read any more"));
                continue;
            };
            let end = SystemTime::UNIX_EPOCH + Duration::from_millis(end);
            let (soon, now) = (self.config.certificate_advice, SystemTime::now());
            let (verdict, text) = until(SystemTime::UNIX_EPOCH, end, soon, now);
            if verdict != Verdict::Good {
                findings.push(found(about, verdict, text));
            }
        }
        findings
    }

    fn channel(&self) -> Result<Channel> {
        let Operator {
            identity, runtime, ..
        } = self.operator;
        let address = self.address.to_string();
        Ok(grpc::connect(&address, identity, self.function, runtime)?)
    }

    /// Asks what it says of itself, and compares its clock with ours.
    async fn info(&self, channel: Channel) -> Result<(GetInfoResponse, Clock)> {
        let mut client = InfoServiceClient::new(channel);
        let clock = &self.operator.runtime.clock;
        let asked = clock.unix_ms();
        let info = client.get(GetInfoRequest {}).await?.into_inner();
        let answered = clock.unix_ms();
        let theirs = convert::unix_ms(info.now)
            .map_err(|cause| anyhow::anyhow!("it states no time ({cause})"))?;
        Ok((info, Clock::compared(theirs, asked, answered)))
    }
}

/// How far a clock is from ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Clock {
    ahead: bool,
    off: Duration,
    unsure: Duration,
}

impl Clock {
    /// All in milliseconds since 1970: theirs was read at some time between asking and being answered.
    fn compared(theirs: u64, asked: u64, answered: u64) -> Self {
        let half = answered.saturating_sub(asked) / 2;
        let ours = asked.saturating_add(half);
        Self {
            ahead: theirs >= ours,
            off: Duration::from_millis(theirs.abs_diff(ours)),
            unsure: Duration::from_millis(half),
        }
    }

    fn text(self) -> String {
        if self.off <= self.unsure.max(Duration::from_millis(10)) {
            return "ours".to_owned();
        }
        let side = if self.ahead { "ahead" } else { "behind" };
        format!("{:.2} s {side}", self.off.as_secs_f64())
    }
}

fn verdict(told: finding::Verdict) -> Verdict {
    match told {
        finding::Verdict::Good => Verdict::Good,
        finding::Verdict::Advice => Verdict::Advice,
        finding::Verdict::Bad | finding::Verdict::Unspecified => Verdict::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_compared_with_the_middle_of_the_call() {
        let same = Clock::compared(1_050, 1_000, 1_100);
        assert_eq!(same.text(), "ours");
        let late = Clock::compared(1_000, 61_000, 61_100);
        assert_eq!(late.text(), "60.05 s behind");
        assert_eq!(late.unsure, Duration::from_millis(50));
        assert_eq!(Clock::compared(9_000, 1_000, 1_000).text(), "8.00 s ahead");
    }

    #[test]
    fn versions_that_differ_are_named_with_their_functions() {
        let ours = env!("CARGO_PKG_VERSION").to_owned();
        let same = skew(BTreeMap::from([(ours, BTreeSet::from(["ausf"]))])).unwrap();
        assert_eq!(same.verdict, Verdict::Good);
        let other = skew(BTreeMap::from([(
            "9.9".to_owned(),
            BTreeSet::from(["ausf"]),
        )]))
        .unwrap();
        assert_eq!(other.verdict, Verdict::Advice);
        assert!(other.text.contains("9.9: ausf"), "{}", other.text);
    }
}

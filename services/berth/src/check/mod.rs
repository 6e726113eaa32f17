//! `berth check`: whether a running installation is as it should be.

mod config;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use nf_api::NetworkFunction;
use nf_api::pb::aanf::ListAccessPoliciesRequest;
use nf_api::pb::aanf::access_policy_service_client::AccessPolicyServiceClient;
use nf_api::pb::ausf::ListManufacturersRequest;
use nf_api::pb::ausf::manufacturer_service_client::ManufacturerServiceClient;
use nf_api::pb::subscription_manager::ListPlansRequest;
use nf_api::pb::subscription_manager::plan_service_client::PlanServiceClient;
use nf_runtime::Runtime;
use nf_runtime::clock::Clock;
use nf_runtime::grpc::{self, Channel, GrpcConfig};
use nf_runtime::lifecycle::ShutdownConfig;
use nf_runtime::tls::{TlsConfig, TlsIdentity};
use serde_json::json;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

pub(crate) use self::config::CheckConfig;
use crate::endpoints::Endpoints;

/// Certificates that end sooner are reported.
const SOON: Duration = Duration::from_secs(14 * 86_400);

#[derive(Args)]
pub(crate) struct Options {
    /// endpoints.json of the installation.
    #[arg(long, default_value = ".berth/endpoints.json")]
    target: PathBuf,
    /// One JSON object a finding on standard output.
    #[arg(long)]
    json: bool,
}

/// How a look at one thing ended.
struct Finding {
    about: String,
    verdict: Verdict,
    text: String,
}

enum Verdict {
    Good,
    Advice,
    Bad,
}

/// Looks at everything; exit code 0 if nothing is bad.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let endpoints = Endpoints::read(&options.target)?;
    let runtime = Runtime::new(ShutdownConfig::default(), GrpcConfig::default());
    let mut findings = vec![version(&endpoints)];
    for file in [&endpoints.ca, &endpoints.admin_cert] {
        findings.push(certificate(file));
    }
    let operator = Operator {
        endpoints: &endpoints,
        runtime: &runtime,
    };
    for (function, _) in addresses(&endpoints) {
        findings.push(operator.health(function).await);
    }
    findings.push(operator.registry().await);
    findings.push(operator.plans().await);
    findings.push(operator.policies().await);
    let _ = runtime.lifecycle.shutdown().await;

    let bad = findings
        .iter()
        .any(|finding| matches!(finding.verdict, Verdict::Bad));
    for finding in &findings {
        print(finding, options.json)?;
    }
    Ok(if bad {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// How many functions answer; an error names the first that does not.
pub(crate) async fn functions(endpoints: &Endpoints) -> Result<usize> {
    let runtime = Runtime::new(
        ShutdownConfig {
            settle: Duration::ZERO,
            ..ShutdownConfig::default()
        },
        GrpcConfig::default(),
    );
    let operator = Operator {
        endpoints,
        runtime: &runtime,
    };
    let mut count = 0;
    for (function, _) in addresses(endpoints) {
        operator
            .serving(function)
            .await
            .with_context(|| format!("{function} does not answer"))?;
        count += 1;
    }
    let _ = runtime.lifecycle.shutdown().await;
    Ok(count)
}

fn addresses(endpoints: &Endpoints) -> [(NetworkFunction, &str); 7] {
    [
        (NetworkFunction::Vault, &endpoints.vault),
        (NetworkFunction::Ausf, &endpoints.ausf),
        (NetworkFunction::Aanf, &endpoints.aanf),
        (
            NetworkFunction::ConfigurationManagement,
            &endpoints.configuration_management,
        ),
        (
            NetworkFunction::SubscriptionManager,
            &endpoints.subscription_manager,
        ),
        (NetworkFunction::Msgin5gServer, &endpoints.msgin5g_server),
        (
            NetworkFunction::CertificateFetcher,
            &endpoints.certificate_fetcher,
        ),
    ]
}

/// Calls under the operator's identity.
struct Operator<'a> {
    endpoints: &'a Endpoints,
    runtime: &'a Runtime,
}

impl Operator<'_> {
    fn channel(&self, function: NetworkFunction) -> Result<Channel> {
        let identity = TlsIdentity::load(&TlsConfig {
            ca: self.endpoints.ca.clone(),
            certificate: self.endpoints.admin_cert.clone(),
            key: self.endpoints.admin_key.clone(),
            trust_domain: self.endpoints.trust_domain.clone(),
        })?;
        let found = addresses(self.endpoints)
            .into_iter()
            .find(|(of, _)| *of == function);
        let (_, address) = found.context("the access gateway has no operator's side")?;
        Ok(grpc::connect(address, &identity, function, self.runtime)?)
    }

    async fn serving(&self, function: NetworkFunction) -> Result<()> {
        let mut client = HealthClient::new(self.channel(function)?);
        let answer = client
            .check(HealthCheckRequest::default())
            .await?
            .into_inner();
        if answer.status() != ServingStatus::Serving {
            bail!("it answers, but does not serve yet");
        }
        Ok(())
    }

    async fn health(&self, function: NetworkFunction) -> Finding {
        match self.serving(function).await {
            Ok(()) => good(function.name(), "serves"),
            Err(error) => bad(function.name(), format!("{error:#}; look at its log")),
        }
    }

    async fn registry(&self) -> Finding {
        let asked = async {
            let mut client = ManufacturerServiceClient::new(self.channel(NetworkFunction::Ausf)?);
            Ok::<_, anyhow::Error>(
                client
                    .list(ListManufacturersRequest {})
                    .await?
                    .into_inner()
                    .manufacturers
                    .len(),
            )
        };
        counted(
            "manufacturers",
            asked.await,
            "no manufacturer is registered: no device can onboard",
        )
    }

    async fn plans(&self) -> Finding {
        let asked = async {
            let mut client =
                PlanServiceClient::new(self.channel(NetworkFunction::SubscriptionManager)?);
            Ok::<_, anyhow::Error>(
                client
                    .list(ListPlansRequest {})
                    .await?
                    .into_inner()
                    .plans
                    .len(),
            )
        };
        counted("plans", asked.await, "there is no plan: nobody can sign up")
    }

    async fn policies(&self) -> Finding {
        let asked = async {
            let mut client = AccessPolicyServiceClient::new(self.channel(NetworkFunction::Aanf)?);
            Ok::<_, anyhow::Error>(
                client
                    .list(ListAccessPoliciesRequest {})
                    .await?
                    .into_inner()
                    .policies
                    .len(),
            )
        };
        counted(
            "access policies",
            asked.await,
            "no application function may use AKMA: no device can register",
        )
    }
}

fn counted(about: &str, count: Result<usize>, none: &str) -> Finding {
    match count {
        Ok(0) => Finding {
            about: about.to_owned(),
            verdict: Verdict::Advice,
            text: none.to_owned(),
        },
        Ok(count) => good(about, &count.to_string()),
        Err(error) => bad(about, format!("{error:#}")),
    }
}

fn version(endpoints: &Endpoints) -> Finding {
    let ours = env!("CARGO_PKG_VERSION");
    if endpoints.version == ours {
        good("version", ours)
    } else {
        let text = format!(
            "the installation is {}, this command is {ours}",
            endpoints.version
        );
        Finding {
            about: "version".to_owned(),
            verdict: Verdict::Advice,
            text,
        }
    }
}

fn certificate(file: &Path) -> Finding {
    let about = file.display().to_string();
    let ends = std::fs::read(file)
        .context("it cannot be read")
        .and_then(|text| {
            let (_, pem) = x509_parser::pem::parse_x509_pem(&text).context("it is no PEM")?;
            let certificate = pem.parse_x509().context("it is no certificate")?;
            Ok(certificate.validity().not_after.timestamp())
        });
    let now = i64::try_from(Clock::system().unix_seconds()).unwrap_or(i64::MAX);
    let soon = now.saturating_add_unsigned(SOON.as_secs());
    match ends {
        Ok(ends) if ends <= now => bad(
            &about,
            "it has expired; restart the installation to renew it".to_owned(),
        ),
        Ok(ends) if ends <= soon => {
            let text = format!("it ends in {} days", (ends - now) / 86_400);
            Finding {
                about,
                verdict: Verdict::Advice,
                text,
            }
        }
        Ok(ends) => good(&about, &format!("good for {} days", (ends - now) / 86_400)),
        Err(error) => bad(&about, format!("{error:#}")),
    }
}

fn good(about: &str, text: &str) -> Finding {
    Finding {
        about: about.to_owned(),
        verdict: Verdict::Good,
        text: text.to_owned(),
    }
}

fn bad(about: &str, text: String) -> Finding {
    Finding {
        about: about.to_owned(),
        verdict: Verdict::Bad,
        text,
    }
}

fn print(finding: &Finding, json: bool) -> Result<()> {
    use std::io::Write as _;
    let (mark, verdict) = match finding.verdict {
        Verdict::Good => ("✓", "good"),
        Verdict::Advice => ("!", "advice"),
        Verdict::Bad => ("✗", "bad"),
    };
    let mut out = std::io::stdout();
    if json {
        let line = json!({ "about": finding.about, "verdict": verdict, "text": finding.text });
        writeln!(out, "{line}")?;
    } else {
        writeln!(out, "{mark} {:<28} {}", finding.about, finding.text)?;
    }
    Ok(())
}

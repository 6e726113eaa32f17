//! What the process says about itself.

use std::time::{SystemTime, UNIX_EPOCH};

use nf_api::convert;
use nf_api::pb::common::info_service_server::InfoService;
use nf_api::pb::common::{CertificateInfo, Finding, GetInfoRequest, GetInfoResponse, finding};
use tonic::{Request, Response, Status, async_trait};

use crate::about::{About, Verdict};
use crate::clock::Clock;

/// Answers operators.
pub(super) struct Info {
    pub(super) about: About,
    pub(super) clock: Clock,
}

#[async_trait]
impl InfoService for Info {
    async fn get(&self, _: Request<GetInfoRequest>) -> Result<Response<GetInfoResponse>, Status> {
        let certificates = self.about.certificates().into_iter();
        let certificates = certificates.map(|(name, not_after)| CertificateInfo {
            name: name.to_owned(),
            not_after: not_after.map(|end| convert::timestamp(unix_ms(end))),
        });
        let findings = self.about.findings().await.into_iter();
        let findings = findings.map(|found| Finding {
            about: found.about,
            verdict: match found.verdict {
                Verdict::Good => finding::Verdict::Good,
                Verdict::Advice => finding::Verdict::Advice,
                Verdict::Bad => finding::Verdict::Bad,
            }
            .into(),
            text: found.text,
        });
        Ok(Response::new(GetInfoResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            instance: instance(),
            // Last, so that the looks before it do not age it.
            certificates: certificates.collect(),
            findings: findings.collect(),
            now: Some(convert::timestamp(self.clock.unix_ms())),
        }))
    }
}

/// The name of the machine or pod.
fn instance() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|name| name.trim().to_owned())
        .unwrap_or_default()
}

fn unix_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

//! When certificates begin and end, and at whom.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use nf_runtime::about::{Finding, Verdict};
use nf_runtime::pki::CertificateFacts;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{CertificateError, Error, RootCertStore};

use super::finding::{advice, bad, found};

/// Judges the certificate in a file.
pub(super) fn in_file(file: &Path, soon: Duration, now: SystemTime) -> Finding {
    let about = file.display().to_string();
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => return bad(about, format!("it cannot be read: {error}")),
    };
    match CertificateFacts::read(&text) {
        Some(facts) => {
            let (verdict, text) = until(facts.not_before, facts.not_after, soon, now);
            found(about, verdict, text)
        }
        None => bad(about, "it holds no certificate (PEM)"),
    }
}

/// Looks whether functions that trust the same authorities would believe a certificate.
pub(super) fn believed(file: &Path, authorities: &Path, now: SystemTime) -> Option<Finding> {
    let chain = read(file)?;
    let (first, rest) = chain.split_first()?;
    let mut roots = RootCertStore::empty();
    for authority in read(authorities)? {
        roots.add(authority).ok()?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
    let now = UnixTime::since_unix_epoch(now.duration_since(SystemTime::UNIX_EPOCH).ok()?);
    match verifier.build().ok()?.verify_client_cert(first, rest, now) {
        // Authorities of one name are told apart by their signature.
        Err(Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        )) => Some(advice(
            file.display().to_string(),
            format!(
                "it does not end at {}: functions that trust the same refuse it",
                authorities.display()
            ),
        )),
        // What else is wrong with it is told of it alone.
        _ => None,
    }
}

/// All certificates of a file; what cannot be read is told elsewhere.
fn read(file: &Path) -> Option<Vec<CertificateDer<'static>>> {
    let pem = std::fs::read(file).ok()?;
    CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .ok()
}

/// Judges the life of a certificate.
pub(super) fn until(
    begin: SystemTime,
    end: SystemTime,
    soon: Duration,
    now: SystemTime,
) -> (Verdict, String) {
    if let Ok(wait) = begin.duration_since(now)
        && !wait.is_zero()
    {
        let text = format!(
            "the certificate is not valid before {} days and {} s: set the clock right here, or of who issued it",
            wait.as_secs() / 86_400,
            wait.as_secs() % 86_400
        );
        return (Verdict::Bad, text);
    }
    let Ok(left) = end.duration_since(now) else {
        return (
            Verdict::Bad,
            "the certificate has ended: renew it".to_owned(),
        );
    };
    let days = left.as_secs() / 86_400;
    if left <= soon {
        let text = format!("the certificate ends in {days} days: renew it");
        return (Verdict::Advice, text);
    }
    (
        Verdict::Good,
        format!("its certificate is good for {days} days"),
    )
}

#[cfg(test)]
mod tests {
    use nf_api::Caller;
    use nf_runtime::pki::LabAuthority;

    use super::*;

    #[test]
    fn an_end_is_good_near_or_over() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000);
        let day = Duration::from_secs(86_400);
        let verdict = |end| until(now, end, day * 30, now).0;
        assert_eq!(verdict(now + day * 31), Verdict::Good);
        assert_eq!(verdict(now + day * 30), Verdict::Advice);
        assert_eq!(verdict(now - day), Verdict::Bad);
        let (verdict, text) = until(now + day * 2, now + day * 90, day, now);
        assert_eq!(verdict, Verdict::Bad);
        assert!(text.contains("not valid before 2 days"), "{text}");
    }

    #[test]
    fn a_certificate_of_a_foreign_authority_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let operator = Caller::Operator {
            name: "admin".to_owned(),
        };
        let of = |name: &str| {
            let authority = LabAuthority::create(&folder.path().join(name), "berth.test").unwrap();
            authority.install(&operator, &["localhost"], &[]).unwrap()
        };
        let (ours, theirs) = (of("ours"), of("theirs"));
        let now = SystemTime::now();
        assert!(believed(&ours.certificate, &ours.ca, now).is_none());
        let found = believed(&theirs.certificate, &ours.ca, now).unwrap();
        assert_eq!(found.verdict, Verdict::Advice);
    }
}

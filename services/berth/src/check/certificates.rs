//! When certificates end.

use std::path::Path;
use std::time::{Duration, SystemTime};

use nf_runtime::about::{Finding, Verdict};
use nf_runtime::pki::CertificateFacts;

use super::finding::{bad, found};

/// Judges the certificate in a file.
pub(super) fn in_file(file: &Path, soon: Duration, now: SystemTime) -> Finding {
    let about = file.display().to_string();
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => return bad(about, format!("it cannot be read: {error}")),
    };
    match CertificateFacts::read(&text) {
        Some(facts) => {
            let (verdict, text) = until(facts.not_after, soon, now);
            found(about, verdict, text)
        }
        None => bad(about, "it holds no certificate (PEM)"),
    }
}

/// Judges the end of a certificate.
pub(super) fn until(end: SystemTime, soon: Duration, now: SystemTime) -> (Verdict, String) {
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
    use super::*;

    #[test]
    fn an_end_is_good_near_or_over() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000);
        let day = Duration::from_secs(86_400);
        let verdict = |end| until(end, day * 30, now).0;
        assert_eq!(verdict(now + day * 31), Verdict::Good);
        assert_eq!(verdict(now + day * 30), Verdict::Advice);
        assert_eq!(verdict(now - day), Verdict::Bad);
    }
}

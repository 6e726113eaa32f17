//! When certificates end.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

type End = Box<dyn Fn() -> Option<i64> + Send + Sync>;

/// `berth_tls_certificate_expiry_timestamp_seconds`, asked when metrics are read, so that it follows
/// every replacement.
#[derive(Clone, Default)]
pub(super) struct Certificates(Arc<Mutex<Vec<(&'static str, End)>>>);

impl Certificates {
    pub(super) fn add(&self, certificate: &'static str, end: End) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((certificate, end));
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}

impl Collector for Certificates {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let certificates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Functions in one process have an identity each: the first to end is what matters.
        let mut ends: Vec<(&str, i64)> = Vec::new();
        for (certificate, end) in certificates.iter() {
            let Some(end) = end() else { continue };
            match ends.iter_mut().find(|(name, _)| name == certificate) {
                Some((_, first)) => *first = end.min(*first),
                None => ends.push((certificate, end)),
            }
        }
        if ends.is_empty() {
            return Ok(());
        }
        let mut family = encoder.encode_descriptor(
            "berth_tls_certificate_expiry_timestamp",
            "End of the certificate in use, since the epoch",
            Some(&Unit::Seconds),
            ConstGauge::new(0_i64).metric_type(),
        )?;
        for (certificate, end) in ends {
            let labels = [("certificate", certificate)];
            ConstGauge::new(end).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

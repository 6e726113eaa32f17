//! What has to be done now and then, whichever replica does it.

use std::time::Duration;

use nf_runtime::metrics::ProcedureMetrics;
use nf_runtime::procedure::chain;
use store::Error;

use crate::context::Context;
use crate::procedures::end_session::end_overdue_sessions;
use crate::procedures::free_labels::free_labels;

/// Ends sessions whose time is up, each second. Every replica does: to end a session twice changes nothing, and
/// nobody has to wait until a leader is found.
pub(crate) async fn sweep(context: Context) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = end_overdue_sessions(&context).await {
            tracing::warn!(error = chain(&error), "overdue sessions cannot be ended");
        }
    }
}

/// Frees labels that a crash has left claimed. It walks through all claims, therefore one replica does it for all.
pub(crate) async fn free_claims(context: Context, metrics: ProcedureMetrics) {
    loop {
        tokio::time::sleep(FREE_CLAIMS_EVERY).await;
        free_claims_now(&context, &metrics).await;
    }
}

/// Counts and logs how it ends within the trace.
#[tracing::instrument(skip_all, name = "subscription_manager.free_labels")]
async fn free_claims_now(context: &Context, metrics: &ProcedureMetrics) {
    let freed = free_claims_once(context);
    match metrics.measure("free_labels", freed, Error::cause).await {
        Ok(0) => {}
        Ok(freed) => tracing::info!(freed, "labels freed that were claimed and never ordered"),
        Err(error) => tracing::warn!(error = chain(&error), "claims not looked through"),
    }
}

/// The lease is kept until it ends: so long no other replica does the same.
pub(crate) async fn free_claims_once(context: &Context) -> Result<usize, Error> {
    let tag = context.store.tag("housekeeping")?;
    let lease = context.store.take_lease(&tag, "claims", ONCE_IN);
    match lease.await? {
        Some(_) => free_labels(context).await,
        None => Ok(0),
    }
}

const FREE_CLAIMS_EVERY: Duration = Duration::from_secs(600);
/// Shorter than the time between two rounds, so that no round is left out.
const ONCE_IN: Duration = Duration::from_secs(540);

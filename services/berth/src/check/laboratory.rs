//! A throw-away laboratory beside an installation, of which nothing stays that an operator can remove.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use nf_api::NetworkFunction;
use nf_api::pb::subscription_manager::CreateOrderRequest;
use nf_api::pb::subscription_manager::order_service_client::OrderServiceClient;
use tokio::time::timeout;
use ue::SignUp;

use crate::config::BerthConfig;
use crate::lab::{
    Channels, LabConfig, Laboratory, Registration, is_leftover, remove_leftovers, start_gateway,
    throw_away_name,
};
use crate::operator::Operator;

/// Names of throw-away laboratories begin with it.
const PREFIX: &str = "berth-check-";
/// A file in the folder of each, locked as long as it is used.
const LOCK: &str = "lock";
/// How long one attempt to remove what is registered may take.
const REMOVAL: Duration = Duration::from_secs(10);

/// Certificate server and access gateway in this process; what it registers goes by one [`Registration`] after the other.
pub(super) struct ThrowAway<'a> {
    pub(super) laboratory: Laboratory,
    pub(super) config: LabConfig,
    /// Held while the folder is in use.
    _lock: File,
    operator: &'a Operator<'a>,
}

impl<'a> ThrowAway<'a> {
    /// Opens it in a folder of its own, which goes with it.
    pub(super) async fn open(config: &BerthConfig, operator: &'a Operator<'a>) -> Result<Self> {
        let name = new_name(operator);
        let lab = LabConfig {
            // Devices are in this process.
            n1_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            folder: config.lab.folder.join(&name),
            ..config.lab.clone()
        };
        let (site, runtime) = (operator.site, operator.runtime);
        let opened = async {
            let lock = lock(&lab.folder)?;
            let laboratory = Laboratory::open(&lab, format!("{name}.berth.test"), runtime).await?;
            let n1 = start_gateway(&lab, config, site, runtime).await?;
            let channels = |callee| operator.channel(callee);
            laboratory
                .publish(&format!("http://{n1}"), &channels)
                .await?;
            Ok::<_, anyhow::Error>((laboratory, lock))
        };
        match opened.await {
            Ok((laboratory, lock)) => Ok(Self {
                laboratory,
                config: lab,
                _lock: lock,
                operator,
            }),
            Err(error) => {
                let _ = fs::remove_dir_all(&lab.folder);
                Err(error.context("there is no laboratory"))
            }
        }
    }

    /// Its folder.
    pub(super) fn folder(&self) -> &Path {
        self.laboratory.folder()
    }

    /// What one run registers, under a new name: its plan is for nobody who has no order.
    pub(super) fn registration(&self) -> Registration {
        let name = new_name(self.operator);
        Registration::new(&self.laboratory, &name, &name, false)
    }

    /// Takes away what a run has registered.
    pub(super) async fn remove(
        &self,
        registration: &Registration,
        channels: Channels<'_>,
    ) -> Result<()> {
        let removed = timeout(REMOVAL, registration.remove(channels)).await;
        removed.context("the functions do not answer")?
    }

    /// Removes what runs left that were killed; answers what there is to tell of it.
    pub(super) async fn clear(&self, age: Duration, channels: Channels<'_>) -> Option<String> {
        let now = self.operator.runtime.clock.unix_seconds();
        if let Some(folder) = self.config.folder.parent() {
            clear_folders(folder, age, now);
        }
        match remove_leftovers(PREFIX, age, now, channels).await {
            Ok(0) => None,
            Ok(count) => Some(format!(
                "{count} entries of stories that were killed are removed"
            )),
            Err(error) => Some(format!(
                "what killed stories left was not looked for: {error:#}"
            )),
        }
    }
}

impl Drop for ThrowAway<'_> {
    fn drop(&mut self) {
        // Keys of devices and of the manufacturer.
        let _ = fs::remove_dir_all(&self.config.folder);
    }
}

/// Takes the folder of a laboratory for this process.
fn lock(folder: &Path) -> Result<File> {
    let taken = || {
        fs::create_dir_all(folder)?;
        let file = File::create(folder.join(LOCK))?;
        file.try_lock()?;
        Ok::<_, io::Error>(file)
    };
    taken().with_context(|| format!("{} cannot be used", folder.display()))
}

/// Removes folders of runs that were killed: keys of devices and of a manufacturer. One that runs holds its own.
fn clear_folders(folder: &Path, age: Duration, now: u64) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_old = is_leftover(&name.to_string_lossy(), PREFIX, age, now);
        if is_old && lock(&entry.path()).is_ok() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn new_name(operator: &Operator<'_>) -> String {
    let runtime = operator.runtime;
    let random = u32::from_be_bytes(runtime.random.array());
    throw_away_name(PREFIX, runtime.clock.unix_seconds(), random)
}

/// An order for each of two devices: the plan is for nobody else.
pub(super) async fn orders(
    registration: &Registration,
    attempt: u32,
    channels: Channels<'_>,
) -> Result<[SignUp; 2]> {
    let mut client = OrderServiceClient::new(channels(NetworkFunction::SubscriptionManager)?);
    let mut codes = Vec::new();
    for device in ["sensor", "band"] {
        let order = CreateOrderRequest {
            // The code is told once: another attempt is another order.
            idempotency_key: format!("{}-{device}-{attempt}", registration.plan_id()),
            plan_id: registration.plan_id().to_owned(),
            ..CreateOrderRequest::default()
        };
        let created = client.create(order).await.context("an order is refused")?;
        codes.push(created.into_inner().order_code);
    }
    let codes = codes.into_iter().map(SignUp::Code).collect::<Vec<_>>();
    codes
        .try_into()
        .map_err(|_| anyhow!("an order has no code"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_killed_runs_go_and_those_in_use_stay() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str| folder.path().join(name);
        for name in ["berth-check-100-1", "berth-check-990-2", "manufacturer"] {
            fs::create_dir(of(name)).unwrap();
        }
        let held = lock(&of("berth-check-100-3")).unwrap();
        clear_folders(folder.path(), Duration::from_secs(60), 1_000);
        let left = |name: &str| of(name).exists();
        assert!(!left("berth-check-100-1"));
        assert!(left("berth-check-990-2") && left("manufacturer") && left("berth-check-100-3"));
        drop(held);
        clear_folders(folder.path(), Duration::from_secs(60), 1_000);
        assert!(!left("berth-check-100-3"));
    }
}

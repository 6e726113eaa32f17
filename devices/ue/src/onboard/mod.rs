//! From a bare device to an installed profile.

mod install;
mod owa;
mod provisioning_server;
mod sign_up;

use std::time::{Duration, Instant};

use coap_tokio::Tasks;
use cose::SigningKey;
use identifiers::{CredentialSetId, PackageId, SubscriptionId};
use onboarding::NetworkProofLevel;
use tokio::time::timeout;

use crate::error::UeError;
use crate::n1::N1;
use crate::network::{NetworkChoice, choose, discover};
use crate::progress::{Phase, Progress};
use crate::state::{DeviceRecord, Directory};

use provisioning_server::ProvisioningServer;
pub use sign_up::SignUp;
use sign_up::Waits;

/// What onboarding left on the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Onboarded {
    /// The network that let the device in.
    pub network_id: String,
    /// The package that is installed.
    pub package_id: PackageId,
    /// The subscription that it belongs to.
    pub subscription_id: SubscriptionId,
    /// The credential set in the slot; [`crate::Ue::authenticate`] makes it the active one.
    pub credential_set_id: CredentialSetId,
    /// The operator's name.
    pub operator: String,
    /// How the network has proven itself.
    pub network_proof: NetworkProofLevel,
    /// Whether the provisioning server has acknowledged the signed receipt.
    pub receipt_delivered: bool,
}

/// Runs all phases.
pub(crate) async fn onboard(
    directory: &Directory,
    tasks: &Tasks,
    choice: &NetworkChoice,
    sign_up: &SignUp,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Onboarded, UeError> {
    let device = crate::agent::device(directory)?;
    let identity: SigningKey = crate::identity::load(directory)?;
    let mut n1 = N1::connect(&device.access_gateway).await?;
    let network = choose(discover(&mut n1).await?, choice)?;
    let demanded = owa::demanded_proof(&device);
    progress(Progress::Network {
        network_id: network.network_id.clone(),
        name: network.name.clone(),
        demanded_proof: demanded,
    });

    let phase = Began::now(Phase::OneWayAuthentication, progress);
    let admitted = owa::authenticate(directory, &device, &identity, &mut n1, &network).await?;
    phase.finished(progress);

    let phase = Began::now(Phase::LimitedConnectivity, progress);
    let (mut browser, portal) = sign_up::enter(&device, &admitted).await?;
    phase.finished(progress);

    let phase = Began::now(Phase::SignUp, progress);
    let match_code = admitted.match_code().filter(|_| !device.headless);
    if let Some(code) = &match_code {
        progress(Progress::MatchCode(code.clone()));
    }
    let waits = sign_up::sign_up(
        &mut browser,
        portal,
        sign_up,
        match_code.as_deref(),
        progress,
    )
    .await?;
    let mut server = ProvisioningServer::connect(&admitted, tasks).await?;
    let (phase, package) = match waits {
        Waits::ForNobody => {
            phase.finished(progress);
            let phase = Began::now(Phase::Profile, progress);
            (phase, Box::pin(server.package(admitted.expires())).await?)
        }
        // The package says that somebody has signed up.
        Waits::ForOthers => {
            let package = Box::pin(server.package(admitted.expires())).await?;
            phase.finished(progress);
            (Began::now(Phase::Profile, progress), package)
        }
    };
    let outcome = match install::install(directory, &device, &identity, &admitted, &package) {
        Ok(installed) => {
            let delivered = server.receipt(&installed.receipt).await.is_ok();
            if delivered {
                install::receipt_delivered(directory, &installed)?;
            }
            Ok(installed.onboarded(&network, delivered))
        }
        Err(refused) => {
            if let Some(receipt) = &refused.receipt {
                // Said as a courtesy: the refusal stands whether it arrives or not.
                let _ = server.receipt(receipt).await;
            }
            Err(refused.error)
        }
    };
    server.close().await;
    drop(n1);
    if outcome.is_ok() {
        phase.finished(progress);
    }
    outcome
}

/// Delivers a receipt that an earlier run could not, if its session still lives.
///
/// The installation does not depend on it: the first authentication proves more than the receipt.
pub(crate) async fn deliver_pending_receipt(
    directory: &Directory,
    tasks: &Tasks,
) -> Result<bool, UeError> {
    let Some(pending) = install::pending_receipt(directory)? else {
        return Ok(false);
    };
    let delivering = provisioning_server::deliver(&pending, tasks);
    let delivered = matches!(timeout(PENDING_RECEIPT_LIMIT, delivering).await, Ok(Ok(())));
    if delivered {
        install::receipt_delivered(directory, &pending)?;
    }
    Ok(delivered)
}

/// A phase that runs.
struct Began {
    phase: Phase,
    at: Instant,
}

impl Began {
    fn now(phase: Phase, progress: &mut (dyn FnMut(Progress) + Send)) -> Self {
        progress(Progress::Began(phase));
        Self {
            phase,
            at: Instant::now(),
        }
    }

    fn finished(self, progress: &mut (dyn FnMut(Progress) + Send)) {
        progress(Progress::Finished {
            phase: self.phase,
            took: self.at.elapsed(),
        });
    }
}

/// Whether the device has the secret of its label.
pub(crate) const fn has_claim_secret(device: &DeviceRecord) -> bool {
    device.label.claim_secret.is_some()
}

/// A relay that has ended says nothing, and nobody should wait for it.
const PENDING_RECEIPT_LIMIT: Duration = Duration::from_secs(3);

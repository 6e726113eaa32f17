//! 5G AKA at the UE. Source: TS 33.501 6.1.3.2, TS 24.501 5.4.1.3.

use std::time::Duration;

use aka::{AuthenticationFailure as Failure, Autn, Rand, UeResult, Usim};
use cause::Cause;
use identifiers::{CredentialSetId, ServingNetworkName, Supi};
use nf_api::pb::access_gateway::{
    AuthenticationFailure, AuthenticationRequest, AuthenticationResponse, RegistrationRequest,
};
use provisioning::{Commit, CommittedBy};

use crate::agent::{device, unix_seconds};
use crate::credentials::Credentials;
use crate::error::{NotReady, UeError};
use crate::n1::{Downlink, N1, Uplink};
use crate::network::{Network, choose_home, discover};
use crate::state::{AuthenticationRecord, Directory, Slot, SlotState};

/// A successful authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated {
    /// The subscriber.
    pub supi: Supi,
    /// The network, as it enters the keys.
    pub serving_network_name: ServingNetworkName,
    /// The credential set that was used.
    pub credential_set_id: CredentialSetId,
    /// Whether the network's signed commit of that set is on the device; before, the older set is kept.
    pub committed: bool,
    /// Whether the home network's sequence number had to be corrected.
    pub resynchronized: bool,
}

/// Registers with the newest credential set, and with the older one if the network refuses that or challenges another.
///
/// A home network that does not know which of two sets the device holds challenges them by turns, so a device with two
/// lets each be challenged twice. A stranger gains nothing by it: nothing is used before its challenge is right.
pub(crate) async fn authenticate(directory: &Directory) -> Result<Authenticated, UeError> {
    let device = device(directory)?;
    let names = Slot::all(directory)?
        .into_iter()
        .map(|(name, _)| name)
        .collect::<Vec<_>>();
    let turns = names.len().min(2);
    let mut outcome = Err(UeError::NotReady(NotReady::NoProfile));
    for name in names {
        for _ in 0..turns {
            // Read anew: an attempt may have moved the numbers of the set.
            let Some(set) = Credentials::of(directory, name)? else {
                break;
            };
            let mut n1 = N1::connect(&device.access_gateway).await?;
            outcome = register(directory, &mut n1, set).await;
            match &outcome {
                Err(UeError::Untrusted {
                    cause: Cause::MacFailure,
                    ..
                }) => {}
                Err(UeError::Refused { .. }) => break,
                _ => return outcome,
            }
        }
    }
    outcome
}

async fn register(
    directory: &Directory,
    n1: &mut N1,
    mut set: Credentials,
) -> Result<Authenticated, UeError> {
    let network = home(n1, &set).await?;
    let request = Uplink::RegistrationRequest(RegistrationRequest {
        suci: set.suci()?.to_text(),
        network_id: network.network_id.clone(),
    });
    let snn = network.serving_network_name;
    let mut usim = set.usim()?;
    let mut resynchronizations = 0;
    let mut downlink = n1.ask(OPERATION, request, LIMIT).await?;
    let result = loop {
        let Downlink::AuthenticationRequest(challenge) = downlink else {
            return Err(UeError::untrusted(OPERATION, Cause::MalformedMessage));
        };
        match answer(&mut usim, &challenge, &snn)? {
            Ok(result) => break result,
            Err(failure) => {
                let message = Uplink::AuthenticationFailure(failure_message(&failure));
                let again = matches!(failure, Failure::SynchFailure { .. })
                    && resynchronizations < MAX_RESYNCHRONIZATIONS;
                let answered = n1.ask(OPERATION, message, LIMIT).await;
                if !again {
                    // Whatever the network says to that, it is not the home network.
                    return Err(UeError::untrusted_because(
                        OPERATION,
                        failure.cause(),
                        failure,
                    ));
                }
                resynchronizations += 1;
                downlink = answered?;
            }
        }
    };
    // Before the response leaves: an answered challenge must never be accepted again.
    set.keep_sqn(directory, usim.sqn())?;
    let response = Uplink::AuthenticationResponse(AuthenticationResponse {
        res_star: result.res_star.expose().to_vec(),
    });
    let Downlink::RegistrationAccept(accept) = n1.ask(OPERATION, response, CONFIRM_LIMIT).await?
    else {
        return Err(UeError::untrusted(OPERATION, Cause::MalformedMessage));
    };
    let committed = conclude(directory, &mut set, &result, &snn, &accept.commit)?;
    Ok(Authenticated {
        supi: set.supi().clone(),
        serving_network_name: snn,
        credential_set_id: set.profile.credential_set_id.clone(),
        committed,
        resynchronized: resynchronizations > 0,
    })
}

async fn home(n1: &mut N1, set: &Credentials) -> Result<Network, UeError> {
    let snpn = set.profile.access.snpn.as_ref();
    let snpn = snpn.map(|snpn| (snpn.plmn.clone(), snpn.nid.clone()));
    choose_home(discover(n1).await?, &set.home_networks(), snpn.as_ref())
}

/// What USIM and ME say to a challenge; an error is one that cannot be read at all.
fn answer(
    usim: &mut Usim,
    challenge: &AuthenticationRequest,
    snn: &ServingNetworkName,
) -> Result<Result<UeResult, Failure>, UeError> {
    let malformed = || UeError::untrusted(OPERATION, Cause::MandatoryElementIncorrect);
    let rand = <[u8; 16]>::try_from(challenge.rand.as_slice()).map_err(|_| malformed())?;
    let autn = Autn::from_slice(&challenge.autn).map_err(|_| malformed())?;
    Ok(usim.challenge(&Rand::new(rand), &autn, snn))
}

fn failure_message(failure: &Failure) -> AuthenticationFailure {
    AuthenticationFailure {
        cause: failure.five_gmm_cause().into(),
        auts: match failure {
            Failure::SynchFailure { auts } => auts.as_octets().to_vec(),
            _ => Vec::new(),
        },
    }
}

/// Writes down what the authentication has proven; tells whether the set is committed.
///
/// In this order, so that a crash costs at most another authentication: the state of the set, K_AUSF,
/// the end of the older set.
fn conclude(
    directory: &Directory,
    set: &mut Credentials,
    result: &UeResult,
    snn: &ServingNetworkName,
    commit: &[u8],
) -> Result<bool, UeError> {
    let before = set.slot.state;
    let checked = match before {
        // A commit of what is committed already says nothing new.
        SlotState::Active => Ok(true),
        SlotState::Installed | SlotState::Proven if commit.is_empty() => Ok(false),
        SlotState::Installed | SlotState::Proven => check_commit(set, commit).map(|()| true),
    };
    let committed = matches!(checked, Ok(true));
    let state = if committed {
        SlotState::Active
    } else {
        SlotState::Proven
    };
    // The receipt has done its duty: an authentication proves more.
    if before != state {
        set.slot.receipt = None;
    }
    set.keep_state(directory, state)?;
    directory.write(&AuthenticationRecord {
        credential_set_id: set.profile.credential_set_id.as_str().to_owned(),
        serving_network_name: snn.as_str().to_owned(),
        authenticated_at: unix_seconds(),
        k_ausf: result.k_ausf.expose().to_vec(),
    })?;
    if committed {
        erase_older(directory, set)?;
    }
    checked
}

/// Ends the set before this one. A newer one in the other slot has not been proven yet and stays.
fn erase_older(directory: &Directory, set: &Credentials) -> Result<(), UeError> {
    let other = set.name.other();
    let is_older =
        Slot::read(directory, other)?.is_some_and(|slot| slot.generation < set.slot.generation);
    if is_older {
        Slot::erase(directory, other)?;
    }
    Ok(())
}

/// Compares the signed commit with what is installed, member by member.
fn check_commit(set: &Credentials, commit: &[u8]) -> Result<(), UeError> {
    let profile = &set.profile;
    let installed = Commit {
        by: CommittedBy::Package(profile.package_id.clone()),
        device_id: profile.device_id.clone(),
        subscription_id: profile.subscription_id.clone(),
        credential_set_id: profile.credential_set_id.clone(),
        credential_epoch: profile.credential_epoch,
        committed_at: 0,
    };
    Commit::verify(commit, &set.keyset()?, Some(unix_seconds()))
        .and_then(|commit| commit.check(&installed))
        .map_err(|error| UeError::untrusted_because("take the commit", error.cause(), error))
}

const OPERATION: &str = "authenticate";
const LIMIT: Duration = Duration::from_secs(10);
/// The home network writes the first success durably before it answers.
const CONFIRM_LIMIT: Duration = Duration::from_secs(15);
/// A home network that follows AUTS is in step after one.
const MAX_RESYNCHRONIZATIONS: u8 = 2;

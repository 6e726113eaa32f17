//! Peers that do as they are told.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use aka::{Amf, Auts, HomeVector, Rand, Resynchronization, Sqn, generate_vector, verify_auts};
use async_trait::async_trait;
use ausf::{
    AnchorKeyRegistration, AuthenticatedDevice, FetchCertificate, GetVector, LimitedSession,
    PeerResult, Promotion, Vector,
};
use cause::Cause;
use cose::SigningKey;
use identifiers::{RoutingIndicator, Supi};
use onboarding::sign_network_proof;
use secret::{K, Opc};
use tokio::sync::{Barrier, Semaphore};
use tokio::time::{sleep, timeout};

use crate::device::{Authority, signing_key};

/// The one subscriber.
pub(crate) const SUPI: &str = "imsi-001010000000001";

/// Waits until something holds, for at most ten seconds.
pub(crate) async fn eventually(holds: impl Fn() -> bool) {
    let waited = timeout(Duration::from_secs(10), async {
        while !holds() {
            sleep(Duration::from_millis(2)).await;
        }
    });
    assert!(waited.await.is_ok(), "it does not happen");
}

/// A certificate fetcher that has some answers.
#[derive(Default)]
pub(crate) struct Fetcher {
    pub(crate) answers: Mutex<HashMap<String, Vec<Vec<u8>>>>,
    pub(crate) asked: Mutex<Vec<FetchCertificate>>,
}

#[async_trait]
impl ausf::CertificateFetcher for Fetcher {
    async fn fetch(&self, request: FetchCertificate) -> PeerResult<Vec<Vec<u8>>> {
        let url = request.url.clone();
        self.asked.lock().unwrap().push(request);
        let found = self.answers.lock().unwrap().get(&url).cloned();
        found.ok_or(Cause::CertificateNotReachable)
    }
}

/// A subscription manager that opens a session once, and whose settings never stay the same.
#[derive(Default)]
pub(crate) struct SubscriptionManager {
    pub(crate) refuses: Mutex<Option<Cause>>,
    pub(crate) calls: AtomicUsize,
    /// Sessions that it has opened: the effect.
    pub(crate) devices: Mutex<HashMap<[u8; 16], AuthenticatedDevice>>,
    /// Two calls wait for each other.
    pub(crate) meeting: Mutex<Option<std::sync::Arc<Barrier>>>,
    pub(crate) activations_refused: Mutex<Option<Cause>>,
    pub(crate) activations: Mutex<HashSet<(String, String, String)>>,
}

#[async_trait]
impl ausf::SubscriptionManager for SubscriptionManager {
    async fn device_authenticated(
        &self,
        device: AuthenticatedDevice,
    ) -> PeerResult<LimitedSession> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        let meeting = self.meeting.lock().unwrap().clone();
        if let Some(meeting) = meeting {
            meeting.wait().await;
        }
        if let Some(cause) = *self.refuses.lock().unwrap() {
            return Err(cause);
        }
        let session = *device.session.as_bytes();
        self.devices.lock().unwrap().insert(session, device);
        Ok(LimitedSession {
            // Another answer to each call, as after a change of its settings.
            expires_at_ms: 1_767_226_500_000 + 1_000 * u64::try_from(number).unwrap(),
            portal_url: "https://portal.berth.test/".to_owned(),
            captive_api_url: "https://portal.berth.test/capport/v1".to_owned(),
            provisioning_uris: vec!["coaps://192.0.2.1:5684".to_owned()],
            dnn: "onboarding".to_owned(),
            provisioning_server: "192.0.2.1:5684".to_owned(),
            allowed_targets: vec!["portal.berth.test:443".to_owned()],
            quota_bytes: 1_000_000,
        })
    }

    async fn credential_activated(
        &self,
        subscription_id: &str,
        device_id: &str,
        credential_set_id: &str,
    ) -> PeerResult<()> {
        if let Some(cause) = *self.activations_refused.lock().unwrap() {
            return Err(cause);
        }
        self.activations.lock().unwrap().insert((
            subscription_id.to_owned(),
            device_id.to_owned(),
            credential_set_id.to_owned(),
        ));
        Ok(())
    }
}

pub(crate) fn k() -> K {
    K::new([0x4b; 16])
}

pub(crate) fn opc() -> Opc {
    Opc::new([0x0c; 16])
}

/// A vault with one subscriber.
pub(crate) struct Vault {
    pub(crate) sqn: Mutex<(Sqn, u64)>,
    pub(crate) handed_out: Mutex<Vec<HomeVector>>,
    pub(crate) candidate: AtomicBool,
    pub(crate) promote_refused: Mutex<Option<Cause>>,
    pub(crate) promoted: AtomicUsize,
    pub(crate) promotions_asked: AtomicUsize,
    /// Each promotion needs a place; without one it hangs.
    pub(crate) places: Semaphore,
    pub(crate) signs: AtomicBool,
    pub(crate) operator: Authority,
    net_key: SigningKey,
    net_certificate: Vec<u8>,
}

impl Vault {
    pub(crate) fn new() -> Self {
        let operator = Authority::new("operator", 0x71);
        Self {
            sqn: Mutex::new((Sqn::default(), 0)),
            handed_out: Mutex::default(),
            candidate: AtomicBool::new(false),
            promote_refused: Mutex::default(),
            promoted: AtomicUsize::new(0),
            promotions_asked: AtomicUsize::new(0),
            places: Semaphore::new(Semaphore::MAX_PERMITS),
            signs: AtomicBool::new(true),
            net_key: signing_key(0x72),
            net_certificate: operator.certify("network", 0x72),
            operator,
        }
    }
}

#[async_trait]
impl ausf::Vault for Vault {
    async fn vector(&self, request: GetVector) -> PeerResult<Vector> {
        if request.supi_or_suci != SUPI {
            return Err(Cause::UserNotFound);
        }
        let (sqn, authentication_epoch) = {
            let mut last = self.sqn.lock().unwrap();
            if let Some((rand, auts)) = request.resynchronization {
                let sqn_ms = verify_auts(&k(), &opc(), &Rand::new(rand), &Auts::new(auts))
                    .map_err(|error| error.cause())?;
                if let Resynchronization::Set(sqn) =
                    aka::resynchronize(last.0, sqn_ms, aka::DEFAULT_DELTA)
                {
                    last.0 = sqn;
                }
            }
            *last = (last.0.next().unwrap(), last.1 + 1);
            *last
        };
        let mut rand = [0xa5; 16];
        rand[..8].copy_from_slice(&authentication_epoch.to_be_bytes());
        let made = generate_vector(
            &k(),
            &opc(),
            Amf::SEPARATED,
            sqn,
            Rand::new(rand),
            &request.serving_network_name,
        );
        let made = made.unwrap();
        self.handed_out.lock().unwrap().push(made.clone());
        let candidate = self.candidate.load(Ordering::SeqCst);
        Ok(Vector {
            supi: Supi::parse(SUPI).unwrap(),
            gpsi: None,
            rand,
            autn: *made.autn.as_octets(),
            xres_star: made.xres_star,
            k_ausf: made.k_ausf,
            routing_indicator: RoutingIndicator::parse("0").unwrap(),
            akma_allowed: true,
            authentication_epoch,
            credential_set_id: "crd_1".to_owned(),
            candidate,
            commit: if candidate {
                Vec::new()
            } else {
                b"commit".to_vec()
            },
        })
    }

    async fn promote(&self, credential_set_id: &str) -> PeerResult<Promotion> {
        assert_eq!(credential_set_id, "crd_1");
        self.promotions_asked.fetch_add(1, Ordering::SeqCst);
        let _place = self.places.acquire().await.unwrap();
        if let Some(cause) = *self.promote_refused.lock().unwrap() {
            return Err(cause);
        }
        self.promoted.fetch_add(1, Ordering::SeqCst);
        self.candidate.store(false, Ordering::SeqCst);
        Ok(Promotion {
            commit: b"commit".to_vec(),
            subscription_id: "sub_1".to_owned(),
            device_id: "dev_1".to_owned(),
        })
    }

    async fn sign_owa_net(&self, start_hash: [u8; 32], challenge: Vec<u8>) -> PeerResult<Vec<u8>> {
        if !self.signs.load(Ordering::SeqCst) {
            return Err(Cause::UpstreamFailure);
        }
        let chain = [self.net_certificate.as_slice()];
        Ok(sign_network_proof(&start_hash, &challenge, &chain, &self.net_key).unwrap())
    }
}

/// An AAnF.
pub(crate) struct AnchorKeys {
    pub(crate) refuses: Mutex<Option<Cause>>,
    pub(crate) registrations: Mutex<Vec<AnchorKeyRegistration>>,
    /// Each registration needs a place; without one it hangs.
    pub(crate) places: Semaphore,
}

impl Default for AnchorKeys {
    fn default() -> Self {
        Self {
            refuses: Mutex::default(),
            registrations: Mutex::default(),
            places: Semaphore::new(Semaphore::MAX_PERMITS),
        }
    }
}

impl AnchorKeys {
    pub(crate) fn count(&self) -> usize {
        self.registrations.lock().unwrap().len()
    }
}

#[async_trait]
impl ausf::AnchorKeys for AnchorKeys {
    async fn register(&self, registration: AnchorKeyRegistration) -> PeerResult<()> {
        let _place = self.places.acquire().await.unwrap();
        if let Some(cause) = *self.refuses.lock().unwrap() {
            return Err(cause);
        }
        self.registrations.lock().unwrap().push(registration);
        Ok(())
    }
}

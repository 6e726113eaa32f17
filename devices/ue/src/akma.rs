//! AKMA at the UE. Source: TS 33.535 6.1, 6.2, Annex A.

use akma::{AKidFormat, AfId, a_tid, k_af, k_akma, psk_identity};
use dtls::CipherSuite;
use identifiers::{AKid, Fqdn, UaStarId};
use secret::{KAf, KAusf};
use url::Url;

use crate::credentials::Credentials;
use crate::error::{NotReady, UeError};
use crate::state::{AuthenticationRecord, Directory, StateError};

/// The key of one application function.
#[derive(Clone)]
pub struct ApplicationKey {
    /// The temporary name of the device.
    pub a_kid: AKid,
    /// The key.
    pub k_af: KAf,
    /// The application function.
    pub af: Fqdn,
    /// The protocol and suite that the key is for.
    pub ua_star_id: UaStarId,
    /// The same as a DTLS suite.
    pub suite: CipherSuite,
    /// What goes into the DTLS handshake.
    pub psk_identity: Vec<u8>,
    /// Where the profile says that the MSGin5G server listens; `None` for other functions.
    pub coaps_uri: Option<String>,
    /// When the key ends at the latest, in seconds since 1970, UTC, by the device's own count.
    pub expires_at: u64,
}

/// Everything that follows from the last authentication.
pub(crate) struct Anchor {
    credentials: Credentials,
    record: AuthenticationRecord,
    k_ausf: KAusf,
}

impl Anchor {
    /// The last authentication under a credential set that is still there.
    pub(crate) fn load(directory: &Directory) -> Result<Self, UeError> {
        let credentials = Credentials::current(directory)?;
        let not_authenticated = UeError::NotReady(NotReady::NotAuthenticated);
        let record = directory.read::<AuthenticationRecord>()?;
        let of_this_set = record.filter(|record| {
            record.credential_set_id == credentials.profile.credential_set_id.as_str()
        });
        let record = of_this_set.ok_or(not_authenticated)?;
        let k_ausf = KAusf::try_from_slice(&record.k_ausf).map_err(|_| StateError::Damaged {
            path: directory.path().to_owned(),
        })?;
        Ok(Self {
            credentials,
            record,
            k_ausf,
        })
    }

    pub(crate) const fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// When the device authenticated, in seconds since 1970, UTC.
    pub(crate) const fn authenticated_at(&self) -> u64 {
        self.record.authenticated_at
    }

    /// The key of an application function; the MSGin5G one if none is named.
    pub(crate) fn application_key(
        &self,
        af: Option<&Fqdn>,
        suite: CipherSuite,
    ) -> Result<ApplicationKey, UeError> {
        let supi = self.credentials.supi();
        let supi = supi.kdf_form();
        let access = &self.credentials.profile.access;
        let messaging = self.messaging_af().ok();
        let af = match (af, &messaging) {
            (Some(af), _) => af.clone(),
            (None, Some(af)) => af.clone(),
            (None, None) => return Err(UeError::NotReady(NotReady::NoMessaging)),
        };
        let a_kid = AKidFormat::default()
            .a_kid(
                &access.routing_indicator,
                &a_tid(&self.k_ausf, &supi),
                &access.home,
            )
            .map_err(|error| UeError::internal("derive the a_kid", error))?;
        let ua_star_id = UaStarId::tls12(suite.number());
        let af_id = AfId {
            fqdn: af.clone(),
            ua_star_id,
        };
        let server = self.credentials.profile.applications.msgin5g.as_ref();
        let is_messaging = messaging.as_ref() == Some(&af);
        Ok(ApplicationKey {
            k_af: k_af(&k_akma(&self.k_ausf, &supi), &af_id),
            psk_identity: psk_identity(&a_kid),
            a_kid,
            ua_star_id,
            suite,
            coaps_uri: server
                .filter(|_| is_messaging)
                .map(|server| server.server_uri.clone()),
            af,
            expires_at: self
                .record
                .authenticated_at
                .saturating_add(LIFETIME_SECONDS),
        })
    }

    /// The name of the MSGin5G server as an application function: the first that the profile lists, or
    /// else the host of its URI.
    pub(crate) fn messaging_af(&self) -> Result<Fqdn, UeError> {
        let applications = &self.credentials.profile.applications;
        let none = UeError::NotReady(NotReady::NoMessaging);
        let server = applications.msgin5g.as_ref();
        if let (Some(_), Some(af)) = (server, applications.akma_afs.first()) {
            return Ok(af.clone());
        }
        let uri = server.and_then(|server| Url::parse(&server.server_uri).ok());
        uri.as_ref()
            .and_then(Url::host_str)
            .and_then(|host| Fqdn::parse(host).ok())
            .ok_or(none)
    }
}

/// `Choice:` the lifetime that an AAnF gives by default.
const LIFETIME_SECONDS: u64 = 24 * 60 * 60;

//! A device has proven its certificate: its limited session opens. TR 23.799 solution 12.z, step 1d.

use std::net::IpAddr;
use std::time::Duration;

use cause::Cause;
use cose::cbor::DecodeError;
use identifiers::{DeviceId, OnboardingSession, ServingNetworkName};
use onboarding::certificate::{Certificate, CertificateError};
use onboarding::{Challenge, NetworkProofLevel, Transcript};
use secret::OwaKey;
use store::{Class, Error, Outbox, SealError, Stored, Tag, Transaction, Update};

use super::begin_enrolment::{ENROL, Enrol, begin_enrolment, can_deliver};
use super::find_session::address_name;
use super::redeem_order::{
    RedeemOrderError, RedeemedOrder, Redeemer, redeem_by_label, release_order,
};
use crate::context::{Context, KEEP_AFTER_END, PACKAGE, PDP_DTLS};
use crate::records::{
    AddressRecord, DeviceRecord, EnrolmentRecord, ExpiryRecord, SessionIndexRecord, SessionRecord,
    SessionState, session_match_code,
};

/// A device that has proven possession of its certified key.
#[derive(Clone)]
pub(crate) struct AuthenticatedDevice {
    /// Also the idempotency key.
    pub(crate) session: OnboardingSession,
    pub(crate) device_id: DeviceId,
    pub(crate) manufacturer: String,
    /// serialNumber of the certificate's subject.
    pub(crate) serial: String,
    /// DER certificate of the device.
    pub(crate) certificate: Vec<u8>,
    pub(crate) headless: bool,
    pub(crate) demanded: NetworkProofLevel,
    pub(crate) network_proven: bool,
    pub(crate) serving_network_name: ServingNetworkName,
    pub(crate) start: Vec<u8>,
    pub(crate) challenge: Vec<u8>,
    pub(crate) proof: Vec<u8>,
    pub(crate) pdp_dtls_key: OwaKey,
    pub(crate) package_key: OwaKey,
    pub(crate) ue_address: Option<UeAddress>,
    /// Identity of the access gateway.
    pub(crate) gateway: String,
}

/// Where a device's traffic comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UeAddress {
    pub(crate) ip: IpAddr,
    pub(crate) first_port: u16,
    pub(crate) last_port: u16,
}

/// A session is not opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenSessionError {
    #[error("certificate of the device is refused")]
    Certificate(#[source] CertificateError),
    #[error("certificate is of another device")]
    OtherDevice,
    #[error("challenge cannot be decoded")]
    Challenge(#[source] DecodeError),
    #[error("challenge is of another session")]
    OtherSession,
    #[error("session was opened for another authentication")]
    Conflict,
    #[error("session has ended already")]
    Ended,
    #[error("device demands a voucher")]
    Voucher,
    #[error("order of the device cannot be redeemed")]
    Order(#[from] RedeemOrderError),
    #[error("keys cannot be sealed")]
    Seal(#[from] SealError),
    #[error("session cannot be stored")]
    Store(#[from] Error),
}

impl OpenSessionError {
    pub(crate) const fn cause(&self) -> Cause {
        match self {
            Self::Certificate(error) => error.cause(),
            Self::OtherDevice => Cause::DeviceIdentityMismatch,
            Self::Challenge(error) => error.cause(),
            Self::OtherSession => Cause::MandatoryElementIncorrect,
            Self::Conflict => Cause::Conflict,
            // The device has to authenticate again: a repeated Proof opens nothing twice.
            Self::Ended => Cause::ChallengeStale,
            Self::Voucher => Cause::NetworkProofUnavailable,
            Self::Order(error) => error.cause(),
            Self::Seal(error) => error.cause(),
            Self::Store(error) => error.cause(),
        }
    }
}

/// Opens the limited session of a device; answers when it ends, in milliseconds since 1970.
///
/// A second call for the same session and transcript answers the same as long as the session lives. An older session of
/// the device ends.
/// If an order waits for the device, or it has a subscription already, its profile is under way afterwards.
#[tracing::instrument(skip_all, name = "subscription_manager.open_session", fields(nf.clause = "TR 23.799 12.z"))]
pub(crate) async fn open_session(
    context: &Context,
    outbox: &Outbox,
    device: &AuthenticatedDevice,
) -> Result<u64, OpenSessionError> {
    let certificate = check(device)?;
    let store = &context.store;
    let tag = context.device_tag(&device.device_id)?;
    let name = device.session.base64url();
    let transcript = Transcript {
        start: &device.start,
        challenge: &device.challenge,
        proof: &device.proof,
    };
    let digest = transcript.accept_aad();

    let expires_at_ms = context
        .now_ms()
        .saturating_add(millis(context.settings.session_lifetime));
    index(context, device, expires_at_ms).await?;
    let device_id = device.device_id.as_str();
    let redeemer = Redeemer {
        device_id,
        manufacturer: &device.manufacturer,
        serial: &device.serial,
    };
    let order = match store.read::<EnrolmentRecord>(&tag).await? {
        Some(enrolment) if enrolment.record.failure == 0 => None,
        _ => redeem_by_label(context, redeemer).await?,
    };
    let session = SessionRecord {
        state: SessionState::Limited.into(),
        expires_at_ms,
        gateway: device.gateway.clone(),
        ip: device
            .ue_address
            .map(|address| address.ip.to_canonical().to_string())
            .unwrap_or_default(),
        first_port: device
            .ue_address
            .map(|address| address.first_port.into())
            .unwrap_or_default(),
        last_port: device
            .ue_address
            .map(|address| address.last_port.into())
            .unwrap_or_default(),
        demanded: u32::try_from(device.demanded.number()).unwrap_or_default(),
        network_proven: device.network_proven,
        start: device.start.clone(),
        challenge: device.challenge.clone(),
        proof: device.proof.clone(),
        pdp_dtls_key: context.seal_key(PDP_DTLS, &device.session, &device.pdp_dtls_key)?,
        package_key: context.seal_key(PACKAGE, &device.session, &device.package_key)?,
        transcript_digest: digest.to_vec(),
        match_code: session_match_code(&transcript),
        serving_network_name: device.serving_network_name.as_str().to_owned(),
    };
    let known = DeviceRecord {
        manufacturer: device.manufacturer.clone(),
        serial: device.serial.clone(),
        spki: certificate.spki().to_vec(),
        headless: device.headless,
        session: name.clone(),
    };
    let opening = Opening {
        context,
        tag: &tag,
        name: &name,
        session: &session,
        known: &known,
        order: order.as_ref(),
    };
    let opened = opening.run().await?;
    if let Some(order) = order.as_ref().filter(|_| !opened.took_order) {
        release_order(context, &order.order_id, device_id).await?;
    }
    outbox.nudge(&tag);
    Ok(opened.expires_at_ms)
}

fn check(device: &AuthenticatedDevice) -> Result<Certificate, OpenSessionError> {
    let certificate =
        Certificate::from_der(&device.certificate).map_err(OpenSessionError::Certificate)?;
    let serial = certificate.subject_serial_number();
    if certificate.device_id() != device.device_id
        || serial.is_none_or(|serial| serial != device.serial)
    {
        return Err(OpenSessionError::OtherDevice);
    }
    let challenge = Challenge::decode(&device.challenge).map_err(OpenSessionError::Challenge)?;
    if challenge.session != device.session {
        return Err(OpenSessionError::OtherSession);
    }
    if device.demanded == NetworkProofLevel::Voucher {
        return Err(OpenSessionError::Voucher);
    }
    Ok(certificate)
}

/// Writes what leads to the session, before the session itself.
async fn index(
    context: &Context,
    device: &AuthenticatedDevice,
    expires_at_ms: u64,
) -> Result<(), OpenSessionError> {
    let store = &context.store;
    let name = device.session.base64url();
    let keep = context.keep_session();

    let tag = store.tag(&name).map_err(Error::from)?;
    store
        .update::<SessionIndexRecord, OpenSessionError>(&tag, Class::Session, |read| match read {
            None => Ok(Update::PutFor(
                SessionIndexRecord {
                    device_id: device.device_id.as_str().to_owned(),
                },
                keep,
            )),
            Some(index) if index.record.device_id == device.device_id.as_str() => Ok(Update::Keep),
            Some(_) => Err(OpenSessionError::Conflict),
        })
        .await?;

    let tag = expiry_tag(context)?;
    let mut transaction = store.transaction(&tag, Class::Session);
    transaction.put_named(
        &expiry_name(expires_at_ms, &name),
        &ExpiryRecord {
            session: name.clone(),
        },
    );
    store.commit(transaction).await?;

    if let Some(address) = device.ue_address {
        let tag = store
            .tag(&address.ip.to_canonical().to_string())
            .map_err(Error::from)?;
        let mut transaction = store.transaction(&tag, Class::Session);
        transaction
            .put_named(
                &address_name(address.last_port),
                &AddressRecord { session: name },
            )
            .expires_in(keep);
        store.commit(transaction).await?;
    }
    Ok(())
}

/// The one transaction that opens a session.
struct Opening<'a> {
    context: &'a Context,
    tag: &'a Tag,
    name: &'a str,
    session: &'a SessionRecord,
    known: &'a DeviceRecord,
    order: Option<&'a RedeemedOrder>,
}

#[derive(Clone, Copy)]
struct Opened {
    expires_at_ms: u64,
    took_order: bool,
}

impl Opening<'_> {
    async fn run(&self) -> Result<Opened, OpenSessionError> {
        let store = &self.context.store;
        loop {
            if let Some(before) = store
                .read_named::<SessionRecord>(self.tag, self.name)
                .await?
            {
                return self.repeated(&before.record).await;
            }
            let (transaction, opened) = self.build().await?;
            match store.commit(transaction).await {
                Ok(_) => return Ok(opened),
                // Somebody else changed something about the device: look again.
                Err(error) if error.is_conflict() => tokio::task::yield_now().await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The session is there already: the same authentication gets the same answer, but no session a second time.
    async fn repeated(&self, before: &SessionRecord) -> Result<Opened, OpenSessionError> {
        if before.transcript_digest != self.session.transcript_digest {
            return Err(OpenSessionError::Conflict);
        }
        if !before.is_live(self.context.now_ms()) {
            return Err(OpenSessionError::Ended);
        }
        // An earlier attempt may have opened it without hearing whether it lasts.
        self.context.store.settle().await?;
        let enrolment = self.context.store.read::<EnrolmentRecord>(self.tag).await?;
        let order_id = enrolment
            .map(|enrolment| enrolment.record.order_id)
            .unwrap_or_default();
        let took_order = self.order.is_some_and(|order| order.order_id == order_id);
        Ok(Opened {
            expires_at_ms: before.expires_at_ms,
            took_order,
        })
    }

    async fn build(&self) -> Result<(Transaction, Opened), OpenSessionError> {
        let store = &self.context.store;
        let keep = self.context.keep_session();
        let mut transaction = store.transaction(self.tag, Class::Record);

        let known = store.read::<DeviceRecord>(self.tag).await?;
        transaction.put(self.known).if_unchanged(known.as_ref());
        if let Some(older) = known
            .map(|known| known.record.session)
            .filter(|older| !older.is_empty())
            && let Some(ended) = store.read_named::<SessionRecord>(self.tag, &older).await?
            && !ended.record.has_ended()
        {
            transaction
                .put_named(&older, &ended.record.ended(SessionState::Expired))
                .if_version(ended.version)
                .expires_in(KEEP_AFTER_END);
        }

        let enrolment = store.read::<EnrolmentRecord>(self.tag).await?;
        let (next, took_order) = self.enrolment(enrolment.as_ref())?;
        let mut session = self.session.clone();
        match next.filter(|next| can_deliver(next, self.session)) {
            Some(next) => {
                session = session.reached(SessionState::SignedUp);
                transaction.put(&next).if_unchanged(enrolment.as_ref());
                transaction.send(ENROL, &Enrol {});
            }
            None => {
                transaction.require(enrolment.as_ref());
            }
        }
        transaction
            .put_named(self.name, &session)
            .if_absent()
            .expires_in(keep);
        let took_order = took_order && session.state() == SessionState::SignedUp;
        Ok((
            transaction,
            Opened {
                expires_at_ms: session.expires_at_ms,
                took_order,
            },
        ))
    }

    /// What becomes of the device's enrolment, if it has one or an order begins one.
    fn enrolment(
        &self,
        before: Option<&Stored<EnrolmentRecord>>,
    ) -> Result<(Option<EnrolmentRecord>, bool), OpenSessionError> {
        if let Some(before) = before.filter(|before| before.record.failure == 0) {
            let mut next = before.record.clone();
            next.resume();
            let took_order = self
                .order
                .is_some_and(|order| order.order_id == next.order_id);
            return Ok((Some(next), took_order));
        }
        let Some(order) = self.order else {
            return Ok((None, false));
        };
        let mut next = begin_enrolment(self.context, &order.plan);
        next.order_id.clone_from(&order.order_id);
        if let Some(secret) = &order.claim_secret {
            next.claim_secret = self
                .context
                .seal_claim_secret(self.tag.entity(), secret.expose())?;
        }
        Ok((Some(next), true))
    }
}

/// The tag of the list of sessions by the time of their end.
pub(crate) fn expiry_tag(context: &Context) -> Result<Tag, Error> {
    Ok(context.store.tag("session-expiry")?)
}

/// The name of a session in that list: sorts by time.
pub(crate) fn expiry_name(expires_at_ms: u64, session: &str) -> String {
    format!("{expires_at_ms:014} {session}")
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

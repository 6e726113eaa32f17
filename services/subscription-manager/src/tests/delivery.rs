//! Receipts and activation.

use cause::Cause;
use identifiers::{CredentialSetId, PackageId, SubscriptionId};
use provisioning::{Receipt, ReceiptResult};

use super::device::{Authentication, Device};
use super::world::World;
use crate::procedures::activate_credential::activate_credential;
use crate::procedures::deliver_package::{note_fetched, offered_package};
use crate::procedures::find_session::FoundSession;
use crate::procedures::take_receipt::take_receipt;
use crate::records::{DeliveryState, SessionState};

struct Delivered {
    world: World,
    authentication: Authentication,
    session: FoundSession,
    package: Vec<u8>,
}

async fn delivered() -> Delivered {
    let world = World::new().await;
    let authentication = Device::new("4711").authenticate(1);
    let session = world.offered(&authentication).await;
    let context = world.context();
    let package = offered_package(&context, &session)
        .await
        .unwrap()
        .unwrap()
        .octets;
    note_fetched(&context, &session).await.unwrap();
    Delivered {
        world,
        authentication,
        session,
        package,
    }
}

impl Delivered {
    fn receipt(&self, result: ReceiptResult) -> Receipt {
        self.authentication.receipt(&self.package, result)
    }

    async fn take(&self, receipt: &Receipt) -> Result<(), Cause> {
        self.take_octets(&receipt.sign(&self.authentication.device.key).unwrap())
            .await
    }

    async fn take_octets(&self, octets: &[u8]) -> Result<(), Cause> {
        let context = self.world.context();
        take_receipt(&context, &self.session, octets)
            .await
            .map_err(|error| error.cause())
    }

    async fn state(&self) -> DeliveryState {
        self.world
            .enrolment(&self.authentication.device)
            .await
            .delivery
            .unwrap()
            .state()
    }
}

#[tokio::test]
async fn a_receipt_is_taken_once_and_may_be_repeated() {
    let delivered = delivered().await;
    assert_eq!(delivered.state().await, DeliveryState::Fetched);
    let receipt = delivered.receipt(ReceiptResult::Installed);
    delivered.take(&receipt).await.unwrap();
    assert_eq!(delivered.state().await, DeliveryState::Installed);
    assert_eq!(
        delivered.world.session_state(&delivered.session.id).await,
        SessionState::Installed
    );
    delivered.take(&receipt).await.unwrap();
    // Signed anew at another time it says the same.
    delivered
        .take(&Receipt {
            time: receipt.time + 5,
            ..receipt.clone()
        })
        .await
        .unwrap();
    let other = Receipt {
        result: ReceiptResult::Rejected,
        ..receipt.clone()
    };
    assert_eq!(delivered.take(&other).await, Err(Cause::ReceiptConflict));
    assert_eq!(delivered.state().await, DeliveryState::Installed);
    delivered
        .take(&Receipt {
            result: ReceiptResult::RolledBack,
            ..receipt.clone()
        })
        .await
        .unwrap();
    assert_eq!(delivered.state().await, DeliveryState::Rejected);
    assert_eq!(delivered.take(&receipt).await, Err(Cause::ReceiptConflict));
}

#[tokio::test]
async fn a_receipt_that_does_not_hold_is_refused() {
    let delivered = delivered().await;
    let receipt = delivered.receipt(ReceiptResult::Installed);
    let stranger = Device::new("4712");
    let foreign = receipt.sign(&stranger.key).unwrap();
    assert_eq!(
        delivered.take_octets(&foreign).await,
        Err(Cause::SignatureInvalid)
    );
    let cases = [
        Receipt {
            seal_seq: 2,
            ..receipt.clone()
        },
        Receipt {
            package_id: PackageId::generate(1, [1; 10]),
            ..receipt.clone()
        },
        Receipt {
            package_sha256: [0; 32],
            ..receipt.clone()
        },
    ];
    for (n, receipt) in cases.iter().enumerate() {
        assert_eq!(
            delivered.take(receipt).await,
            Err(Cause::ReceiptConflict),
            "case {n}"
        );
    }
    let octets = receipt.sign(&delivered.authentication.device.key).unwrap();
    for length in 0..octets.len() {
        let refused = delivered.take_octets(&octets[..length]).await.unwrap_err();
        assert!(refused.http() < 500, "{length}: {refused:?}");
    }
    assert_eq!(delivered.state().await, DeliveryState::Fetched);
    delivered.take_octets(&octets).await.unwrap();
}

#[tokio::test]
async fn a_receipt_before_anything_was_delivered_is_refused() {
    let delivered = delivered().await;
    let receipt = delivered.receipt(ReceiptResult::Installed);
    let later = delivered.authentication.device.authenticate(2);
    let session = delivered.world.open(&later).await;
    let octets = receipt.sign(&delivered.authentication.device.key).unwrap();
    let refused = take_receipt(&delivered.world.context(), &session, &octets).await;
    assert_eq!(refused.unwrap_err().cause(), Cause::ReceiptConflict);
}

#[tokio::test]
async fn activation_completes_the_delivery_and_ends_the_session() {
    let delivered = delivered().await;
    let enrolment = delivered
        .world
        .enrolment(&delivered.authentication.device)
        .await;
    let context = delivered.world.context();
    let device_id = &delivered.authentication.device.device_id;
    let (subscription, set) = (
        enrolment.subscription_id().unwrap(),
        enrolment.credential_set_id().unwrap(),
    );
    let unknown = [
        (SubscriptionId::generate(1, [1; 10]), set.clone()),
        (subscription.clone(), CredentialSetId::generate(1, [1; 10])),
    ];
    for (subscription, set) in &unknown {
        let refused = activate_credential(&context, subscription, device_id, set).await;
        assert_eq!(refused.unwrap_err().cause(), Cause::NotFound);
    }
    for _ in 0..2 {
        activate_credential(&context, &subscription, device_id, &set)
            .await
            .unwrap();
    }
    assert_eq!(delivered.state().await, DeliveryState::Active);
    let session = delivered.world.session(&delivered.session.id).await;
    assert_eq!(session.record().state(), SessionState::Released);
    assert!(session.record().pdp_dtls_key.is_empty() && session.record().package_key.is_empty());
    // A receipt that was overtaken by the activation changes nothing any more.
    delivered
        .take(&delivered.receipt(ReceiptResult::Installed))
        .await
        .unwrap();
    assert_eq!(delivered.state().await, DeliveryState::Active);
}

//! De-concealment of SUCI. TS 33.501 6.12, Annex C.

use cause::Cause;
use identifiers::{RoutingIndicator, Suci};
use key_hierarchy::suci::{Home, conceal, conceal_null};
use secret::PrivateKey;
use vault::{GetVector, Subscriber, get_vector};

use crate::support::{Device, Lab, plmn, supi, vector_request};

#[tokio::test]
async fn every_scheme_leads_to_the_subscriber() {
    let lab = Lab::new().await;
    let mut provisioned = lab.provision(&Device::new(1), 1).await;
    for suci in [concealed(&lab, 0), concealed(&lab, 1), null()] {
        let vector = ask(&lab, &suci.to_text()).await.unwrap();
        assert_eq!(vector.supi, supi(1));
        assert!(provisioned.answers(&vector));
    }
}

#[tokio::test]
async fn each_fault_of_a_suci_has_its_cause() {
    let lab = Lab::new().await;
    lab.provision(&Device::new(1), 1).await;
    for key in [0, 1] {
        let good = concealed(&lab, key).to_text();
        let scheme = key + 1;
        let unknown_key =
            good.replacen(&format!("-{scheme}-{scheme}-"), &format!("-{scheme}-9-"), 1);
        assert_eq!(
            cause(&lab, &unknown_key).await,
            Cause::InvalidHnPublicKeyIdentifier
        );
        let (head, tag) = good.split_at(good.len() - 1);
        let wrong_tag = format!("{head}{}", if tag == "0" { "1" } else { "0" });
        assert_eq!(cause(&lab, &wrong_tag).await, Cause::InvalidSchemeOutput);
        let short = good.get(..good.len() - 60).unwrap();
        assert_eq!(cause(&lab, short).await, Cause::InvalidSchemeOutput);
        let proprietary =
            good.replacen(&format!("-{scheme}-{scheme}-"), &format!("-c-{scheme}-"), 1);
        assert_eq!(
            cause(&lab, &proprietary).await,
            Cause::UnsupportedProtectionScheme
        );
    }
    // X25519 with a point of small order gives zero, which is refused (RFC 7748 6.1).
    let zero = format!("suci-0-001-01-0-1-1-{}", "00".repeat(32 + 5 + 8));
    assert_eq!(cause(&lab, &zero).await, Cause::InvalidSchemeOutput);
    // Not a point of P-256.
    let no_point = format!("suci-0-001-01-0-2-2-02{}", "ff".repeat(32 + 5 + 8));
    assert_eq!(cause(&lab, &no_point).await, Cause::InvalidSchemeOutput);
}

#[tokio::test]
async fn another_network_and_another_form_are_refused() {
    let lab = Lab::new().await;
    lab.provision(&Device::new(1), 1).await;
    let foreign = concealed(&lab, 0)
        .to_text()
        .replacen("suci-0-001-01-", "suci-0-901-70-", 1);
    assert_eq!(cause(&lab, &foreign).await, Cause::UserNotFound);
    assert_eq!(
        cause(&lab, "suci-0-001-01-0-0-0-0000000002").await,
        Cause::UserNotFound
    );
    assert_eq!(cause(&lab, "").await, Cause::MandatoryElementMissing);
    for malformed in [
        "001010000000001",
        "suci-0-001-01-0-0-0-",
        "imsi-",
        "suci-2-001-01-0-0-0-1",
    ] {
        assert_eq!(
            cause(&lab, malformed).await,
            Cause::MandatoryElementIncorrect,
            "{malformed}"
        );
    }
}

#[tokio::test]
async fn a_repeated_suci_takes_another_number_each_time() {
    let lab = Lab::new().await;
    let mut provisioned = lab.provision(&Device::new(1), 1).await;
    let suci = concealed(&lab, 0).to_text();
    for epoch in 1..=3 {
        let vector = ask(&lab, &suci).await.unwrap();
        assert_eq!(vector.authentication_epoch, epoch);
        assert!(provisioned.answers(&vector));
    }
}

async fn ask(lab: &Lab, text: &str) -> Result<vault::Vector, Cause> {
    let request = GetVector {
        subscriber: Subscriber::parse(text)?,
        ..vector_request(1)
    };
    get_vector(&lab.vault, &request)
        .await
        .map_err(|error| error.cause())
}

async fn cause(lab: &Lab, text: &str) -> Cause {
    ask(lab, text).await.err().unwrap()
}

fn concealed(lab: &Lab, key: usize) -> Suci {
    let key = lab.vault.home_network_keys().get(key).unwrap();
    let routing_indicator = RoutingIndicator::parse("0").unwrap();
    let home = Home {
        plmn: &plmn(),
        routing_indicator: &routing_indicator,
    };
    conceal(
        &supi(1),
        home,
        key.id(),
        key.public_key(),
        &PrivateKey::new([9; 32]),
    )
    .unwrap()
}

fn null() -> Suci {
    let routing_indicator = RoutingIndicator::parse("0").unwrap();
    conceal_null(
        &supi(1),
        Home {
            plmn: &plmn(),
            routing_indicator: &routing_indicator,
        },
    )
    .unwrap()
}

//! The function on a real store.
#![expect(clippy::unwrap_used, reason = "a failed preparation fails the test")]

use std::time::Duration;

use aanf::{
    AccessPolicy, Contexts, GetApplicationKey, GetApplicationKeyError, Policies,
    RegisterAnchorKeyError, UeIdForm, get_application_key, register_anchor_key, remove_context,
};
use akma::AnchorKey;
use cause::Cause;
use identifiers::{AKid, Fqdn, Gpsi, Plmn, RoutingIndicator, Supi, UaStarId};
use nf_api::{Caller, NetworkFunction};
use secret::{KAkma, SealingKey};
use store::{Database, Sealer};

const NOW: u64 = 1_767_225_600_000;
const GRACE: Duration = Duration::from_secs(600);
const DAY: u64 = 86_400_000;
const CCM8: UaStarId = UaStarId::new([1, 0, 1, 0xc0, 0xa8]);

struct Function {
    database: Database,
    contexts: Contexts,
    policies: Policies,
}

impl Function {
    async fn new() -> Self {
        let database = Database::memory().await.unwrap();
        let store = database.for_function("aanf").unwrap();
        let sealer = Sealer::new([(1, SealingKey::new([9; 32]))], None).unwrap();
        Self {
            contexts: Contexts::new(store.clone(), sealer),
            policies: Policies::new(store),
            database,
        }
    }

    async fn with_policy(ue_id_form: UeIdForm) -> Self {
        let function = Self::new().await;
        function.policies.put(&policy(ue_id_form)).await.unwrap();
        function
    }

    async fn register(
        &self,
        supi: &str,
        epoch: u64,
        at: u64,
    ) -> Result<AKid, RegisterAnchorKeyError> {
        let key = anchor_key(epoch);
        let a_kid = key.a_kid.clone();
        register_anchor_key(&self.contexts, &Supi::parse(supi).unwrap(), key, GRACE, at)
            .await
            .map(|()| a_kid)
    }

    async fn get(
        &self,
        a_kid: &AKid,
        at: u64,
    ) -> Result<aanf::ApplicationKey, GetApplicationKeyError> {
        let server = Caller::function(NetworkFunction::Msgin5gServer);
        get_application_key(&self.contexts, &self.policies, &server, request(a_kid), at).await
    }
}

// TS 33.535 6.2; the key is the published chain's.
#[tokio::test]
async fn an_application_function_gets_the_key_and_the_supi_that_policy_allows() {
    let function = Function::with_policy(UeIdForm::Supi).await;
    let a_kid = function
        .register("imsi-001010000000001", 1, NOW)
        .await
        .unwrap();
    let key = function.get(&a_kid, NOW + 1_000).await.unwrap();
    assert_eq!(key.ue_id, "imsi-001010000000001");
    assert_eq!(key.expires_at_ms, NOW + DAY);
    assert_eq!(key.authentication_epoch, 1);

    let again = function.get(&a_kid, NOW + 5_000).await.unwrap();
    assert!(
        again.k_af == key.k_af && again.expires_at_ms == key.expires_at_ms,
        "asking again extends nothing"
    );
}

#[tokio::test]
async fn policy_decides_the_form_of_the_ue_id() {
    for (form, expected) in [(UeIdForm::Gpsi, "msisdn-88100000001"), (UeIdForm::None, "")] {
        let function = Function::with_policy(form).await;
        let a_kid = function
            .register("imsi-001010000000001", 1, NOW)
            .await
            .unwrap();
        assert_eq!(function.get(&a_kid, NOW).await.unwrap().ue_id, expected);
    }
}

#[tokio::test]
async fn nothing_is_given_without_a_policy_that_matches() {
    let function = Function::new().await;
    let a_kid = function
        .register("imsi-001010000000001", 1, NOW)
        .await
        .unwrap();
    assert!(matches!(
        function.get(&a_kid, NOW).await,
        Err(GetApplicationKeyError::AfNotAllowed)
    ));

    function
        .policies
        .put(&policy(UeIdForm::Supi))
        .await
        .unwrap();
    let server = Caller::function(NetworkFunction::Msgin5gServer);
    let stranger = Caller::function(NetworkFunction::Ausf);
    let refused = [
        (&stranger, request(&a_kid)),
        (
            &server,
            GetApplicationKey {
                ua_star_id: UaStarId::HTTP_DIGEST,
                ..request(&a_kid)
            },
        ),
        (
            &server,
            GetApplicationKey {
                af_fqdn: Fqdn::parse("other.berth.test").unwrap(),
                ..request(&a_kid)
            },
        ),
        (
            &server,
            GetApplicationKey {
                anonymous: true,
                ..request(&a_kid)
            },
        ),
    ];
    for (caller, request) in refused {
        let got =
            get_application_key(&function.contexts, &function.policies, caller, request, NOW).await;
        assert!(matches!(got, Err(GetApplicationKeyError::AfNotAllowed)));
    }
}

#[tokio::test]
async fn the_a_kid_before_the_latest_lives_for_its_grace_period() {
    let function = Function::with_policy(UeIdForm::Supi).await;
    let first = function
        .register("imsi-001010000000001", 1, NOW)
        .await
        .unwrap();
    let second = function
        .register("imsi-001010000000001", 2, NOW + 10)
        .await
        .unwrap();
    assert!(function.get(&first, NOW + 10 + 599_999).await.is_ok());
    assert!(function.get(&second, NOW + 10 + 600_000).await.is_ok());
    let gone = function
        .get(&first, NOW + 10 + 600_000)
        .await
        .err()
        .unwrap();
    assert_eq!(gone.cause(), Cause::UnknownAKid);
}

#[tokio::test]
async fn an_older_authentication_epoch_is_refused() {
    let function = Function::with_policy(UeIdForm::Supi).await;
    function
        .register("imsi-001010000000001", 5, NOW)
        .await
        .unwrap();
    let late = function
        .register("imsi-001010000000001", 4, NOW)
        .await
        .err()
        .unwrap();
    assert_eq!(late.cause(), Cause::StaleAuthenticationEpoch);
    function
        .register("imsi-001010000000001", 5, NOW + 1)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_removed_context_answers_no_more_and_does_not_come_back() {
    let function = Function::with_policy(UeIdForm::Supi).await;
    let supi = Supi::parse("imsi-001010000000001").unwrap();
    let a_kid = function.register(supi.as_text(), 3, NOW).await.unwrap();
    remove_context(&function.contexts, &supi).await.unwrap();
    remove_context(&function.contexts, &supi).await.unwrap();
    assert_eq!(
        function.get(&a_kid, NOW).await.err().unwrap().cause(),
        Cause::UnknownAKid
    );
    assert!(
        function.register(supi.as_text(), 3, NOW).await.is_err(),
        "a late repetition of the registration"
    );
    function.register(supi.as_text(), 4, NOW).await.unwrap();
}

#[tokio::test]
async fn an_a_kid_of_another_subscriber_is_a_collision() {
    let function = Function::with_policy(UeIdForm::Supi).await;
    function
        .register("imsi-001010000000001", 1, NOW)
        .await
        .unwrap();
    let collision = function
        .register("imsi-001010000000002", 1, NOW)
        .await
        .err()
        .unwrap();
    assert_eq!(collision.cause(), Cause::AKidCollision);
}

#[tokio::test]
async fn sixty_four_registrations_at_once_leave_the_highest_epoch() {
    let function = Function::with_policy(UeIdForm::Supi).await;
    let registrations = (1..=64).map(|epoch| function.register("imsi-001010000000001", epoch, NOW));
    futures::future::join_all(registrations).await;
    let latest = anchor_key(64).a_kid;
    assert_eq!(
        function
            .get(&latest, NOW)
            .await
            .unwrap()
            .authentication_epoch,
        64
    );
}

#[tokio::test]
async fn another_key_encryption_key_opens_nothing() {
    let function = Function::with_policy(UeIdForm::Supi).await;
    let a_kid = function
        .register("imsi-001010000000001", 1, NOW)
        .await
        .unwrap();
    let store = function.database.for_function("aanf").unwrap();
    let stranger = Sealer::new([(1, SealingKey::new([8; 32]))], None).unwrap();
    let function = Function {
        contexts: Contexts::new(store, stranger),
        ..function
    };
    assert_eq!(
        function.get(&a_kid, NOW).await.err().unwrap().cause(),
        Cause::Internal
    );
}

fn anchor_key(epoch: u64) -> AnchorKey {
    let mut a_tid = [0x5a; 32];
    a_tid[..8].copy_from_slice(&epoch.to_be_bytes());
    AnchorKey {
        a_kid: AKid::new(
            &RoutingIndicator::parse("0").unwrap(),
            &a_tid,
            &Plmn::parse("00101").unwrap(),
        ),
        k_akma: KAkma::new([u8::try_from(epoch % 251).unwrap(); 32]),
        gpsi: Some(Gpsi::parse("msisdn-88100000001").unwrap()),
        authentication_epoch: epoch,
    }
}

fn policy(ue_id_form: UeIdForm) -> AccessPolicy {
    AccessPolicy {
        af_fqdn: Fqdn::parse("msgin5g.berth.test").unwrap(),
        caller: "nf/msgin5g-server".to_owned(),
        ue_id_form,
        ua_star_ids: vec![vec![1, 0, 1]],
        max_lifetime: Duration::from_secs(86_400),
        anonymous_allowed: false,
    }
}

fn request(a_kid: &AKid) -> GetApplicationKey {
    GetApplicationKey {
        a_kid: a_kid.clone(),
        af_fqdn: Fqdn::parse("msgin5g.berth.test").unwrap(),
        ua_star_id: CCM8,
        anonymous: false,
    }
}

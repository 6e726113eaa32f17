//! The server's decisions about registrations, messages and reports.

use cause::Cause;
use identifiers::{Gpsi, Supi, TenantId, UeServiceId};
use msgin5g::Timestamp;
use msgin5g::association::{Association, AssociationKind, Associations};
use msgin5g::delivery::{
    DeliveryVerdict, PushOutcome, RecipientState, StoragePolicy, accept_message, accept_report,
    failure_report, push_outcome,
};
use msgin5g::messages::{
    DeliveryReport, DeregistrationRequest, Message, MessageStatus, RegistrationOutcome,
    RegistrationRequest, ReportStatus,
};
use msgin5g::profile::{ClientProfile, CommunicationAvailability, ScheduledTime};
use msgin5g::registration::{
    DeregistrationVerdict, Registration, RegistrationPolicy, RegistrationVerdict, deregister,
    register,
};
use msgin5g::session::{SessionBinding, SessionEpoch, UeId};
use msgin5g::values::{Endpoint, MessageId, MessagingTopic, Recipient, StoreAndForward};
use std::time::Duration;

const AT: SessionEpoch = SessionEpoch {
    session: 1,
    epoch: 1,
};
const DAY: Duration = Duration::from_secs(24 * 3600);

fn now() -> Timestamp {
    Timestamp::parse("2026-01-02T03:04:05Z").expect("time")
}

fn supi(last: u8) -> Supi {
    Supi::parse(&format!("imsi-00101000000000{last}")).expect("SUPI")
}

fn gpsi(last: u8) -> Gpsi {
    Gpsi::parse(&format!("msisdn-49170000000{last}")).expect("GPSI")
}

fn service_id(name: &str) -> UeServiceId {
    UeServiceId::parse(&format!("{name}@msgin5g.berth.test")).expect("UE Service ID")
}

fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).expect("tenant")
}

fn home() -> TenantId {
    tenant("home")
}

fn association(last: u8, name: &str, kind: AssociationKind) -> Association {
    Association {
        ue_service_id: service_id(name),
        supi: Some(supi(last)),
        gpsi: Some(gpsi(last)),
        tenant_id: home(),
        kind,
    }
}

fn direct(last: u8, name: &str) -> Association {
    association(last, name, AssociationKind::Direct)
}

fn session(last: u8) -> SessionBinding {
    SessionBinding::new(AT, UeId::Supi(supi(last)))
}

fn bound(last: u8, name: &str) -> SessionBinding {
    let mut binding = session(last);
    binding.bind(service_id(name), home());
    binding
}

fn request(name: &str) -> RegistrationRequest {
    RegistrationRequest {
        ue_service_id: service_id(name),
        profile: None,
        requested_expiration: None,
    }
}

fn decide(
    binding: &SessionBinding,
    associations: &Associations,
    existing: Option<&Registration>,
    request: &RegistrationRequest,
    now: Timestamp,
) -> RegistrationVerdict {
    register(
        binding,
        AT,
        associations,
        existing,
        request,
        now,
        RegistrationPolicy::default(),
    )
}

fn registered(last: u8, name: &str) -> Registration {
    let associations = Associations::Known(vec![direct(last, name)]);
    match decide(&session(last), &associations, None, &request(name), now()) {
        RegistrationVerdict::Created(registration) => registration,
        other => panic!("{other:?}"),
    }
}

fn declining() -> ClientProfile {
    ClientProfile {
        availability: Some(CommunicationAvailability {
            scheduled: ScheduledTime::At(now()),
            duration: DAY,
            periodic: None,
            data_size: None,
            store_and_forward_declined: true,
        }),
        ..ClientProfile::default()
    }
}

// TS 24.538 6.3.1.2.1 a), b)
#[test]
fn first_registration_is_created_for_a_day() {
    let registration = registered(1, "a");
    assert_eq!(registration.expires_at, now().plus(DAY));
    assert_eq!(registration.delivery, AT);
    assert_eq!(registration.tenant_id, home());

    let verdict = RegistrationVerdict::Created(registration);
    assert_eq!(verdict.code(), 0x41);
    let answer = verdict.answer(&service_id("a"));
    assert_eq!(
        answer.outcome,
        RegistrationOutcome::Success {
            expires: Some(now().plus(DAY))
        }
    );
}

#[test]
fn refresh_is_changed_and_moves_delivery_to_the_newest_session() {
    let old = Registration {
        profile: declining(),
        ..registered(1, "a")
    };
    let later = now().plus(Duration::from_secs(60));
    let newest = SessionEpoch {
        session: 2,
        epoch: 1,
    };
    let verdict = register(
        &SessionBinding::new(newest, UeId::Supi(supi(1))),
        newest,
        &Associations::Known(vec![direct(1, "a")]),
        Some(&old),
        &request("a"),
        later,
        RegistrationPolicy::default(),
    );
    assert_eq!(verdict.code(), 0x44);
    let RegistrationVerdict::Changed(refreshed) = verdict else {
        panic!("{verdict:?}");
    };
    assert_eq!(refreshed.delivery, newest);
    assert_eq!(refreshed.registered_at, now());
    assert_eq!(refreshed.refreshed_at, later);
    assert_eq!(refreshed.expires_at, later.plus(DAY));
    assert_eq!(refreshed.profile, declining());
}

#[test]
fn registration_after_expiry_or_from_another_ue_is_created_without_the_old_profile() {
    let old = Registration {
        profile: declining(),
        ..registered(1, "a")
    };
    let associations = Associations::Known(vec![direct(1, "a")]);
    let verdict = decide(
        &session(1),
        &associations,
        Some(&old),
        &request("a"),
        old.expires_at,
    );
    assert!(
        matches!(&verdict, RegistrationVerdict::Created(r) if r.profile == ClientProfile::default())
    );

    let moved = Associations::Known(vec![direct(2, "a")]);
    let verdict = decide(&session(2), &moved, Some(&old), &request("a"), now());
    assert!(
        matches!(&verdict, RegistrationVerdict::Created(r) if r.profile == ClientProfile::default())
    );
}

#[test]
fn requested_expiration_shortens_but_never_lengthens() {
    let associations = Associations::Known(vec![direct(1, "a")]);
    for (wish, granted) in [(60, 60), (1_000_000, 24 * 3600)] {
        let wish = RegistrationRequest {
            requested_expiration: Some(now().plus(Duration::from_secs(wish))),
            ..request("a")
        };
        let verdict = decide(&session(1), &associations, None, &wish, now());
        assert!(
            matches!(&verdict, RegistrationVerdict::Created(r) if r.expires_at == now().plus(Duration::from_secs(granted)))
        );
    }
    let over = RegistrationRequest {
        requested_expiration: Some(now()),
        ..request("a")
    };
    assert_eq!(
        decide(&session(1), &associations, None, &over, now()),
        RegistrationVerdict::Refused(Cause::MandatoryElementIncorrect)
    );
}

// TS 33.501 Y.2
#[test]
fn ue_service_id_of_another_ue_is_refused_with_4_03() {
    // Even where the caller handed in a set that holds the other UE's row.
    for set in [
        vec![],
        vec![direct(1, "b")],
        vec![direct(2, "a")],
        vec![direct(2, "a"), direct(1, "b")],
    ] {
        let verdict = decide(
            &session(1),
            &Associations::Known(set),
            None,
            &request("a"),
            now(),
        );
        assert_eq!(
            verdict,
            RegistrationVerdict::Refused(Cause::UeServiceIdNotAssociated)
        );
        assert_eq!(verdict.code(), 0x83);
        assert!(matches!(
            verdict.answer(&service_id("a")).outcome,
            RegistrationOutcome::Failure(Some(_))
        ));
    }
}

#[test]
fn unknown_associations_are_answered_5_03() {
    let verdict = decide(
        &session(1),
        &Associations::Unavailable,
        None,
        &request("a"),
        now(),
    );
    assert_eq!(verdict.code(), 0xa3);
    let request = DeregistrationRequest {
        ue_service_id: service_id("a"),
    };
    let verdict = deregister(&session(1), AT, &Associations::Unavailable, &request);
    assert_eq!(verdict.code(), 0xa3);
}

// TS 33.501 Y.6
#[test]
fn gateway_registers_devices_of_its_own_set_only() {
    let behind = |gateway| association(3, "device", AssociationKind::Behind(gateway));
    let accepted = |last: u8, set: Vec<Association>| {
        let verdict = decide(
            &session(last),
            &Associations::Known(set),
            None,
            &request("device"),
            now(),
        );
        matches!(verdict, RegistrationVerdict::Created(_))
    };
    assert!(accepted(1, vec![behind(UeId::Supi(supi(1)))]));
    assert!(accepted(
        1,
        vec![direct(1, "gateway"), behind(UeId::Gpsi(gpsi(1)))]
    ));
    // The gateway's GPSI is not known to be this UE's.
    assert!(!accepted(1, vec![behind(UeId::Gpsi(gpsi(1)))]));
    // Another gateway's device.
    assert!(!accepted(
        1,
        vec![direct(1, "gateway"), behind(UeId::Supi(supi(2)))]
    ));
    // The device itself does not register past its gateway.
    assert!(!accepted(3, vec![behind(UeId::Supi(supi(1)))]));
}

#[test]
fn another_session_or_epoch_decides_nothing() {
    let associations = Associations::Known(vec![direct(1, "a")]);
    for at in [
        SessionEpoch {
            session: 2,
            epoch: 1,
        },
        SessionEpoch {
            session: 1,
            epoch: 2,
        },
    ] {
        let verdict = register(
            &session(1),
            at,
            &associations,
            None,
            &request("a"),
            now(),
            RegistrationPolicy::default(),
        );
        assert_eq!(
            verdict,
            RegistrationVerdict::Refused(Cause::UeServiceIdNotAssociated)
        );
        assert_eq!(
            bound(1, "a").check_originator(at, &service_id("a")),
            Err(Cause::UeServiceIdNotAssociated)
        );
    }
}

// TS 24.538 6.3.1.2.2
#[test]
fn deregistration_needs_the_association_alone() {
    let request = DeregistrationRequest {
        ue_service_id: service_id("a"),
    };
    let own = Associations::Known(vec![direct(1, "a")]);
    let verdict = deregister(&session(1), AT, &own, &request);
    assert_eq!(verdict, DeregistrationVerdict::Deleted);
    assert_eq!(verdict.code(), 0x44);
    assert_eq!(verdict.answer(&service_id("a")).outcome, Ok(()));

    let foreign = Associations::Known(vec![direct(2, "a")]);
    let verdict = deregister(&session(1), AT, &foreign, &request);
    assert_eq!(verdict.code(), 0x83);
}

#[test]
fn originator_must_be_bound_to_the_session() {
    let mut binding = session(1);
    assert_eq!(
        binding.check_originator(AT, &service_id("a")),
        Err(Cause::NotRegistered)
    );
    binding.bind(service_id("a"), home());
    assert_eq!(binding.check_originator(AT, &service_id("a")), Ok(&home()));
    assert_eq!(
        binding.check_originator(AT, &service_id("b")),
        Err(Cause::UeServiceIdNotAssociated)
    );
    assert!(binding.unbind(&service_id("a")));
    let refusal = binding.check_originator(AT, &service_id("a"));
    assert_eq!(refusal.map_err(Cause::coap), Err(0x83));
}

fn message() -> Message {
    Message::new(
        Endpoint::Ue(service_id("a")),
        Recipient::Ue(service_id("b")),
        MessageId::parse("1").expect("message ID"),
    )
}

fn send(message: &Message, recipient: RecipientState<'_>) -> DeliveryVerdict {
    accept_message(
        &bound(1, "a"),
        AT,
        Some(&registered(1, "a")),
        message,
        recipient,
        now(),
        StoragePolicy::default(),
    )
}

#[test]
fn message_to_a_present_recipient_is_pushed_to_its_session() {
    let b = registered(2, "b");
    let verdict = send(
        &message(),
        RecipientState::Known {
            tenant_id: &home(),
            registration: Some(&b),
        },
    );
    assert_eq!(
        verdict,
        DeliveryVerdict::Deliver {
            at: b.delivery,
            keep_until: Some(now().plus(DAY))
        }
    );
    assert_eq!(verdict.code(), 0x44);
    assert_eq!(
        verdict.answer(&message().message_id).status,
        MessageStatus::Accepted
    );
}

#[test]
fn message_to_an_absent_recipient_is_stored() {
    let over = Registration {
        expires_at: now(),
        ..registered(2, "b")
    };
    for registration in [None, Some(&over)] {
        let verdict = send(
            &message(),
            RecipientState::Known {
                tenant_id: &home(),
                registration,
            },
        );
        assert_eq!(
            verdict,
            DeliveryVerdict::Store {
                keep_until: now().plus(DAY)
            }
        );
        assert_eq!(verdict.code(), 0x44);
        assert_eq!(
            verdict.answer(&message().message_id).status,
            MessageStatus::Stored
        );
    }
}

#[test]
fn message_is_stored_as_long_as_asked_and_a_week_at_most() {
    let absent = RecipientState::Known {
        tenant_id: &home(),
        registration: None,
    };
    for (wish, granted) in [(60, 60), (30 * 86_400, 7 * 86_400)] {
        let message = Message {
            store_and_forward: StoreAndForward::Requested {
                expires: Some(now().plus(Duration::from_secs(wish))),
            },
            ..message()
        };
        assert_eq!(
            send(&message, absent),
            DeliveryVerdict::Store {
                keep_until: now().plus(Duration::from_secs(granted))
            }
        );
    }
    let expired = Message {
        store_and_forward: StoreAndForward::Requested {
            expires: Some(now()),
        },
        ..message()
    };
    assert_eq!(
        send(&expired, absent),
        DeliveryVerdict::Refused(Cause::MandatoryElementIncorrect)
    );
}

// TS 23.554 8.3.6
#[test]
fn nothing_is_stored_where_a_side_declines() {
    let declined = Message {
        store_and_forward: StoreAndForward::Declined,
        ..message()
    };
    let absent = RecipientState::Known {
        tenant_id: &home(),
        registration: None,
    };
    let verdict = send(&declined, absent);
    assert_eq!(verdict, DeliveryVerdict::Failed(Cause::NotRegistered));
    assert_eq!(verdict.code(), 0x44);

    let b = Registration {
        profile: declining(),
        ..registered(2, "b")
    };
    let present = RecipientState::Known {
        tenant_id: &home(),
        registration: Some(&b),
    };
    assert_eq!(
        send(&message(), present),
        DeliveryVerdict::Deliver {
            at: AT,
            keep_until: None
        }
    );
}

#[test]
fn unknown_recipient_is_4_04_and_one_of_another_tenant_4_03() {
    assert_eq!(send(&message(), RecipientState::Unknown).code(), 0x84);
    let foreign = RecipientState::Known {
        tenant_id: &tenant("other"),
        registration: None,
    };
    assert_eq!(send(&message(), foreign).code(), 0x83);
}

#[test]
fn sender_that_is_not_registered_or_not_bound_is_refused_before_the_recipient_is_looked_at() {
    let over = Registration {
        expires_at: now(),
        ..registered(1, "a")
    };
    let other = registered(1, "c");
    for sender in [None, Some(&over), Some(&other)] {
        let verdict = accept_message(
            &bound(1, "a"),
            AT,
            sender,
            &message(),
            RecipientState::Unknown,
            now(),
            StoragePolicy::default(),
        );
        assert_eq!(verdict, DeliveryVerdict::Refused(Cause::NotRegistered));
    }
    for originator in [
        Endpoint::Ue(service_id("z")),
        Endpoint::As(msgin5g::values::AsServiceId::parse("a").expect("AS")),
    ] {
        let spoofed = Message {
            originator,
            ..message()
        };
        assert_eq!(
            send(&spoofed, RecipientState::Unknown),
            DeliveryVerdict::Refused(Cause::UeServiceIdNotAssociated)
        );
    }
}

#[test]
fn message_to_a_topic_is_not_supported() {
    let topic = Message {
        recipient: Recipient::Topic(MessagingTopic::parse("t").expect("topic")),
        ..message()
    };
    assert_eq!(
        send(&topic, RecipientState::Unknown),
        DeliveryVerdict::Refused(Cause::Unsupported)
    );
}

// TS 23.554 8.3.4
#[test]
fn report_to_an_absent_originator_is_stored() {
    let report = DeliveryReport {
        originator: Endpoint::Ue(service_id("b")),
        recipient: Endpoint::Ue(service_id("a")),
        message_id: message().message_id,
        status: ReportStatus::Delivered,
    };
    let away = Registration {
        expires_at: now(),
        profile: declining(),
        ..registered(1, "a")
    };
    let verdict = accept_report(
        &bound(2, "b"),
        AT,
        Some(&registered(2, "b")),
        &report,
        RecipientState::Known {
            tenant_id: &home(),
            registration: Some(&away),
        },
        now(),
        StoragePolicy::default(),
    );
    assert_eq!(
        verdict,
        DeliveryVerdict::Store {
            keep_until: now().plus(DAY)
        }
    );
}

#[test]
fn push_is_done_by_2_04_alone() {
    assert_eq!(push_outcome(Some(0x44)), PushOutcome::Delivered);
    for code in [None, Some(0x45), Some(0x84), Some(0xa3)] {
        assert_eq!(push_outcome(code), PushOutcome::ReturnToStore);
    }
}

#[test]
fn failure_report_goes_to_the_sender_who_asked_for_one() {
    assert_eq!(failure_report(&message(), Cause::DeadlineExceeded), None);
    let wanted = Message {
        delivery_status_required: true,
        ..message()
    };
    let report = failure_report(&wanted, Cause::DeadlineExceeded).expect("a report");
    assert_eq!(report.originator, Endpoint::Ue(service_id("b")));
    assert_eq!(report.recipient, Endpoint::Ue(service_id("a")));
}

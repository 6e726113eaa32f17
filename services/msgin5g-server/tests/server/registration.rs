//! REG and DEREG.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use cause::Cause;
use coap::{Code, ContentFormat, Method, OptionNumber, Request};
use coap_tokio::ConnectError;
use dtls::CipherSuite;
use identifiers::UaStarId;

use crate::harness::{
    AF_FQDN, Bench, OTHER_AF_FQDN, answer, cause_in, locked, now, psk, refusal, service_id, until,
};

// TS 24.538 6.3.1.2.1
#[tokio::test]
async fn the_first_registration_is_2_01_and_a_refresh_2_04() {
    let bench = Bench::start().await;
    let alice = bench.connect("alice").await;
    let first = alice.register().await.unwrap();
    assert!(first.new);
    let lifetime = Duration::from_secs(24 * 3600);
    assert_eq!(first.expires, Some(now(&bench).plus(lifetime)));
    assert!(!alice.register().await.unwrap().new);
    let seen = bench.registration("alice").await.unwrap();
    assert!(seen.reachable);
    bench.stop().await;
}

// TS 33.501 Y.2, TS 33.535 6.2
#[tokio::test]
async fn the_aanf_is_asked_by_a_kid_own_fqdn_and_the_suite_in_use() {
    let bench = Bench::start().await;
    bench.connect("alice").await;
    let gcm = CipherSuite::PskAes128GcmSha256;
    bench
        .try_connect("alice", |config| {
            config.keys = vec![(gcm, psk("alice", OTHER_AF_FQDN, gcm))];
            config.server_name = Some(OTHER_AF_FQDN.to_owned());
        })
        .await
        .unwrap();
    bench
        .try_connect("alice", |config| {
            config.server_name = Some("stranger.berth.test".to_owned());
        })
        .await
        .unwrap();
    let gets = locked(&bench.network.gets).clone();
    let asked: Vec<_> = gets
        .iter()
        .map(|get| (get.af_fqdn.as_str(), get.ua_star_id))
        .collect();
    let ccm8 = UaStarId::new([1, 0, 1, 0xc0, 0xa8]);
    for wanted in [
        (AF_FQDN, ccm8),
        (OTHER_AF_FQDN, UaStarId::new([1, 0, 1, 0x00, 0xa8])),
    ] {
        assert!(asked.contains(&wanted), "{asked:?}");
    }
    assert!(asked.iter().all(|(name, _)| *name != "stranger.berth.test"));
    bench.stop().await;
}

#[tokio::test]
async fn another_ues_service_id_is_refused_and_leaves_nothing() {
    let bench = Bench::start().await;
    let mallory = bench.connect("mallory").await;
    let post = msgin5g::client::Client::new(Default::default(), service_id("alice"));
    let response = mallory.post(post.register(None, None)).await;
    assert_eq!(response.code, Code::FORBIDDEN);
    assert_eq!(cause_in(&response), Some(Cause::UeServiceIdNotAssociated));
    assert!(bench.registration("alice").await.is_none());
    let refused = mallory.say("alice", "m-1").await;
    assert_eq!(refusal(refused), (0x83, Cause::NotRegistered));
    bench.stop().await;
}

#[tokio::test]
async fn a_wrong_key_and_an_unknown_a_kid_get_no_session() {
    let bench = Bench::start().await;
    let wrong = bench
        .try_connect("alice", |config| {
            let suite = CipherSuite::PskAes128Ccm8;
            config.keys = vec![(suite, psk("mallory", AF_FQDN, suite))];
            config.handshake_timeout = Duration::from_secs(3);
        })
        .await;
    assert!(matches!(wrong, Err(ConnectError::Handshake(_))));
    let unknown = bench
        .try_connect("nobody", |config| {
            config.handshake_timeout = Duration::from_secs(3);
        })
        .await;
    assert!(matches!(unknown, Err(ConnectError::Handshake(_))));
    let metrics = bench.runtime.metrics.encode();
    assert!(
        metrics.contains("berth_msgin5g_server_dtls_sessions 0"),
        "{metrics}"
    );
    assert!(bench.registration("alice").await.is_none());
    bench.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_with_its_cause() {
    let bench = Bench::start().await;
    let alice = bench.connect("alice").await;
    let register = r#""MSGin5G service identifier":"MSGin5G","Message Type":"REG""#;
    let message = r#""MSGin5G service identifier":"MSGin5G","Message Type":"MSG","Originating UE Service ID":"alice@msgin5g.berth.test","Recipient UE Service ID":"bob@msgin5g.berth.test","Message ID":"m""#;
    let large = format!(
        r#"{{{message},"Payload":"{}","Payload encoding":"text"}}"#,
        "x".repeat(2049)
    );
    let not_utf8 = [br#"{"UE Service ID":""#.as_slice(), &[0xff, 0xfe], br#""}"#].concat();
    let table: [(Option<u16>, Vec<u8>, Code, Cause); 8] = [
        (
            Some(50),
            b"{".to_vec(),
            Code::BAD_REQUEST,
            Cause::MalformedMessage,
        ),
        (
            Some(50),
            not_utf8,
            Code::BAD_REQUEST,
            Cause::MalformedMessage,
        ),
        (
            Some(50),
            format!("{{{register}}}").into(),
            Code::BAD_REQUEST,
            Cause::MandatoryElementMissing,
        ),
        (
            Some(50),
            format!(r#"{{{register},"UE Service ID":"no service id"}}"#).into(),
            Code::BAD_REQUEST,
            Cause::MandatoryElementIncorrect,
        ),
        (
            Some(50),
            format!(r#"{{{register},"UE Service ID":"a@b.c","ueServiceId":"a@b.c"}}"#).into(),
            Code::BAD_REQUEST,
            Cause::MalformedMessage,
        ),
        (
            Some(60),
            b"{}".to_vec(),
            Code::UNSUPPORTED_CONTENT_FORMAT,
            Cause::ContentFormatUnsupported,
        ),
        (
            None,
            b"{}".to_vec(),
            Code::UNSUPPORTED_CONTENT_FORMAT,
            Cause::ContentFormatUnsupported,
        ),
        (
            Some(50),
            large.into(),
            Code::REQUEST_ENTITY_TOO_LARGE,
            Cause::PayloadTooLarge,
        ),
    ];
    for (format, body, code, cause) in table {
        let text = String::from_utf8_lossy(&body).into_owned();
        let response = alice.send(format, body).await;
        assert_eq!(response.code, code, "{text}");
        assert_eq!(cause_in(&response), Some(cause), "{text}");
        assert_eq!(response.content_format(), Some(ContentFormat::JSON));
    }
    let huge = alice.send(Some(50), vec![b' '; 9000]).await;
    assert_eq!(huge.code, Code::REQUEST_ENTITY_TOO_LARGE);
    assert!(bench.registration("alice").await.is_none());
    bench.stop().await;
}

#[tokio::test]
async fn unknown_elements_are_ignored_and_names_are_compared_by_letters() {
    let bench = Bench::start().await;
    let alice = bench.connect("alice").await;
    let body = r#"{"msgin5gServiceIdentifier":"msgin5g","messageType":"REG","ueServiceId":"alice@msgin5g.berth.test","credential":"x","new":{"a":[1]}}"#;
    let response = alice.send(Some(50), body.into()).await;
    assert!(
        alice
            .msgin5g
            .read_registration(answer(&response))
            .unwrap()
            .new
    );
    bench.stop().await;
}

// TS 24.538 6.3.1.1.1, RFC 7252 5.10.1, RFC 6690
#[tokio::test]
async fn a_whole_uri_in_one_uri_path_is_understood() {
    let bench = Bench::start().await;
    let alice = bench.connect("alice").await;
    let post = alice.msgin5g.register(None, None);
    let mut request = Request::new(Method::Post, "");
    let uri = format!("coaps://{AF_FQDN}:5684/msgin5g");
    request.options.push(OptionNumber::URI_PATH, uri.as_bytes());
    let request = request.with_payload(ContentFormat::JSON, post.body);
    let response = alice.client.request(request).await.unwrap();
    assert_eq!(response.code, Code::CREATED);

    let list = alice
        .client
        .request(Request::get("/.well-known/core"))
        .await
        .unwrap();
    assert_eq!(list.payload, br#"</msgin5g>;rt="msgin5g";ct=50"#);
    let get = alice
        .client
        .request(Request::get("/msgin5g"))
        .await
        .unwrap();
    assert_eq!(get.code, Code::METHOD_NOT_ALLOWED);
    let elsewhere = alice
        .client
        .request(Request::get("/elsewhere"))
        .await
        .unwrap();
    assert_eq!(elsewhere.code, Code::NOT_FOUND);
    bench.stop().await;
}

#[tokio::test]
async fn a_registration_that_cannot_be_checked_is_put_off_in_time() {
    let bench = Bench::start().await;
    let alice = bench.connect("alice").await;
    bench.network.hangs.store(true, Ordering::SeqCst);
    let begin = Instant::now();
    let response = alice.post(alice.msgin5g.register(None, None)).await;
    assert!(
        begin.elapsed() < Duration::from_secs(2),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(response.code, Code::SERVICE_UNAVAILABLE);
    assert!(response.max_age().is_some());
    assert_eq!(cause_in(&response), Some(Cause::AssociationUnavailable));
    assert!(bench.registration("alice").await.is_none());

    bench.network.hangs.store(false, Ordering::SeqCst);
    assert!(alice.register().await.unwrap().new);
    bench.stop().await;
}

#[tokio::test]
async fn associations_are_looked_up_once_while_their_feed_lives() {
    let bench = Bench::start().await;
    let alice = bench.registered("alice").await;
    let before = bench.network.look_ups.load(Ordering::SeqCst);
    alice.register().await.unwrap();
    assert_eq!(bench.network.look_ups.load(Ordering::SeqCst), before);

    // nothing heard for longer than the cache is trusted
    bench.runtime.clock.advance(Duration::from_secs(6));
    alice.register().await.unwrap();
    assert!(bench.network.look_ups.load(Ordering::SeqCst) > before);
    bench.stop().await;
}

// TS 24.538 6.3.1.2.2
#[tokio::test]
async fn deregistration_leaves_no_registration_and_no_right_to_send() {
    let bench = Bench::start().await;
    let alice = bench.registered("alice").await;
    let second = bench.registered("alice").await;
    alice.deregister().await.unwrap();
    assert!(bench.registration("alice").await.is_none());
    for ue in [&alice, &second] {
        assert_eq!(
            refusal(ue.say("bob", "m-1").await),
            (0x83, Cause::NotRegistered)
        );
    }
    alice
        .deregister()
        .await
        .expect("what is gone can be ended again");
    assert!(alice.register().await.unwrap().new);
    bench.stop().await;
}

#[tokio::test]
async fn a_registration_expires() {
    let bench = Bench::start().await;
    let alice = bench.connect("alice").await;
    let soon = now(&bench).plus(Duration::from_secs(60));
    let response = alice.post(alice.msgin5g.register(None, Some(soon))).await;
    let registered = alice.msgin5g.read_registration(answer(&response)).unwrap();
    assert_eq!(registered.expires, Some(soon));
    bench.runtime.clock.advance(Duration::from_secs(61));
    assert!(bench.registration("alice").await.is_none());
    assert_eq!(
        refusal(alice.say("bob", "m-1").await),
        (0x83, Cause::NotRegistered)
    );
    assert!(alice.register().await.unwrap().new);
    bench.stop().await;
}

#[tokio::test]
async fn a_session_ends_with_its_key() {
    let bench = Bench::start().await;
    let soon = bench.runtime.clock.unix_ms() + 1_500;
    bench.network.subscribe("carol", "tenant-1", soon);
    let carol = bench.registered("carol").await;
    let ended = tokio::time::timeout(Duration::from_secs(10), carol.client.closed()).await;
    assert!(ended.is_ok(), "the session outlives its key");
    until(|| bench.runtime.metrics.encode().contains("dtls_sessions 0")).await;
    bench.stop().await;
}

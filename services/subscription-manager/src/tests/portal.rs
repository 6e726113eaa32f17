//! The portal, request by request.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use cause::Cause;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use onboarding::NetworkProofLevel;
use store::Database;

use super::device::{Authentication, Device};
use super::world::{START_MS, World, outbox, plan, procedures};
use crate::edge::http::{Authority, Portal, ROUTES};
use crate::procedures::activate_credential::activate_credential;
use crate::procedures::end_session::end_session;
use crate::procedures::keep_plans::put_plan;
use crate::records::SessionState;

/// A browser: where it is, and the cookie it holds.
struct Browser {
    portal: Portal,
    peer: SocketAddr,
    cookie: Option<String>,
}

/// What it gets.
struct Page {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Page {
    fn location(&self) -> &str {
        self.headers
            .get(header::LOCATION)
            .map_or("", |value| value.to_str().unwrap())
    }

    fn names(&self, cause: Cause) -> bool {
        self.status.as_u16() == cause.http() && self.text.contains(cause.name())
    }

    /// The value of a hidden field.
    fn hidden(&self, name: &str) -> String {
        let field = format!("name=\"{name}\" value=\"");
        let rest = self.text.split_once(&field).expect("the field is there").1;
        rest.split_once('"').unwrap().0.to_owned()
    }
}

impl Browser {
    /// Behind the link of a device.
    fn of(world: &World, authentication: &Authentication) -> Self {
        let address = authentication.ue_address;
        let context = world.context();
        let outbox = outbox(&context);
        let metrics = procedures();
        Self {
            portal: Portal {
                context,
                outbox,
                metrics,
            },
            peer: (address.ip, address.first_port).into(),
            cookie: None,
        }
    }

    async fn send(
        &mut self,
        method: &str,
        target: &str,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> Page {
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::CONTENT_TYPE, content_type);
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, format!("other=1; {cookie}"));
        }
        let answer = self
            .portal
            .answer(request.body(Full::new(body.into())).unwrap(), self.peer)
            .await;
        let (parts, body) = answer.into_parts();
        if let Some(cookie) = parts.headers.get(header::SET_COOKIE) {
            self.cookie = cookie
                .to_str()
                .unwrap()
                .split(';')
                .next()
                .map(str::to_owned);
        }
        let octets = body.collect().await.unwrap().to_bytes();
        Page {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(octets.to_vec()).unwrap(),
        }
    }

    async fn get(&mut self, target: &str) -> Page {
        self.send("GET", target, "", "").await
    }

    async fn post(&mut self, body: &str) -> Page {
        self.send(
            "POST",
            "/sign-up",
            "application/x-www-form-urlencoded",
            body.to_owned(),
        )
        .await
    }

    /// The link that the captive-portal API hands out, path and query.
    async fn link(&mut self) -> String {
        let page = self.get("/capport/v1").await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        assert_eq!(
            page.headers[header::CONTENT_TYPE],
            "application/captive+json"
        );
        let api: serde_json::Value = serde_json::from_str(&page.text).unwrap();
        assert_eq!(api["captive"], true);
        let link = api["user-portal-url"].as_str().unwrap();
        link.strip_prefix("https://localhost:8443")
            .unwrap()
            .to_owned()
    }

    /// Follows the link to the sign-up page.
    async fn enter(&mut self) -> Page {
        let link = self.link().await;
        let page = self.get(&link).await;
        assert_eq!(
            (page.status, page.location()),
            (StatusCode::SEE_OTHER, "/sign-up")
        );
        self.get("/sign-up").await
    }
}

async fn limited() -> (World, Authentication, Browser) {
    let world = World::new().await;
    let authentication = Device::new("SN-2026-4711").authenticate(1);
    world.open(&authentication).await;
    let browser = Browser::of(&world, &authentication);
    (world, authentication, browser)
}

/// A device that has not seen the operator's chain.
async fn unproven() -> (World, Authentication, Browser) {
    let world = World::new().await;
    let authentication =
        Device::new("SN-2026-4711").authenticate_at(1, NetworkProofLevel::None, START_MS / 1000);
    world.open(&authentication).await;
    let browser = Browser::of(&world, &authentication);
    (world, authentication, browser)
}

#[tokio::test]
async fn a_person_signs_up_in_a_few_steps() {
    let (world, authentication, mut browser) = limited().await;
    let page = browser.enter().await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.text.contains("Acme")
            && page.text.contains("4711")
            && page.text.contains("Laboratory")
    );
    assert!(
        !page.text.contains("SN-2026"),
        "the serial is not shown whole"
    );
    assert!(
        !page.text.contains("name=\"match\""),
        "the network has proven itself"
    );
    let csrf = page.hidden("csrf");
    let page = browser
        .post(&format!(
            "plan_id=lab&terms=accepted&order_code=&csrf={csrf}"
        ))
        .await;
    assert_eq!(
        (page.status, page.location()),
        (StatusCode::SEE_OTHER, "/status")
    );
    let page = browser.get("/status").await;
    assert!(page.text.contains("http-equiv=\"refresh\"") && page.text.contains("Setting up"));
    world.enrol(&authentication.device).await;
    assert!(browser.get("/status").await.text.contains("+99900000001"));

    let enrolment = world.enrolment(&authentication.device).await;
    let (subscription, set) = (
        enrolment.subscription_id().unwrap(),
        enrolment.credential_set_id().unwrap(),
    );
    activate_credential(
        &world.context(),
        &subscription,
        &authentication.device.device_id,
        &set,
    )
    .await
    .unwrap();
    // The session is over, and the last page can still be read.
    let page = browser.get("/status").await;
    assert!(page.text.contains("in service") && !page.text.contains("http-equiv"));
    assert!(page.text.contains(&enrolment.ue_service_id));
}

#[tokio::test]
async fn a_second_submission_finds_the_first_ones_subscription() {
    let (world, authentication, mut browser) = limited().await;
    let csrf = browser.enter().await.hidden("csrf");
    let body = format!("plan_id=lab&terms=accepted&csrf={csrf}");
    for _ in 0..2 {
        assert_eq!(browser.post(&body).await.location(), "/status");
    }
    assert_eq!(browser.get("/sign-up").await.location(), "/status");
    world.enrol(&authentication.device).await;
    assert_eq!(browser.post(&body).await.location(), "/status");
    assert_eq!(world.configuration_management.associations().len(), 1);
    assert_eq!(world.vault.minted().len(), 1);
}

#[tokio::test]
async fn a_link_code_works_once_and_not_for_long() {
    let (world, authentication, mut browser) = limited().await;
    let link = browser.link().await;
    assert!(
        browser
            .get("/?c=AAAAAAAAAAAAAAAAAAAAAA")
            .await
            .names(Cause::LinkCodeInvalid)
    );
    assert!(browser.get("/?c=short").await.names(Cause::LinkCodeInvalid));
    // Looking at a link does not use it up.
    assert_eq!(
        browser.send("HEAD", &link, "", "").await.status,
        StatusCode::OK
    );
    assert_eq!(browser.get(&link).await.status, StatusCode::SEE_OTHER);
    // Whoever has used it goes on; anybody else does not.
    assert_eq!(browser.get(&link).await.location(), "/sign-up");
    let mut thief = Browser::of(&world, &authentication);
    assert!(thief.get(&link).await.names(Cause::LinkCodeInvalid));

    let late = browser.link().await;
    world.clock.advance(Duration::from_secs(5 * 60));
    assert!(thief.get(&late).await.names(Cause::LinkCodeInvalid));
}

#[tokio::test]
async fn link_codes_are_limited_and_stored_as_hashes() {
    let (world, authentication, mut browser) = limited().await;
    let link = browser.link().await;
    let code = link.strip_prefix("/?c=").unwrap();
    let stored = world.database.for_function("subscription-manager").unwrap();
    assert!(
        stored
            .read::<crate::records::LinkCodeRecord>(&stored.tag(code).unwrap())
            .await
            .unwrap()
            .is_none()
    );
    for _ in 0..29 {
        browser.link().await;
    }
    let refused = browser.get("/capport/v1").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.text.contains("RATE_LIMITED"));
    world.clock.advance(Duration::from_secs(62));
    browser.link().await;
    // Another address is nobody's.
    let mut stranger = Browser::of(&world, &authentication);
    stranger.peer.set_port(9);
    let refused = stranger.get("/capport/v1").await;
    assert!(refused.names(Cause::LimitedSessionUnknown));
    assert_eq!(
        refused.headers[header::CONTENT_TYPE],
        "application/problem+json"
    );
}

#[tokio::test]
async fn a_form_needs_its_token() {
    let (world, authentication, mut browser) = limited().await;
    let own = browser.enter().await.hidden("csrf");
    let mut other = Browser::of(&world, &authentication);
    let foreign = other.enter().await.hidden("csrf");
    assert_ne!(own, foreign);
    for token in ["", "wrong", &foreign, &own[1..]] {
        let page = browser
            .post(&format!("plan_id=lab&terms=accepted&csrf={token}"))
            .await;
        assert!(page.names(Cause::NotAuthorized), "{token}");
    }
    assert!(
        world
            .stored_enrolment(&authentication.device)
            .await
            .is_none()
    );
}

#[tokio::test]
async fn the_codes_are_compared_where_the_network_has_not_proven_itself() {
    let (world, authentication, mut browser) = unproven().await;
    let page = browser.enter().await;
    let code = world
        .session(&authentication.session)
        .await
        .record()
        .match_code
        .clone();
    assert!(
        code.len() == 6
            && page
                .text
                .contains(&format!("{} {}", &code[..3], &code[3..]))
    );
    let csrf = page.hidden("csrf");
    let unanswered = browser
        .post(&format!("plan_id=lab&terms=accepted&csrf={csrf}"))
        .await;
    assert_eq!(unanswered.status, StatusCode::BAD_REQUEST);
    assert!(unanswered.text.contains("compare the code"));
    assert!(
        world
            .stored_enrolment(&authentication.device)
            .await
            .is_none()
    );
    let page = browser
        .post(&format!(
            "plan_id=lab&terms=accepted&match=same&csrf={csrf}"
        ))
        .await;
    assert_eq!(page.location(), "/status");
}

#[tokio::test]
async fn differing_codes_end_the_session() {
    let (world, authentication, mut browser) = unproven().await;
    let csrf = browser.enter().await.hidden("csrf");
    let page = browser
        .post(&format!(
            "plan_id=lab&terms=accepted&match=differs&csrf={csrf}"
        ))
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("Do not go on") && page.text.contains("What to do next"));
    assert_eq!(
        world.session_state(&authentication.session).await,
        SessionState::Expired
    );
    assert!(
        browser
            .get("/sign-up")
            .await
            .names(Cause::LimitedSessionExpired)
    );
    let page = browser
        .post(&format!(
            "plan_id=lab&terms=accepted&match=same&csrf={csrf}"
        ))
        .await;
    assert!(page.names(Cause::LimitedSessionExpired));
    assert!(
        world
            .stored_enrolment(&authentication.device)
            .await
            .is_none()
    );
}

#[tokio::test]
async fn the_match_code_is_computed_from_the_transcript() {
    let (world, authentication, _) = unproven().await;
    let th = authentication.transcript().hash();
    let digest = cose::sha256(
        cose::cbor::array([cose::cbor::text("berth/match/1"), cose::cbor::bytes(&th)]).as_slice(),
    );
    let number = u64::from_be_bytes(digest[..8].try_into().unwrap()) % 1_000_000;
    assert_eq!(
        world
            .session(&authentication.session)
            .await
            .record()
            .match_code,
        format!("{number:06}")
    );
}

#[tokio::test]
async fn mistakes_are_explained_on_the_form() {
    let (world, authentication, mut browser) = limited().await;
    let csrf = browser.enter().await.hidden("csrf");
    let cases = [
        ("plan_id=lab", StatusCode::BAD_REQUEST, "accept the terms"),
        (
            "terms=accepted",
            StatusCode::BAD_REQUEST,
            "choose one of the plans",
        ),
        (
            "plan_id=gone&terms=accepted",
            StatusCode::CONFLICT,
            "choose one of the plans",
        ),
        (
            "order_code=ABC&terms=accepted",
            StatusCode::FORBIDDEN,
            "order code is not known",
        ),
        (
            "plan_id=lab&terms=accepted&claim_secret=x1",
            StatusCode::BAD_REQUEST,
            "label of your device",
        ),
    ];
    for (body, status, text) in cases {
        let page = browser.post(&format!("{body}&csrf={csrf}")).await;
        assert_eq!(page.status, status, "{body}");
        assert!(
            page.text.contains(text) && page.text.contains("role=\"alert\""),
            "{body}: {}",
            page.text
        );
        assert_eq!(page.hidden("csrf"), csrf, "the form can be sent again");
    }
    assert!(
        world
            .stored_enrolment(&authentication.device)
            .await
            .is_none()
    );
    let page = browser
        .post(&format!(
            "order_code=%3Cscript%3E%22&terms=accepted&csrf={csrf}"
        ))
        .await;
    assert!(
        !page.text.contains("<script>"),
        "what was typed comes back as text"
    );
}

#[tokio::test]
async fn a_failed_attempt_is_explained_and_may_be_repeated() {
    let (world, authentication, mut browser) = limited().await;
    let mut small = plan("small");
    small.msins = crate::plan::NumberRange::parse("7000000001", "7000000001").unwrap();
    put_plan(&world.context(), &small).await.unwrap();
    let taken = world.context().store.tag("imsi-001017000000001").unwrap();
    world
        .context()
        .store
        .reserve(&taken, "somebody")
        .await
        .unwrap();
    let csrf = browser.enter().await.hidden("csrf");
    browser
        .post(&format!("plan_id=small&terms=accepted&csrf={csrf}"))
        .await;
    world.enrol(&authentication.device).await;
    let page = browser.get("/status").await;
    assert!(
        page.text.contains("NUMBER_RANGE_EXHAUSTED") && page.text.contains("href=\"/sign-up\"")
    );
    let page = browser.get("/sign-up").await;
    assert!(page.text.contains("no number left"));
    assert_eq!(
        browser
            .post(&format!("plan_id=lab&terms=accepted&csrf={csrf}"))
            .await
            .location(),
        "/status"
    );
}

#[tokio::test]
async fn every_route_demands_its_authority() {
    let (world, authentication, mut browser) = limited().await;
    browser.enter().await;
    end_session(&world.context(), &authentication.session)
        .await
        .unwrap();
    let mut stranger = Browser::of(&world, &authentication);
    stranger.peer.set_port(1);
    for route in ROUTES {
        for cookie in [None, Some(""), Some("x"), Some(&"A".repeat(43))] {
            stranger.cookie = cookie.map(|cookie| format!("__Host-berth={cookie}"));
            let page = stranger
                .send(
                    route.method,
                    route.path,
                    "application/x-www-form-urlencoded",
                    "plan_id=lab&terms=accepted",
                )
                .await;
            match route.authority {
                Authority::Anyone => assert_eq!(page.status, StatusCode::OK, "{}", route.path),
                Authority::LinkCode => {
                    assert_eq!((page.status, page.location()), (StatusCode::OK, ""));
                    assert!(page.headers.get(header::SET_COOKIE).is_none());
                    assert!(
                        stranger
                            .get(&format!("{}?c={}", route.path, "A".repeat(22)))
                            .await
                            .names(Cause::LinkCodeInvalid)
                    );
                }
                Authority::DeviceAddress => {
                    assert!(page.names(Cause::LimitedSessionUnknown), "{}", route.path)
                }
                Authority::Browser | Authority::BrowserForm => assert!(
                    page.names(Cause::NotAuthorized),
                    "{} {}",
                    route.method,
                    route.path
                ),
            }
            assert!(
                !page.text.contains("Acme") && !page.text.contains("4711"),
                "{}",
                route.path
            );
        }
        // A link to a session that has ended opens nothing either.
        if matches!(route.authority, Authority::Browser | Authority::BrowserForm) {
            let page = browser
                .send(
                    route.method,
                    route.path,
                    "application/x-www-form-urlencoded",
                    "csrf=x",
                )
                .await;
            assert!(
                page.status.is_client_error(),
                "{} {}",
                route.method,
                route.path
            );
        }
    }
    for path in [
        "/admin",
        "/sign-up/",
        "//",
        "/status/x",
        "/style.css/../status",
        "/.well-known/x",
        "/SIGN-UP",
    ] {
        assert!(browser.get(path).await.names(Cause::NotFound), "{path}");
    }
}

#[tokio::test]
async fn bad_input_is_refused_with_a_cause() {
    let (_world, _authentication, mut browser) = limited().await;
    let csrf = browser.enter().await.hidden("csrf");
    const FORM: &str = "application/x-www-form-urlencoded";
    let long = format!("csrf={csrf}&plan_id={}", "x".repeat(5000));
    let cases: Vec<(&str, &str, Vec<u8>, Cause)> = vec![
        (
            "oversized form",
            FORM,
            long.into_bytes(),
            Cause::PayloadTooLarge,
        ),
        (
            "endless value",
            FORM,
            vec![b'a'; 1 << 20],
            Cause::PayloadTooLarge,
        ),
        (
            "no form",
            "application/json",
            b"{}".to_vec(),
            Cause::ContentFormatUnsupported,
        ),
        (
            "no content type",
            "",
            format!("csrf={csrf}").into_bytes(),
            Cause::ContentFormatUnsupported,
        ),
        (
            "bad UTF-8",
            FORM,
            b"plan_id=%ff%fe".to_vec(),
            Cause::MalformedMessage,
        ),
        (
            "raw octets",
            FORM,
            vec![0xff, 0xfe, b'='],
            Cause::MalformedMessage,
        ),
        (
            "broken percent",
            FORM,
            b"plan_id=%4".to_vec(),
            Cause::MalformedMessage,
        ),
        (
            "unknown field",
            FORM,
            format!("csrf={csrf}&is_admin=1").into_bytes(),
            Cause::MalformedMessage,
        ),
        (
            "field twice",
            FORM,
            format!("csrf={csrf}&csrf={csrf}").into_bytes(),
            Cause::MalformedMessage,
        ),
        ("empty form", FORM, Vec::new(), Cause::NotAuthorized),
        (
            "nul in plan",
            FORM,
            format!("csrf={csrf}&terms=accepted&plan_id=%00").into_bytes(),
            Cause::MandatoryElementIncorrect,
        ),
        (
            "long plan",
            FORM,
            format!("csrf={csrf}&terms=accepted&plan_id={}", "x".repeat(3000)).into_bytes(),
            Cause::MandatoryElementIncorrect,
        ),
    ];
    for (name, content_type, body, cause) in cases {
        let page = browser.send("POST", "/sign-up", content_type, body).await;
        assert!(page.names(cause), "{name}: {} {}", page.status, page.text);
        assert!(page.text.contains("What to do next"), "{name}");
    }
    for method in [
        "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW",
    ] {
        for route in ROUTES {
            let page = browser.send(method, route.path, FORM, "").await;
            assert_eq!(
                page.status,
                StatusCode::METHOD_NOT_ALLOWED,
                "{method} {}",
                route.path
            );
            assert!(
                page.text.contains("MALFORMED_MESSAGE") && page.headers.contains_key(header::ALLOW)
            );
        }
    }
    assert_eq!(
        browser.send("POST", "/status", FORM, "").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    for query in [
        "c=%ff",
        "c=",
        "c",
        "c=a&c=b",
        "%%%",
        "c=%00%00",
        &format!("c={}", "é".repeat(11)),
    ] {
        let uri: String = query
            .chars()
            .map(|c| {
                if c.is_ascii() {
                    c.to_string()
                } else {
                    "%C3%A9".to_owned()
                }
            })
            .collect();
        browser.cookie = None;
        let page = browser.get(&format!("/?{uri}")).await;
        assert!(
            page.status.as_u16() < 500 && !page.status.is_redirection(),
            "{query}: {}",
            page.status
        );
    }
    for cookie in [
        "__Host-berth",
        "__Host-berth=",
        ";;;=;",
        "__Host-berth=\u{e9}",
        "=__Host-berth",
    ] {
        browser.cookie = Some(cookie.to_owned());
        assert!(
            browser.get("/status").await.names(Cause::NotAuthorized),
            "{cookie}"
        );
    }
}

#[tokio::test]
async fn pages_carry_what_protects_them() {
    let (_world, _authentication, mut browser) = limited().await;
    let link = browser.link().await;
    let entered = browser.get(&link).await;
    let cookie = entered.headers[header::SET_COOKIE]
        .to_str()
        .unwrap()
        .to_owned();
    for part in [
        "__Host-",
        "; Secure",
        "; HttpOnly",
        "; SameSite=Lax",
        "; Path=/",
    ] {
        assert!(cookie.contains(part), "{part}");
    }
    for target in [
        "/",
        "/sign-up",
        "/status",
        "/help",
        "/nothing",
        "/style.css",
        "/capport/v1",
    ] {
        let page = browser.get(target).await;
        let csp = page.headers["content-security-policy"].to_str().unwrap();
        assert!(
            csp.starts_with("default-src 'none'")
                && csp.contains("frame-ancestors 'none'")
                && !csp.contains("unsafe")
        );
        assert_eq!(page.headers["referrer-policy"], "no-referrer");
        assert_eq!(page.headers["x-content-type-options"], "nosniff");
        assert!(page.headers.contains_key(header::CACHE_CONTROL));
        assert!(page.text.len() < 50_000);
        for word in ["<script", "style=\"", " onclick", "http://", "<style"] {
            assert!(!page.text.contains(word), "{target} has {word}");
        }
    }
}

#[tokio::test]
async fn a_store_that_is_gone_is_ours_and_says_so() {
    let (world, _authentication, mut browser) = limited().await;
    browser.enter().await;
    let database: &Database = &world.database;
    database.close().await;
    let page = browser.get("/sign-up").await;
    assert!(page.names(Cause::StoreUnavailable), "{}", page.status);
    assert!(page.text.contains("What to do next"));
    assert_eq!(browser.get("/help").await.status, StatusCode::OK);
}

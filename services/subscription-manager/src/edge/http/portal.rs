//! Takes requests: finds the route, demands its authority, runs its page.

use std::error::Error as StdError;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use cause::Cause;
use data_encoding::BASE64URL_NOPAD;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, Full, Limited};
use identifiers::PlanId;
use nf_runtime::metrics::ProcedureMetrics;
use nf_runtime::procedure::chain;
use nf_runtime::telemetry::set_stranger_as_parent;
use provisioning::ClaimSecret;
use store::Outbox;
use tokio::time::timeout;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, info_span};

use super::form::{Form, query_parameter};
use super::routes::{Authority, ROUTES, Route};
use super::{captive, pages};
use crate::context::Context;
use crate::procedures::end_session::end_session;
use crate::procedures::find_session::{FoundSession, find_session_at};
use crate::procedures::link_browser::{
    BROWSER_LIFETIME, LinkBrowserError, issue_link_code, link_browser, session_of_browser,
};
use crate::procedures::redeem_order::RedeemOrderError;
use crate::procedures::sign_up::{SignUp, SignUpError, offer, sign_up};
use crate::records::{DeviceRecord, EnrolmentRecord};

/// The pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    Enter,
    SignUp,
    SubmitSignUp,
    Status,
    Help,
    Style,
    Icon,
    CaptiveApi,
}

/// The web portal and the captive-portal API.
pub(crate) struct Portal {
    pub(crate) context: Context,
    pub(crate) outbox: Outbox,
    pub(crate) metrics: ProcedureMetrics,
}

type Answer = Response<Full<Bytes>>;

/// A request whose authority has been seen.
enum Visitor {
    Anyone,
    /// By the address of the connection.
    Device(FoundSession),
    Browser(Browser),
    Form(Browser, Form),
}

/// A linked browser.
struct Browser {
    session: FoundSession,
    cookie: String,
}

/// Why a page is not served.
enum Refusal {
    /// A page explains it.
    Cause(Cause),
    /// The person gets the sign-up page again.
    Correct(Box<Correction>),
}

impl Refusal {
    fn cause(&self) -> Cause {
        match self {
            Self::Cause(cause) => *cause,
            Self::Correct(correction) => correction.error.cause(),
        }
    }
}

/// A form to be corrected.
struct Correction {
    error: SignUpError,
    browser: Browser,
    entered: Entered,
}

impl From<LinkBrowserError> for Refusal {
    fn from(error: LinkBrowserError) -> Self {
        Self::Cause(reported(&error, error.cause()))
    }
}

/// What the person had entered.
#[derive(Default)]
struct Entered {
    plan_id: String,
    order_code: String,
    match_same: bool,
    terms: bool,
}

impl Portal {
    /// Answers one request of a connection from `peer`.
    pub(crate) async fn answer<B>(&self, request: Request<B>, peer: SocketAddr) -> Answer
    where
        B: Body<Data: Send, Error: Into<Box<dyn StdError + Send + Sync>>> + Send,
    {
        let path = request.uri().path().to_owned();
        let here: Vec<&'static Route> = ROUTES.iter().filter(|route| route.path == path).collect();
        let wants_json = path == "/capport/v1";
        let method = if request.method() == Method::HEAD {
            Method::GET
        } else {
            request.method().clone()
        };
        let found = here
            .iter()
            .copied()
            .find(|route| route.method == method.as_str());
        if found.is_none() && !here.is_empty() {
            let allowed: Vec<_> = here.iter().map(|route| route.method).collect();
            return secured(
                self.method_not_allowed(&allowed.join(", "), wants_json),
                &self.context.settings.portal_url,
            );
        }
        let procedure = found.map_or("portal.unknown", |route| name(route.page));
        // A browser and a device may name the trace that their request belongs to.
        let span = info_span!(
            "http.server",
            otel.name = procedure,
            otel.kind = "server",
            http.request.method = route_method(found),
            cause = Empty,
        );
        set_stranger_as_parent(&span, request.headers());
        let outcome = async {
            let answered = match found {
                // Boxed: it is held in several layers, and the largest page is large.
                Some(route) => Box::pin(self.run(route, request, peer)).await,
                None => Err(Refusal::Cause(Cause::NotFound)),
            };
            if let Err(refusal) = &answered {
                Span::current().record("cause", refusal.cause().name());
            }
            answered
        };
        let outcome = outcome.instrument(span.clone());
        let outcome = self
            .metrics
            .measure(procedure, outcome, Refusal::cause)
            .instrument(span)
            .await;
        let answer = match outcome {
            Ok(answer) => answer,
            Err(Refusal::Cause(cause)) if wants_json => captive::problem(cause),
            Err(Refusal::Cause(cause)) => pages::problem(&self.context.settings, cause),
            Err(Refusal::Correct(correction)) => self.correct(*correction).await,
        };
        secured(answer, &self.context.settings.portal_url)
    }

    async fn run<B>(
        &self,
        route: &Route,
        request: Request<B>,
        peer: SocketAddr,
    ) -> Result<Answer, Refusal>
    where
        B: Body<Data: Send, Error: Into<Box<dyn StdError + Send + Sync>>> + Send,
    {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let may_use_up = request.method() == Method::GET;
        let headers = request.headers().clone();
        let visitor = self.admit(route.authority, request, peer).await?;
        match (route.page, visitor) {
            (Page::Enter, _) => self.enter(&query, &headers, may_use_up).await,
            (Page::SignUp, Visitor::Browser(browser)) => {
                self.show_sign_up(browser, &Entered::default(), None).await
            }
            (Page::SubmitSignUp, Visitor::Form(browser, form)) => {
                self.submit_sign_up(browser, &form).await
            }
            (Page::Status, Visitor::Browser(browser)) => self.show_status(&browser).await,
            (Page::Help, _) => Ok(pages::help(&self.context.settings)),
            (Page::Style, _) => Ok(pages::style()),
            (Page::Icon, _) => Ok(pages::icon()),
            (Page::CaptiveApi, Visitor::Device(session)) => {
                let code = issue_link_code(&self.context, &session).await?;
                Ok(captive::captive(&self.context.settings, &code))
            }
            // A page does not run without the authority that it works with.
            _ => Err(Refusal::Cause(Cause::NotAuthorized)),
        }
    }

    /// Demands the authority of a route.
    async fn admit<B>(
        &self,
        authority: Authority,
        request: Request<B>,
        peer: SocketAddr,
    ) -> Result<Visitor, Refusal>
    where
        B: Body<Data: Send, Error: Into<Box<dyn StdError + Send + Sync>>> + Send,
    {
        match authority {
            // The page takes the code itself, because taking it uses it up.
            Authority::Anyone | Authority::LinkCode => Ok(Visitor::Anyone),
            Authority::DeviceAddress => {
                match find_session_at(&self.context, peer.ip(), peer.port()).await {
                    Ok(session) => Ok(Visitor::Device(session)),
                    Err(error) => Err(Refusal::Cause(reported(&error, error.cause()))),
                }
            }
            Authority::Browser => Ok(Visitor::Browser(self.browser(request.headers()).await?)),
            Authority::BrowserForm => {
                let browser = self.browser(request.headers()).await?;
                let form = read_form(request).await.map_err(Refusal::Cause)?;
                let token = form.get("csrf").unwrap_or_default();
                if !secret::ct_eq(token.as_bytes(), form_token(&browser.cookie).as_bytes()) {
                    return Err(Refusal::Cause(Cause::NotAuthorized));
                }
                Ok(Visitor::Form(browser, form))
            }
        }
    }

    async fn browser(&self, headers: &HeaderMap) -> Result<Browser, LinkBrowserError> {
        let cookie = cookie(headers).ok_or(LinkBrowserError::NotLinked)?;
        let session = session_of_browser(&self.context, &cookie).await?;
        Ok(Browser { session, cookie })
    }

    /// Uses a link code up, and leads on to the sign-up without it. A browser that is linked already goes on.
    async fn enter(
        &self,
        query: &str,
        headers: &HeaderMap,
        may_use_up: bool,
    ) -> Result<Answer, Refusal> {
        let code = query_parameter(query, "c");
        if !may_use_up || code.is_none() {
            return match self.browser(headers).await {
                Ok(_) => Ok(see_other("/sign-up")),
                Err(_) => Ok(pages::welcome(&self.context.settings)),
            };
        }
        let code = code.unwrap_or_default();
        let linked = link_browser(&self.context, &code);
        let linked = self
            .metrics
            .measure("link_browser", linked, LinkBrowserError::cause);
        match linked.await {
            Ok(cookie) => {
                let mut answer = see_other("/sign-up");
                let cookie = format!(
                    "{COOKIE}={cookie}; Path=/; Max-Age={}; Secure; HttpOnly; SameSite=Lax",
                    BROWSER_LIFETIME.as_secs()
                );
                if let Ok(cookie) = HeaderValue::try_from(cookie) {
                    answer.headers_mut().insert(header::SET_COOKIE, cookie);
                }
                Ok(answer)
            }
            Err(LinkBrowserError::Code) if self.browser(headers).await.is_ok() => {
                Ok(see_other("/sign-up"))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn show_sign_up(
        &self,
        browser: Browser,
        entered: &Entered,
        wrong: Option<&SignUpError>,
    ) -> Result<Answer, Refusal> {
        let offer = offer(&self.context, &browser.session).await;
        let offer = offer.map_err(|error| Refusal::Cause(reported(&error, error.cause())))?;
        let Some(offer) = offer else {
            return Ok(see_other("/status"));
        };
        Ok(pages::sign_up(&pages::SignUpView {
            settings: &self.context.settings,
            offer: &offer,
            csrf: form_token(&browser.cookie),
            chosen: &entered.plan_id,
            order_code: &entered.order_code,
            match_same: entered.match_same,
            terms_accepted: entered.terms,
            wrong: wrong.map(wrong_field),
            status: wrong.map_or(200, |error| error.cause().http()),
        }))
    }

    async fn submit_sign_up(&self, browser: Browser, form: &Form) -> Result<Answer, Refusal> {
        if form.get("match") == Some("differs") {
            let ended = end_session(&self.context, &browser.session.id);
            self.metrics
                .measure("end_session", ended, store::Error::cause)
                .await
                .map_err(|error| Refusal::Cause(reported(&error, error.cause())))?;
            return Ok(pages::mismatch(&self.context.settings));
        }
        let text = |name: &str| form.get(name).map(str::to_owned);
        let entered = Entered {
            plan_id: text("plan_id").unwrap_or_default(),
            order_code: text("order_code").unwrap_or_default(),
            match_same: form.get("match") == Some("same"),
            terms: form.get("terms") == Some("accepted"),
        };
        let Ok(plan_id) = form.get("plan_id").map(PlanId::parse).transpose() else {
            return Err(Refusal::Cause(Cause::MandatoryElementIncorrect));
        };
        let (terms_accepted, match_confirmed) = (entered.terms, entered.match_same);
        let correct = |error, browser| {
            Refusal::Correct(Box::new(Correction {
                error,
                browser,
                entered,
            }))
        };
        let claim_secret = form
            .get("claim_secret")
            .map(|text| ClaimSecret::parse(&text.replace(' ', "")));
        let Ok(claim_secret) = claim_secret.transpose() else {
            return Err(correct(SignUpError::ClaimSecret, browser));
        };
        let decision = SignUp {
            plan_id,
            order_code: text("order_code"),
            claim_secret,
            terms_accepted,
            match_confirmed,
        };
        let signed_up = sign_up(&self.context, &self.outbox, &browser.session, decision);
        let signed_up = self
            .metrics
            .measure("sign_up", signed_up, SignUpError::cause);
        match signed_up.await {
            Ok(()) => Ok(see_other("/status")),
            Err(error @ (SignUpError::Ended | SignUpError::Store(_) | SignUpError::Seal(_))) => {
                Err(Refusal::Cause(reported(&error, error.cause())))
            }
            Err(error) => Err(correct(error, browser)),
        }
    }

    async fn correct(&self, correction: Correction) -> Answer {
        let Correction {
            error,
            browser,
            entered,
        } = correction;
        match self.show_sign_up(browser, &entered, Some(&error)).await {
            Ok(answer) => answer,
            Err(Refusal::Cause(cause)) => pages::problem(&self.context.settings, cause),
            Err(Refusal::Correct(correction)) => {
                pages::problem(&self.context.settings, correction.error.cause())
            }
        }
    }

    async fn show_status(&self, browser: &Browser) -> Result<Answer, Refusal> {
        let read = async {
            let device = self
                .context
                .store
                .read::<DeviceRecord>(&browser.session.tag)
                .await?;
            let enrolment = self
                .context
                .store
                .read::<EnrolmentRecord>(&browser.session.tag)
                .await?;
            Ok::<_, store::Error>((device, enrolment))
        };
        let (device, enrolment) = read
            .await
            .map_err(|error| Refusal::Cause(reported(&error, error.cause())))?;
        let record = browser.session.record();
        let is_live = record.is_live(self.context.now_ms());
        let Some(enrolment) = enrolment.map(|enrolment| enrolment.record) else {
            return if is_live {
                Ok(see_other("/sign-up"))
            } else {
                Err(Refusal::Cause(Cause::LimitedSessionExpired))
            };
        };
        let device = device.map(|device| device.record).unwrap_or_default();
        Ok(pages::status(&pages::StatusView {
            settings: &self.context.settings,
            device: &device,
            enrolment: &enrolment,
            session: &browser.session.name(),
            is_live,
        }))
    }

    fn method_not_allowed(&self, allowed: &str, wants_json: bool) -> Answer {
        let cause = Cause::MalformedMessage;
        let mut answer = if wants_json {
            captive::problem(cause)
        } else {
            pages::problem(&self.context.settings, cause)
        };
        *answer.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        if let Ok(allowed) = HeaderValue::try_from(allowed) {
            answer.headers_mut().insert(header::ALLOW, allowed);
        }
        answer
    }
}

/// Reads the form of a request, which must be one and not too long.
async fn read_form<B>(request: Request<B>) -> Result<Form, Cause>
where
    B: Body<Data: Send, Error: Into<Box<dyn StdError + Send + Sync>>> + Send,
{
    let content_type = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = content_type
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Cause::ContentFormatUnsupported);
    }
    let body = timeout(
        BODY_LIMIT,
        Limited::new(request.into_body(), MAX_FORM).collect(),
    )
    .await;
    let body = body.map_err(|_| Cause::MalformedMessage)?;
    let body = body.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            Cause::PayloadTooLarge
        } else {
            Cause::MalformedMessage
        }
    })?;
    Form::parse(
        &body.to_bytes(),
        &[
            "plan_id",
            "terms",
            "csrf",
            "order_code",
            "claim_secret",
            "match",
        ],
    )
}

/// The token of forms that are served to a browser: whoever knows it has seen such a form.
fn form_token(cookie: &str) -> String {
    let content = cose::cbor::array([cose::cbor::text("berth/csrf/1"), cose::cbor::text(cookie)]);
    BASE64URL_NOPAD.encode(&cose::sha256(content.as_slice()))
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let pairs = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|pairs| pairs.split(';'));
    pairs.find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == COOKIE).then(|| value.to_owned())
    })
}

fn see_other(path: &'static str) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::SEE_OTHER;
    answer
        .headers_mut()
        .insert(header::LOCATION, HeaderValue::from_static(path));
    answer
}

/// What every answer carries.
fn secured(mut answer: Answer, portal_url: &str) -> Answer {
    let headers = answer.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    // On localhost it would bind every other server of the machine too.
    if !portal_url.starts_with("https://localhost") {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    answer
}

/// Notes a failure of ours, and passes the cause on.
fn reported(error: &dyn StdError, cause: Cause) -> Cause {
    if cause.http() >= 500 {
        tracing::warn!(
            cause = cause.name(),
            error = chain(error),
            "portal request failed"
        );
    }
    cause
}

const fn wrong_field(error: &SignUpError) -> pages::Wrong {
    match error {
        SignUpError::Terms => pages::Wrong::Terms,
        SignUpError::Match => pages::Wrong::Match,
        SignUpError::ClaimSecret => pages::Wrong::ClaimSecret,
        SignUpError::Order(RedeemOrderError::NoOrder) => pages::Wrong::OrderCode,
        SignUpError::NoPlan | SignUpError::Plan(_) => pages::Wrong::Plan,
        SignUpError::Order(_)
        | SignUpError::Ended
        | SignUpError::Seal(_)
        | SignUpError::Store(_) => pages::Wrong::Us,
    }
}

/// The method of a route, for a span: strangers may send any word.
fn route_method(route: Option<&Route>) -> &'static str {
    route.map_or("_OTHER", |route| route.method)
}

const fn name(page: Page) -> &'static str {
    match page {
        Page::Enter => "portal.enter",
        Page::SignUp => "portal.show_sign_up",
        Page::SubmitSignUp => "portal.sign_up",
        Page::Status => "portal.status",
        Page::Help => "portal.help",
        Page::Style | Page::Icon => "portal.asset",
        Page::CaptiveApi => "portal.captive_api",
    }
}

const SECURITY_HEADERS: [(&str, &str); 4] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("cross-origin-opener-policy", "same-origin"),
];
/// The prefix holds browsers to: this host only, over https only.
const COOKIE: &str = "__Host-berth";
const MAX_FORM: usize = 4096;
const BODY_LIMIT: Duration = Duration::from_secs(10);

//! What people see.

use askama::Template;
use bytes::Bytes;
use cause::Cause;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

use crate::context::Settings;
use crate::procedures::sign_up::Offer;
use crate::records::{DeliveryState, DeviceRecord, EnrolmentRecord, cause};

type Answer = Response<Full<Bytes>>;

/// What has to be corrected in a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    Terms,
    Match,
    ClaimSecret,
    OrderCode,
    Plan,
    /// Nothing: we failed.
    Us,
}

impl Wrong {
    const fn text(self) -> &'static str {
        match self {
            Self::Terms => "Please accept the terms to go on.",
            Self::Match => {
                "Please compare the code with your device first, and confirm that both are the same."
            }
            Self::ClaimSecret => {
                "Please enter the code from the label of your device. It has letters and the digits 2 to 7."
            }
            Self::OrderCode => {
                "This order code is not known, was used already, or is for another device. Check it, or choose a plan."
            }
            Self::Plan => "Please choose one of the plans, or enter an order code.",
            Self::Us => {
                "Something failed on our side. Nothing was changed; please try again in a moment."
            }
        }
    }
}

/// The sign-up page.
pub(super) struct SignUpView<'a> {
    pub(super) settings: &'a Settings,
    pub(super) offer: &'a Offer,
    pub(super) csrf: String,
    pub(super) chosen: &'a str,
    pub(super) order_code: &'a str,
    pub(super) match_same: bool,
    pub(super) terms_accepted: bool,
    pub(super) wrong: Option<Wrong>,
    /// Status of the answer.
    pub(super) status: u16,
}

#[derive(Template)]
#[template(path = "sign_up.html")]
struct SignUpPage<'a> {
    operator: &'a str,
    maker: &'a str,
    serial_tail: String,
    match_code: Option<String>,
    is_proven: bool,
    match_same: bool,
    terms_accepted: bool,
    plans: Vec<PlanCard<'a>>,
    needs_claim_secret: bool,
    takes_claim_secret: bool,
    has_subscription: bool,
    order_code: &'a str,
    terms: &'a str,
    csrf: &'a str,
    notice: Option<&'a str>,
    wrong: Option<&'a str>,
    wrong_match: bool,
    wrong_claim_secret: bool,
    wrong_order_code: bool,
    wrong_terms: bool,
}

struct PlanCard<'a> {
    id: &'a str,
    name: &'a str,
    price: &'a str,
    chosen: bool,
}

pub(super) fn sign_up(view: &SignUpView<'_>) -> Answer {
    let offer = view.offer;
    let only_one = offer.plans.len() == 1;
    let plans = offer.plans.iter().map(|plan| PlanCard {
        id: plan.plan_id.as_str(),
        name: &plan.name,
        price: &plan.price,
        chosen: only_one || plan.plan_id.as_str() == view.chosen,
    });
    let page = SignUpPage {
        operator: &view.settings.operator_name,
        maker: &offer.manufacturer,
        serial_tail: tail(&offer.serial),
        match_code: offer.match_code.as_deref().map(grouped),
        is_proven: offer.is_proven,
        match_same: view.match_same,
        terms_accepted: view.terms_accepted,
        plans: plans.collect(),
        needs_claim_secret: offer.needs_claim_secret,
        takes_claim_secret: offer.needs_claim_secret || offer.headless,
        has_subscription: offer.has_subscription,
        order_code: view.order_code,
        terms: &view.settings.terms,
        csrf: &view.csrf,
        notice: offer.failure.map(reason),
        wrong: view.wrong.map(Wrong::text),
        wrong_match: view.wrong == Some(Wrong::Match),
        wrong_claim_secret: view.wrong == Some(Wrong::ClaimSecret),
        wrong_order_code: view.wrong == Some(Wrong::OrderCode),
        wrong_terms: view.wrong == Some(Wrong::Terms),
    };
    html(view.status, &page)
}

/// The progress page.
pub(super) struct StatusView<'a> {
    pub(super) settings: &'a Settings,
    pub(super) device: &'a DeviceRecord,
    pub(super) enrolment: &'a EnrolmentRecord,
    pub(super) session: &'a str,
    pub(super) is_live: bool,
}

#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage<'a> {
    operator: &'a str,
    maker: &'a str,
    serial_tail: String,
    plan: String,
    number: &'a str,
    ue_service_id: &'a str,
    steps: Vec<StepLine>,
    outcome: Outcome,
    trouble: Option<&'static str>,
    /// Another choice may help, and can be made.
    may_choose_again: bool,
    code: Option<&'static str>,
}

/// One line of the progress.
struct StepLine {
    name: &'static str,
    is_done: bool,
    is_now: bool,
}

/// Where the set-up stands, as the page speaks of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Working,
    InService,
    Failed,
    SessionOver,
}

impl StatusPage<'_> {
    fn is_working(&self) -> bool {
        self.outcome == Outcome::Working
    }

    fn is_in_service(&self) -> bool {
        self.outcome == Outcome::InService
    }

    /// How soon the page is loaded again. After the session it waits for the device to come back.
    fn reload_seconds(&self) -> Option<u32> {
        match self.outcome {
            Outcome::Working => Some(2),
            Outcome::SessionOver => Some(10),
            Outcome::InService | Outcome::Failed => None,
        }
    }

    fn has_failed(&self) -> bool {
        self.outcome == Outcome::Failed
    }
}

pub(super) fn status(view: &StatusView<'_>) -> Answer {
    let enrolment = view.enrolment;
    let delivery = enrolment.delivery_for(view.session);
    let state = delivery.map_or(DeliveryState::Unspecified, crate::records::Delivery::state);
    let in_service = enrolment.is_in_service();
    let failure =
        cause(enrolment.failure).or_else(|| delivery.and_then(|delivery| cause(delivery.failure)));
    let trouble = match (failure, state) {
        (Some(failure), _) => Some((reason(failure), failure.name())),
        (None, DeliveryState::Rejected) => Some((
            "The device did not accept the profile. If you typed the code of its label, check it.",
            Cause::PackageInvalid.name(),
        )),
        _ => None,
    };
    let outcome = match (in_service, trouble, view.is_live) {
        (true, ..) => Outcome::InService,
        (false, Some(_), _) => Outcome::Failed,
        (false, None, true) => Outcome::Working,
        (false, None, false) => Outcome::SessionOver,
    };
    let reached =
        |least: DeliveryState| in_service || (state >= least && state != DeliveryState::Rejected);
    let done = [
        ("Signed up", true),
        (
            "Number assigned",
            enrolment.associated && !enrolment.credential_set_id.is_empty(),
        ),
        ("Sealed for this device", reached(DeliveryState::Offered)),
        ("Delivered to the device", reached(DeliveryState::Fetched)),
        ("Installed", reached(DeliveryState::Installed)),
        ("In service", in_service),
    ];
    let first_open = done.iter().position(|(_, is_done)| !is_done);
    let steps = done
        .into_iter()
        .enumerate()
        .map(|(n, (name, is_done))| StepLine {
            name,
            is_done,
            is_now: outcome == Outcome::Working && Some(n) == first_open,
        });
    let page = StatusPage {
        operator: &view.settings.operator_name,
        maker: &view.device.manufacturer,
        serial_tail: tail(&view.device.serial),
        plan: enrolment.plan().map(|plan| plan.name).unwrap_or_default(),
        number: enrolment.gpsi.strip_prefix("msisdn-").unwrap_or_default(),
        ue_service_id: &enrolment.ue_service_id,
        steps: steps.collect(),
        outcome,
        trouble: trouble.map(|(text, _)| text),
        may_choose_again: enrolment.failure != 0 && view.is_live,
        code: trouble.map(|(_, name)| name),
    };
    html(200, &page)
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage<'a> {
    operator: &'a str,
    title: &'a str,
    text: &'a str,
    next: &'a [&'a str],
    code: Option<&'a str>,
    is_alert: bool,
}

/// Why something did not work, and what to do next.
pub(super) fn problem(settings: &Settings, cause: Cause) -> Answer {
    let (title, next) = advice(cause);
    let page = MessagePage {
        operator: &settings.operator_name,
        title,
        text: cause.text(),
        next,
        code: Some(cause.name()),
        is_alert: true,
    };
    html(cause.http(), &page)
}

/// The page when the codes on page and device differ; the session has ended.
pub(super) fn mismatch(settings: &Settings) -> Answer {
    let page = MessagePage {
        operator: &settings.operator_name,
        title: "Do not go on",
        text: "This page was not connected to your device: somebody may be standing between them. \
               Nothing was set up, and the connection has been closed.",
        next: &[
            "Turn the device off, move to another place if you can, and turn it on again.",
            "Open the sign-up page from the device's own connection, and compare the codes again.",
            "If they differ again, do not sign up. Ask the operator.",
        ],
        code: None,
        is_alert: true,
    };
    html(200, &page)
}

/// The page of a browser that comes without a link.
pub(super) fn welcome(settings: &Settings) -> Answer {
    let page = MessagePage {
        operator: &settings.operator_name,
        title: "Set up a device",
        text: "This page opens through the connection of the device that you want to set up.",
        next: &[
            "Turn the device on and wait until it says that it has found the network.",
            "Open the sign-in page that your device or phone offers.",
            "Have the label of the device at hand if it has no screen.",
        ],
        code: None,
        is_alert: false,
    };
    html(200, &page)
}

#[derive(Template)]
#[template(path = "help.html")]
struct HelpPage<'a> {
    operator: &'a str,
}

/// The help page.
pub(super) fn help(settings: &Settings) -> Answer {
    html(
        200,
        &HelpPage {
            operator: &settings.operator_name,
        },
    )
}

/// The one style sheet.
pub(super) fn style() -> Answer {
    asset(
        "text/css; charset=utf-8",
        include_str!("../../../templates/style.css"),
    )
}

/// The icon.
pub(super) fn icon() -> Answer {
    asset("image/svg+xml", include_str!("../../../templates/icon.svg"))
}

fn asset(content_type: &'static str, content: &'static str) -> Answer {
    let mut answer = Response::new(Full::from(content));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=3600"),
    );
    answer
}

fn html(status: u16, page: &impl Template) -> Answer {
    let (status, text) = match page.render() {
        Ok(text) => (
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            text,
        ),
        Err(error) => {
            tracing::error!(error = %error, "page cannot be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, String::new())
        }
    };
    let mut answer = Response::new(Full::from(text));
    *answer.status_mut() = status;
    answer.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    answer
}

const fn advice(cause: Cause) -> (&'static str, &'static [&'static str]) {
    match cause {
        Cause::LinkCodeInvalid => (
            "This link does not work any more",
            &[
                "Open the sign-in page of your device or phone once more: it gets a new link.",
                "Follow it within five minutes. Each link works once.",
            ],
        ),
        Cause::LimitedSessionExpired | Cause::LimitedSessionUnknown => (
            "The time for setting up has run out",
            &[
                "Turn the device off and on again.",
                "Open the sign-in page again. If you had signed up already, nothing is lost.",
            ],
        ),
        Cause::NotAuthorized | Cause::Unauthenticated => (
            "This page is not open to you",
            &[
                "Open the sign-in page through the connection of your device.",
                "Allow cookies for this page; it keeps no other data.",
            ],
        ),
        Cause::NotFound => (
            "There is nothing here",
            &["Open the sign-in page through the connection of your device."],
        ),
        Cause::RateLimited => ("Too many attempts", &["Wait a minute, then try again."]),
        Cause::MalformedMessage
        | Cause::MandatoryElementIncorrect
        | Cause::ContentFormatUnsupported
        | Cause::PayloadTooLarge => (
            "We could not read that",
            &[
                "Go back, load the page again and repeat your entries.",
                "If you use a tool that changes pages, turn it off here.",
            ],
        ),
        _ => (
            "We cannot do this right now",
            &[
                "Wait a moment, then load the page again. Nothing you entered was lost or charged.",
                "If it lasts, tell the operator the code below.",
            ],
        ),
    }
}

/// Why a set-up failed, for the person at the device.
const fn reason(cause: Cause) -> &'static str {
    match cause {
        Cause::NumberRangeExhausted => "This plan has no number left.",
        Cause::ChallengeStale => "The device took too long.",
        Cause::ProofInvalid | Cause::RecipientMismatch => {
            "The device did not show that it may receive this subscription."
        }
        _ => "The network could not complete the set-up.",
    }
}

/// The last four characters of a serial: enough to recognise a device, not enough to name it.
fn tail(serial: &str) -> String {
    let skip = serial.chars().count().saturating_sub(4);
    serial.chars().skip(skip).collect()
}

/// `123456` as `123 456`.
fn grouped(code: &str) -> String {
    let (first, last) = code.split_at_checked(3).unwrap_or((code, ""));
    format!("{first} {last}")
}
